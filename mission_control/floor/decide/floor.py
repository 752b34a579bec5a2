"""The whole floor at one instant, from one set of evidence."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from mission_control.cluster.decide.lists import SUBJECT as CLUSTER
from mission_control.cluster.decide.view import clear_by_cluster
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.alarms import Carried, carry_alarms, held_against
from mission_control.floor.decide.evidence import Key, SessionAt, Statement
from mission_control.floor.decide.freshness import state_freshness_contradictions
from mission_control.floor.decide.instances import Hearing
from mission_control.floor.decide.looks import AgentLook, FloorLooks, look_at_floor
from mission_control.floor.decide.own_clock import SUBJECT as OWN_CLOCK
from mission_control.floor.decide.own_clock import state_own_clock
from mission_control.floor.decide.posture import (
    Reports,
    decide_posture,
    order_reasons,
    reasons_from_alarms,
    reasons_from_cluster,
    reasons_from_leftovers,
    reasons_from_memory,
    reasons_from_outdated_access,
    reasons_from_replicas,
    reasons_from_starter_lists,
    reasons_from_switch_and_calendar,
)
from mission_control.floor.decide.required_evidence import count_coverage, measure_age
from mission_control.floor.decide.round_memory import answered_paths, find_told_skew
from mission_control.floor.decide.twin import (
    Twinned,
    TwinWord,
    hear_twin,
    judge_twin,
    source_of,
    state_twin,
    view_own,
)
from mission_control.floor.model import (
    Alarm,
    FloorEvidence,
    FloorSnapshot,
    Latched,
    Posture,
    ServiceReport,
    ServiceSince,
    TwinMemory,
)
from mission_control.kill_switch.decide import state_kill_switch
from mission_control.model.finding import Reason
from mission_control.model.fleet import Agent, ContractKind, Fleet


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
    word = _hear_twin(looks, evidence.fleet)
    alarms, cleared = _carry_alarms(looks, evidence, latched, word, now)
    again = _changed_since(looks, alarms, latched, before)
    ours = [a for a in alarms if word is None or a.source != source_of(word.agent)]
    reports = report_services(looks, ours, latched, before, again, now)
    memory = tuple(reasons_from_memory(evidence, looks.session))
    leftovers = reasons_from_leftovers(looks.cluster, evidence.captured)
    further = (*memory, *leftovers, *reasons_from_replicas(looks.cluster, _told_skews(looks)))
    reasons = _find_reasons(looks, alarms, reports, further)
    twinned = _judge_twin(looks, word, reasons, alarms, latched, now)
    if twinned is not None and twinned.reasons:
        reasons = order_reasons((*reasons, *twinned.reasons))
    posture = _decide_posture(looks, reasons, reports, latched, now)
    held = twinned.memory if twinned is not None else None
    return FloorSnapshot(
        at=now,
        sequence=sequence,
        fleet=evidence.fleet,
        session=looks.session,
        kill_switch=looks.switch,
        services=reports.services,
        posture=posture,
        latched=replace(_carry(looks, alarms, posture, reports, latched, again), twin=held),
        label=label,
        cluster=evidence.cluster,
        cleared=cleared,
    )


def _changed_since(
    looks: FloorLooks,
    alarms: Collection[Alarm],
    latched: Latched,
    before: FloorSnapshot | None,
) -> Collection[int] | None:
    """
    Return the places of agents whose reports may differ from those of `before`; None for all.

    They are known only where `before` was decided on the looks before these, and this decision
    starts from what it latched.
    """
    if (
        before is None
        or looks.changed is None
        or before.latched is not latched
        or before.session is not looks.earlier
    ):
        return None
    subjects = {a.subject for a in chain(alarms, latched.alarms)}
    places = looks.tally.places
    return {*looks.changed, *(places[name] for name in subjects if name in places)}


def _told_skews(looks: FloorLooks) -> Iterator[tuple[str, str]]:
    """Return the services whose replicas lately named different builds."""
    for place, builds in looks.tally.builds:
        look = looks.agents[place]
        detail = find_told_skew(builds, look.workload)
        if detail:
            yield look.evidence.agent.agent_name, detail


def _hear_twin(looks: FloorLooks, fleet: Fleet) -> TwinWord | None:
    twin = fleet.twin
    return (
        None
        if twin is None
        else hear_twin(looks.agents[looks.tally.places[twin.agent_name]], fleet)
    )


def _judge_twin(
    looks: FloorLooks,
    word: TwinWord | None,
    reasons: tuple[Reason, ...],
    alarms: tuple[Alarm, ...],
    latched: Latched,
    now: datetime,
) -> Twinned | None:
    if word is None:
        return None
    own = view_own(reasons, alarms, looks.session, word.agent)
    return judge_twin(word, own, latched.twin or TwinMemory(), looks.session, now)


def _find_reasons(
    looks: FloorLooks,
    alarms: tuple[Alarm, ...],
    reports: Reports,
    further: tuple[Reason, ...],
) -> tuple[Reason, ...]:
    """Return every reason apart from the twin's, in order."""
    session, switch, safety = looks.session, looks.switch, looks.cluster.fleet.safety
    tally = looks.tally
    feed = tally.feeds_missing if safety.freshness_required else ()
    return tally.reasons.order(
        (
            *reasons_from_alarms(alarms, session),
            *reasons_from_switch_and_calendar(
                switch, session, safety, execution_off=looks.cluster.execution_off
            ),
            *tally.reasons.from_missing((*tally.missing, *feed), session),
            *reasons_from_cluster(looks.cluster.missing, session),
            *reasons_from_starter_lists(looks.cluster.missing_starters, session),
            *reasons_from_outdated_access(looks.cluster.facts),
            *tally.reasons.from_services(reports.unexpected, session),
            *further,
        )
    )


def _decide_posture(
    looks: FloorLooks,
    reasons: tuple[Reason, ...],
    reports: Reports,
    latched: Latched,
    now: datetime,
) -> Posture:
    session, switch, safety = looks.session, looks.switch, looks.cluster.fleet.safety
    tally = looks.tally
    taken = [tally.oldest] if tally.oldest is not None else []
    if looks.cluster.sources:
        taken.append((looks.cluster.oldest, CLUSTER))
    age = measure_age(taken, switch, now, switch_required=safety.switch_required)
    coverage = count_coverage([tally.coverage, looks.cluster.coverage], switch)
    return decide_posture(reasons, reports, session, latched, age, coverage, now)


def _carry_alarms(
    looks: FloorLooks,
    evidence: FloorEvidence,
    latched: Latched,
    word: TwinWord | None,
    now: datetime,
) -> Carried:
    """Carry the latched alarms; denials are gathered only while there are any."""
    shared = tuple(_state_together(looks, denies=bool(latched.alarms)))
    raising = [*looks.tally.raising, *(s for s in shared if s.raises), *looks.cluster.raising]
    if word is not None:
        held = latched.twin or TwinMemory()
        twin = tuple(state_twin(word, latched.alarms, raising, held))
        shared += twin
        raising += [s for s in twin if s.raises]
    if not latched.alarms and not raising:
        return Carried()
    agents = {e.agent.agent_name: e for e in looks.tally.evidence}
    denied = set[Key](s.key for s in shared if not s.raises)
    denied.update(clear_by_cluster(latched.alarms, agents, looks.cluster))
    lists = looks.cluster.sources | looks.cluster.starter_sources
    sources = _sources(evidence) | lists
    hearing = Hearing(evidence.fleet, agents, denied, sources, looks.cluster, now)
    return carry_alarms(latched.alarms, raising, hearing, now)


def _state_together(looks: FloorLooks, *, denies: bool) -> Iterator[Statement]:
    """
    Return what only all services and the cluster together can state.

    Whether sources of the feed agree is worked out only where it raises something, or `denies` it.
    """
    tally = looks.tally
    yield from state_kill_switch(looks.switch, tally.switches)
    if looks.cluster.agents:
        yield from (look.agreement for look in looks.agents if look.agreement is not None)
    not_fresh, gates = tally.not_fresh, looks.session.phase.gates
    if not_fresh and (gates or denies):
        yield from state_freshness_contradictions(tally.fresh, not_fresh, gates=gates)
    yield from state_own_clock((e.clock for e in tally.evidence), tally.clocks)


def _sources(evidence: FloorEvidence) -> frozenset[str]:
    """List every source that may raise an alarm: agents, switch sources, and our own clock."""
    agents = (a.agent_name for a in evidence.fleet.agents)
    sources = (w.source for w in evidence.switch_readings)
    return frozenset((*agents, *sources, OWN_CLOCK))


def _carry(
    looks: FloorLooks,
    alarms: tuple[Alarm, ...],
    posture: Posture,
    reports: Reports,
    latched: Latched,
    again: Collection[int] | None,
) -> Latched:
    # Until every service was asked once after a start, what was so before is neither so nor over.
    starting = latched.verdict is not None and looks.tally.any_unasked
    return Latched(
        alarms=alarms,
        verdict=latched.verdict if starting else posture.verdict,
        verdict_since=latched.verdict_since if starting else posture.since,
        services=_carry_services(reports.services, latched, again),
        confirmed=latched.confirmed if starting else posture.confirmed,
    )


def _carry_services(
    reports: Sequence[ServiceReport], latched: Latched, again: Collection[int] | None
) -> tuple[ServiceSince, ...]:
    """Return since when services are so; the very same where nothing of it changed."""
    held = latched.services
    if again is None or len(held) != len(reports):
        services = tuple(
            _since(r, _held(latched, place, r.agent)) for place, r in enumerate(reports)
        )
        return held if services == held else services
    kept = list(held)
    for place in again:
        kept[place] = _since(reports[place], held[place])
    return tuple(kept) if any(kept[place] is not held[place] for place in again) else held


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


def _held(latched: Latched, place: int, agent: Agent) -> ServiceSince | None:
    """Return what is held of a service, mostly in the same place."""
    name = agent.agent_name
    held = latched.services[place] if place < len(latched.services) else None
    return held if held is not None and held.agent_name == name else latched.service(name)


def report_services(
    looks: FloorLooks,
    alarms: Collection[Alarm],
    latched: Latched,
    before: FloorSnapshot | None,
    again: Collection[int] | None,
    now: datetime,
) -> Reports:
    """
    Report on every service, in the fleet's order.

    `again` are the places that are reported on once more; the other reports are those of `before`.
    None for all of them.
    """
    held = held_against(alarms)
    if before is None or again is None:
        services = [
            _report(look, held, _held(latched, place, look.evidence.agent), now)
            for place, look in enumerate(looks.agents)
        ]
    else:
        services = list(before.services)
        for place in again:
            look = looks.agents[place]
            since = _held(latched, place, look.evidence.agent)
            services[place] = _report(look, held, since, now, services[place])
    unexpected = [r for r in services if not r.expected]
    return Reports(tuple(services), tuple(unexpected))


def _report(
    look: AgentLook,
    held: Mapping[str, tuple[Reason, ...]],
    since: ServiceSince | None,
    now: datetime,
    known: ServiceReport | None = None,
) -> ServiceReport:
    raised = held.get(look.evidence.agent.agent_name, ())
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
        since=_carry_since(since, state, now, expected=expected),
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
