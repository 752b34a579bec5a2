"""Decide: the whole floor at one instant, from one set of evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mission_control.decide.evidence import SessionAt, Statement, current_readings
from mission_control.decide.execution_evidence import state_execution
from mission_control.decide.freshness import judge_freshness, judge_sources, state_staleness
from mission_control.decide.freshness_claims import (
    state_false_positives,
    state_freshness_contradictions,
)
from mission_control.decide.kill_switch import (
    hear_configured,
    hear_services,
    judge_kill_switch,
    state_kill_switch,
)
from mission_control.decide.own_clock import SUBJECT as OWN_CLOCK
from mission_control.decide.own_clock import state_own_clock
from mission_control.decide.posture import (
    decide_posture,
    order_reasons,
    reasons_from_accusations,
    reasons_from_lacks,
    reasons_from_services,
    reasons_from_switch_and_calendar,
    severity_of_trouble,
)
from mission_control.decide.required_evidence import (
    Readings,
    count_coverage,
    find_lacks,
    measure_age,
)
from mission_control.decide.service_state import Circumstances, Judgement, judge_service
from mission_control.decide.standing import carry_accusations, hold_against
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent, Fleet
from mission_control.model.kill_switch import KillSwitch
from mission_control.model.reading import Seen
from mission_control.model.session import MarketSession
from mission_control.model.snapshot import (
    FloorEvidence,
    FloorSnapshot,
    Freshness,
    Posture,
    ServiceReport,
)
from mission_control.model.standing import Accusation, ServiceSince, Standing


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one decision worked out from its evidence, before it judges anything with it."""

    readings: Readings
    sources: Mapping[Agent, Mapping[str, Freshness]]
    freshness: Mapping[str, Freshness]
    switch: KillSwitch
    session: MarketSession


def decide_floor(
    evidence: FloorEvidence,
    standing: Standing,
    session_at: SessionAt,
    now: datetime,
    *,
    sequence: int = 0,
    label: str = "",
) -> FloorSnapshot:
    """
    Decide everything there is to say about the floor at `now` (semantics, sections 3 to 6).

    The standing that the snapshot carries is what the next decision has to start from.
    """
    seen = _look(evidence, session_at, now)
    accusations = carry_accusations(
        standing.accusations,
        tuple(_statements(seen, session_at, now)),
        _sources(evidence),
        now,
    )
    judged = _judge_services(evidence, standing, seen, session_at, now)
    reports = tuple(hold_against(report, accusations) for report in judged)
    posture = _decide_posture(evidence.fleet, standing, seen, accusations, reports, now)
    return FloorSnapshot(
        at=now,
        sequence=sequence,
        fleet=evidence.fleet,
        session=seen.session,
        kill_switch=seen.switch,
        services=reports,
        posture=posture,
        standing=_carry(accusations, posture, reports),
        label=label,
    )


def _decide_posture(
    fleet: Fleet,
    standing: Standing,
    seen: _Seen,
    accusations: tuple[Accusation, ...],
    reports: tuple[ServiceReport, ...],
    now: datetime,
) -> Posture:
    session, switch = seen.session, seen.switch
    lacks = find_lacks(fleet, seen.readings, seen.freshness, now)
    reasons = order_reasons(
        (
            *reasons_from_accusations(accusations, session),
            *reasons_from_switch_and_calendar(switch, session),
            *reasons_from_lacks(lacks, session),
            *reasons_from_services(reports, session),
        )
    )
    age = measure_age(fleet, seen.readings, switch, now)
    coverage = count_coverage(fleet, seen.readings, switch)
    return decide_posture(reasons, reports, session, standing, age, coverage, now)


def _look(evidence: FloorEvidence, session_at: SessionAt, now: datetime) -> _Seen:
    readings = {
        a.agent_name: current_readings(evidence.rounds.get(a.agent_name), now)
        for a in evidence.fleet.agents
    }
    sources = {a: judge_sources(a, readings[a.agent_name], now) for a in evidence.fleet.agents}
    freshness = {a.agent_name: judge_freshness(a, spoken) for a, spoken in sources.items()}
    witnesses = (
        *hear_configured(evidence.switch_witnesses, now),
        *hear_services(readings, now),
    )
    return _Seen(readings, sources, freshness, judge_kill_switch(witnesses), session_at(now))


def _statements(seen: _Seen, session_at: SessionAt, now: datetime) -> Iterator[Statement]:
    for agent, sources in seen.sources.items():
        readings = seen.readings[agent.agent_name]
        yield from state_execution(agent, readings, now)
        yield from state_false_positives(agent, readings, session_at, now)
        yield from state_staleness(agent, readings, sources)
    yield from state_kill_switch(seen.switch)
    gates = seen.session.phase.gates
    yield from state_freshness_contradictions(seen.sources, seen.readings, gates=gates)
    yield from state_own_clock(seen.readings.values())


def _sources(evidence: FloorEvidence) -> frozenset[str]:
    """List everyone who may accuse: agents, configured witnesses, and our own clock."""
    agents = (a.agent_name for a in evidence.fleet.agents)
    witnesses = (w.source for w in evidence.switch_witnesses)
    return frozenset((*agents, *witnesses, OWN_CLOCK))


def _judge_services(
    evidence: FloorEvidence,
    standing: Standing,
    seen: _Seen,
    session_at: SessionAt,
    now: datetime,
) -> tuple[ServiceReport, ...]:
    before = {s.agent_name: s for s in standing.services}
    reports = list[ServiceReport]()
    for agent in evidence.fleet.agents:
        name = agent.agent_name
        given = Circumstances(now, session_at, seen.switch.confirmed, seen.freshness[name])
        judged = judge_service(agent, seen.readings[name], given)
        known = before.get(name)
        same = known and (known.state, known.expected) == (judged.state, judged.expected)
        primary = seen.readings[name].get(agent.primary_path or "")
        reports.append(
            ServiceReport(
                agent=agent,
                state=judged.state,
                expected=judged.expected,
                reasons=_service_reasons(agent, judged, seen.session),
                freshness=seen.freshness[name],
                round=evidence.rounds.get(name),
                since=known.since if known and same else now,
                evidence_at=primary.at if isinstance(primary, Seen) else None,
                reported_codes=judged.reported_codes,
            )
        )
    return tuple(reports)


def _service_reasons(agent: Agent, judged: Judgement, session: MarketSession) -> tuple[Reason, ...]:
    severity = severity_of_trouble(agent, session)
    return tuple(
        Reason(t.code, agent.agent_name, Severity.INFO if t.note else severity, t.detail)
        for t in judged.troubles
    )


def _carry(
    accusations: tuple[Accusation, ...], posture: Posture, reports: tuple[ServiceReport, ...]
) -> Standing:
    return Standing(
        accusations=accusations,
        verdict=posture.verdict,
        verdict_since=posture.since,
        services=tuple(
            ServiceSince(r.agent.agent_name, r.state, r.expected, r.since) for r in reports
        ),
    )
