"""The whole floor at one instant, from one set of evidence."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, repeat

from mission_control.cluster.decide.lists import SUBJECT as CLUSTER
from mission_control.cluster.decide.view import clear_by_cluster, state_disagreements
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.alarms import Carried, carry_alarms, held_against
from mission_control.floor.decide.evidence import Key, SessionAt, Statement
from mission_control.floor.decide.freshness import state_freshness_contradictions
from mission_control.floor.decide.instances import Hearing
from mission_control.floor.decide.looks import AgentLook, FloorLooks, look_at_floor
from mission_control.floor.decide.own_clock import SUBJECT as OWN_CLOCK
from mission_control.floor.decide.own_clock import state_own_clock
from mission_control.floor.decide.posture import (
    decide_posture,
    order_reasons,
    reasons_from_alarms,
    reasons_from_cluster,
    reasons_from_leftovers,
    reasons_from_memory,
    reasons_from_missing,
    reasons_from_outdated_access,
    reasons_from_replicas,
    reasons_from_services,
    reasons_from_starter_lists,
    reasons_from_switch_and_calendar,
)
from mission_control.floor.decide.required_evidence import count_coverage, measure_age, missing_feed
from mission_control.floor.decide.round_memory import answered_paths, find_told_skew
from mission_control.floor.model import (
    Alarm,
    FloorEvidence,
    FloorSnapshot,
    Latched,
    Posture,
    ServiceReport,
    ServiceSince,
)
from mission_control.kill_switch.decide import state_kill_switch
from mission_control.model.finding import Reason
from mission_control.model.fleet import ContractKind


def decide_floor(
    evidence: FloorEvidence,
    latched: Latched,
    session_at: SessionAt,
    now: datetime,
    *,
    sequence: int = 0,
    label: str = "",
) -> FloorSnapshot:
    """
    Decide everything there is to say about the floor at `now` (docs/semantics.md#3 to #6).

    The next decision has to start from what the snapshot has `latched`.
    """
    looks = look_at_floor(evidence, session_at, now)
    return decide_on_looks(looks, evidence, latched, now, sequence=sequence, label=label)


def decide_on_looks(
    looks: FloorLooks,
    evidence: FloorEvidence,
    latched: Latched,
    now: datetime,
    *,
    before: FloorSnapshot | None = None,
    sequence: int = 0,
    label: str = "",
) -> FloorSnapshot:
    """
    Decide the floor at `now` on looks taken at `now` (`look_at_floor`).

    `before` is the snapshot whose `latched` this decision starts from: what did not change since
    is reused. The answer is the same without it.
    """
    weighed = [look.evidence for look in looks.agents]
    alarms, cleared = _carry_alarms(looks, weighed, evidence, latched, now)
    reports = report_services(looks.agents, alarms, latched, before, now)
    memory = tuple(reasons_from_memory(evidence, looks.session))
    leftovers = reasons_from_leftovers(looks.cluster, evidence.captured)
    further = (*memory, *leftovers, *reasons_from_replicas(looks.cluster, _told_skews(looks)))
    posture = _decide_posture(looks, weighed, alarms, reports, latched, now, further)
    return FloorSnapshot(
        at=now,
        sequence=sequence,
        fleet=evidence.fleet,
        session=looks.session,
        kill_switch=looks.switch,
        services=reports,
        posture=posture,
        latched=_carry(alarms, posture, reports, latched),
        label=label,
        cluster=evidence.cluster,
        cleared=cleared,
    )


def _told_skews(looks: FloorLooks) -> Iterator[tuple[str, str]]:
    """Return the services whose replicas lately named different builds."""
    for look in looks.agents:
        round_ = look.evidence.round
        if round_ is not None and len(round_.builds) > 1:
            detail = find_told_skew(round_.builds, look.workload)
            if detail:
                yield look.evidence.agent.agent_name, detail


def _decide_posture(
    looks: FloorLooks,
    weighed: Sequence[AgentEvidence],
    alarms: tuple[Alarm, ...],
    reports: tuple[ServiceReport, ...],
    latched: Latched,
    now: datetime,
    further: tuple[Reason, ...],
) -> Posture:
    session, switch, safety = looks.session, looks.switch, looks.cluster.fleet.safety
    missing = chain.from_iterable(e.missing for e in weighed if e.missing)
    feed = missing_feed(e.agent for e in weighed) if safety.freshness_required else ()
    reasons = order_reasons(
        (
            *reasons_from_alarms(alarms, session),
            *reasons_from_switch_and_calendar(
                switch, session, safety, execution_off=looks.cluster.execution_off
            ),
            *reasons_from_missing((*missing, *feed), session),
            *reasons_from_cluster(looks.cluster.missing, session),
            *reasons_from_starter_lists(looks.cluster.missing_starters, session),
            *reasons_from_outdated_access(looks.cluster.facts),
            *reasons_from_services(reports, session),
            *further,
        )
    )
    taken = [(e.seen_at, e.agent.agent_name) for e in weighed if e.ages]
    if looks.cluster.sources:
        taken.append((looks.cluster.oldest, CLUSTER))
    age = measure_age(taken, switch, now, switch_required=safety.switch_required)
    coverage = count_coverage([*(e.coverage for e in weighed), looks.cluster.coverage], switch)
    return decide_posture(reasons, reports, session, latched, age, coverage, now)


def _carry_alarms(
    looks: FloorLooks,
    weighed: Sequence[AgentEvidence],
    evidence: FloorEvidence,
    latched: Latched,
    now: datetime,
) -> Carried:
    """Carry the latched alarms; denials are gathered only while there are any."""
    shared = tuple(_state_together(looks, weighed))
    raising = [s for e in weighed if e.raising for s in e.raising]
    raising.extend(s for s in shared if s.raises)
    raising.extend(looks.cluster.raising)
    if not latched.alarms and not raising:
        return Carried()
    agents = {e.agent.agent_name: e for e in weighed}
    denied = set[Key](s.key for s in shared if not s.raises)
    denied.update(clear_by_cluster(latched.alarms, agents, looks.cluster))
    lists = looks.cluster.sources | looks.cluster.starter_sources
    sources = _sources(evidence) | lists
    hearing = Hearing(evidence.fleet, agents, denied, sources, looks.cluster, now)
    return carry_alarms(latched.alarms, raising, hearing, now)


def _state_together(looks: FloorLooks, weighed: Sequence[AgentEvidence]) -> Iterator[Statement]:
    """Return what only all services and the cluster together can state."""
    yield from state_kill_switch(looks.switch)
    if looks.cluster.agents:
        for each in weighed:
            yield from state_disagreements(each.agent, each.readings, looks.cluster)
    not_fresh = tuple(chain.from_iterable(e.not_fresh for e in weighed if e.not_fresh))
    if not_fresh:
        fresh = tuple(chain.from_iterable(e.fresh for e in weighed))
        gates = looks.session.phase.gates
        yield from state_freshness_contradictions(fresh, not_fresh, gates=gates)
    yield from state_own_clock([e.clock for e in weighed])


def _sources(evidence: FloorEvidence) -> frozenset[str]:
    """List every source that may raise an alarm: agents, switch sources, and our own clock."""
    agents = (a.agent_name for a in evidence.fleet.agents)
    sources = (w.source for w in evidence.switch_readings)
    return frozenset((*agents, *sources, OWN_CLOCK))


def _carry(
    alarms: tuple[Alarm, ...],
    posture: Posture,
    reports: Sequence[ServiceReport],
    latched: Latched,
) -> Latched:
    services = tuple(_since(report, held) for report, held in _held(reports, latched))
    # Until every service was asked once after a start, what was so before is neither so nor over.
    starting = latched.verdict is not None and any(_is_unasked(r) for r in reports)
    return Latched(
        alarms=alarms,
        verdict=latched.verdict if starting else posture.verdict,
        verdict_since=latched.verdict_since if starting else posture.since,
        services=latched.services if services == latched.services else services,
        confirmed=latched.confirmed if starting else posture.confirmed,
    )


def _is_unasked(report: ServiceReport) -> bool:
    return report.round is None and report.agent.contract is not ContractKind.NONE


def _since(report: ServiceReport, held: ServiceSince | None) -> ServiceSince:
    """Return since when a service is so: the value held where it says the same."""
    if held is not None and _is_unasked(report):
        return held
    answered = answered_paths(report.round, held.answered if held else ())
    if (
        held is not None
        and held.since is report.since
        and held.state is report.state
        and held.expected is report.expected
        and held.answered == answered
    ):
        return held
    name = report.agent.agent_name
    return ServiceSince(name, report.state, report.expected, report.since, answered)


def _held(
    reports: Sequence[ServiceReport], latched: Latched
) -> Iterator[tuple[ServiceReport, ServiceSince | None]]:
    """Return each report with what is held of its service, mostly in the same place."""
    for report, held in zip(reports, chain(latched.services, repeat(None)), strict=False):
        name = report.agent.agent_name
        same = held is not None and held.agent_name == name
        yield report, held if same else latched.service(name)


def report_services(
    looks: Sequence[AgentLook],
    alarms: Collection[Alarm],
    latched: Latched,
    before: FloorSnapshot | None,
    now: datetime,
) -> tuple[ServiceReport, ...]:
    """
    Report on every service, in the fleet's order.

    A report of `before`, the snapshot that `latched` comes from, is reused where the same round
    was judged alike.
    """
    held = held_against(alarms)
    since = {s.agent_name: s for s in latched.services}
    earlier = dict[str, ServiceReport]()
    if before is not None and before.latched is latched:
        earlier = {r.agent.agent_name: r for r in before.services}
    return tuple(_report(look, held, since, earlier, now) for look in looks)


def _report(
    look: AgentLook,
    held: Mapping[str, tuple[Reason, ...]],
    since: Mapping[str, ServiceSince],
    earlier: Mapping[str, ServiceReport],
    now: datetime,
) -> ServiceReport:
    name = look.evidence.agent.agent_name
    raised = held.get(name, ())
    known = earlier.get(name)
    if known is not None and not raised and _is_same(known, look):
        return known
    expected = look.judgement.expected and not raised
    state = look.judgement.state
    return ServiceReport(
        agent=look.evidence.agent,
        state=state,
        expected=expected,
        reasons=_lead_with(raised, look.reasons) if raised else look.reasons,
        freshness=look.evidence.freshness,
        round=look.evidence.round,
        since=_carry_since(since.get(name), state, now, expected=expected),
        evidence_at=look.evidence.seen_at,
        reported_codes=look.judgement.reported_codes,
        workload=look.workload,
    )


def _carry_since(
    before: ServiceSince | None, state: ServiceState, now: datetime, *, expected: bool
) -> datetime:
    if before is not None and (before.state, before.expected) == (state, expected):
        return before.since
    return now


def _lead_with(raised: tuple[Reason, ...], reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    codes = {r.code for r in raised}
    return (*raised, *(r for r in reasons if r.code not in codes))


def _is_same(known: ServiceReport, look: AgentLook) -> bool:
    """Return whether an earlier report says just what this look would make it say."""
    return (
        known.round is look.evidence.round
        and known.reasons is look.reasons
        and known.freshness is look.evidence.freshness
        and known.workload is look.workload
        and known.expected is look.judgement.expected
        and known.state is look.judgement.state
    )
