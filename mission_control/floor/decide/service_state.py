"""The state of one service, and whether it is expected in this phase."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from mission_control.cluster.decide.workloads import find_workload_troubles
from mission_control.cluster.model.facts import AgentWorkload
from mission_control.contract.model.answer import Shape
from mission_control.contract.model.shapes import RichStatus, ServiceState
from mission_control.floor.decide.evidence import (
    Moment,
    SessionAt,
    answered,
    clock_trouble,
    primary_reading,
    seconds_between,
)
from mission_control.floor.decide.troubles import (
    Trouble,
    identity_notes,
    old_files_notes,
    read_twin,
    reported_troubles,
    side_notes,
)
from mission_control.floor.model import Freshness, FreshnessState
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason
from mission_control.model.session import Phase

LAG_SECONDS = 30.0
"""After a boundary of the session the fleet may lag this long (docs/semantics.md#3)."""

_NOT_ALIVE = frozenset(
    {UnseenReason.HTTP_STATUS, UnseenReason.REDIRECTED, UnseenReason.NO_LONGER_OFFERED}
)
"""How a path that is a sign of life alone answers when there is none."""
_STALE_CODES = frozenset({codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING})
_SAYS_NOTHING = frozenset(
    {UnseenReason.NOT_YET_ASKED, UnseenReason.EXPIRED, UnseenReason.OWN_STALL}
)
"""Reasons that are our own, and say nothing of the service."""
_FRESHNESS_CODES = {
    FreshnessState.STALE: codes.MARKETDATA_STALE,
    FreshnessState.MISSING: codes.MARKETDATA_MISSING,
    FreshnessState.UNVERIFIABLE: codes.MARKETDATA_UNVERIFIABLE,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A service's state, whether it is expected, why, and the codes it reported itself."""

    state: ServiceState
    expected: bool
    troubles: tuple[Trouble, ...] = ()
    reported_codes: tuple[str, ...] = ()


class Circumstances(NamedTuple):
    """What a judgement depends on besides the readings."""

    now: Moment
    session_at: SessionAt
    phase: Phase
    switch_confirmed: bool
    freshness: Freshness
    workload: AgentWorkload | None = None
    execution_off: bool = False
    execution_allowed: bool = False
    execution_settled: bool = False


def judge_service(
    agent: Agent, readings: Mapping[str, EndpointReading], given: Circumstances
) -> Judgement:
    """
    Judge one service from its current readings (the table of docs/semantics.md#3).

    What the table does not list is expected only when it is OK. Anything wrong with the workload
    that runs it makes any state unexpected.
    """
    judged = _judge_answers(agent, readings, given)
    if agent.twin:
        judged = _judge_twin(agent, judged, readings)
    notes = old_files_notes(readings)
    if notes:
        judged = replace(judged, troubles=(*judged.troubles, *notes))
    if given.workload is None:
        return judged
    troubles = tuple(find_workload_troubles(agent, given.workload))
    if not troubles:
        return judged
    well = judged.state in {ServiceState.OK, ServiceState.MARKET_CLOSED}
    told_by_cluster = any(t.code != codes.WORKLOAD_UNSEEN for t in troubles)
    state = ServiceState.DEGRADED if well and told_by_cluster else judged.state
    lead = judged.troubles if not judged.expected else ()
    rest = judged.troubles if judged.expected else ()
    return Judgement(
        state,
        expected=False,
        troubles=(*lead, *troubles, *rest),
        reported_codes=judged.reported_codes,
    )


def _judge_twin(
    agent: Agent, judged: Judgement, readings: Mapping[str, EndpointReading]
) -> Judgement:
    """Call a twin silent that is not as expected, or does not speak as a Mission Control."""
    if judged.expected:
        told = read_twin(readings.get(agent.primary_path or ""))
        if told is not None:
            return judged
        detail = "it answers, and says nothing of what a Mission Control sees"
        return _unexpected(judged.state, Trouble(codes.TWIN_SILENT, detail), *judged.troubles)
    lead = judged.troubles[0]
    silent = Trouble(codes.TWIN_SILENT, f"{lead.code}: {lead.detail}", confirmed=lead.confirmed)
    return replace(judged, troubles=(silent, *judged.troubles[1:]))


def _judge_answers(
    agent: Agent, readings: Mapping[str, EndpointReading], given: Circumstances
) -> Judgement:
    if agent.contract is ContractKind.NONE:
        return _judge_unobserved(agent, given)
    primary = primary_reading(agent.primary_path, readings, given.now)
    if isinstance(primary, Unseen):
        return _judge_unseen(agent, primary, readings, given)
    status = primary.value.status
    if isinstance(status, RichStatus):
        return _judge_reported(agent, Seen(status, primary.at), readings, given)
    return _judge_shapeless(agent, primary.value.shape, readings, given)


def _unexpected(state: ServiceState, *troubles: Trouble) -> Judgement:
    return Judgement(state, expected=False, troubles=troubles)


def _judge_unobserved(agent: Agent, given: Circumstances) -> Judgement:
    """
    Judge a service without HTTP by its workload, where that is seen (docs/semantics.md#1).

    One that is declared to be watched by others stays UNKNOWN: expected, and evidence of nothing.
    """
    if agent.unobserved is not None:
        detail = f"{agent.unobserved.who} watches it: {agent.unobserved.why}"
        return Judgement(
            ServiceState.UNKNOWN,
            expected=True,
            troubles=(Trouble(codes.UNOBSERVED, detail, note=True),),
        )
    workload = given.workload
    if workload is None or workload.unseen:
        detail = "it has no HTTP by configuration, and no cluster shows what runs it"
        return _unexpected(ServiceState.UNKNOWN, Trouble(codes.UNOBSERVED, detail))
    if agent.kind is Kind.EXECUTION:
        if _is_off(given):
            return _proven_off(codes.UNOBSERVED)
        detail = "it has no HTTP, and the cluster does not prove that it is off"
        unproven = Trouble(codes.EXECUTION_NOT_PROVEN_OFF, detail)
        return _unexpected(ServiceState.UNKNOWN, unproven)
    scheduled = workload.found is not None and workload.found.kind == "CronJob"
    if workload.off and not scheduled:
        detail = "it has no HTTP, and the cluster shows that nothing of it runs"
        return _unexpected(ServiceState.OFFLINE, Trouble(codes.PROCESS_DOWN, detail))
    detail = "it has no HTTP by configuration, and is judged by its pods alone"
    note = Trouble(codes.UNOBSERVED, detail, note=True)
    return Judgement(ServiceState.OK, expected=True, troubles=(note,))


def _is_off(given: Circumstances) -> bool:
    """
    Return whether an execution agent is proven off, by whole lists.

    Where the inventory names its workload, another one that runs says nothing of this one; where
    it does not, anything that executes may be it.
    """
    if given.execution_off or given.workload is None:
        return given.execution_off
    return given.execution_settled and given.workload.off


def _proven_off(answer: str) -> Judgement:
    detail = f"no answer ({answer}), and whole lists of the cluster show nothing of it"
    note = Trouble(codes.EXECUTION_PROVEN_OFF, detail, note=True)
    return Judgement(ServiceState.OFFLINE, expected=True, troubles=(note,))


def _judge_unseen(
    agent: Agent,
    primary: Unseen,
    readings: Mapping[str, EndpointReading],
    given: Circumstances,
) -> Judgement:
    told = primary.detail or f"{agent.primary_path} was not seen"
    why = Trouble(primary.code, told, confirmed=primary.confirmed)
    if primary.reason in _SAYS_NOTHING:
        return _unexpected(ServiceState.UNKNOWN, why)
    if primary.reason in _NOT_ALIVE and agent.contract is not ContractKind.RICH:
        return _unexpected(ServiceState.OFFLINE, why)
    if not any(answered(r) for r in readings.values()):
        return _judge_silent(agent, primary.code, why, given)
    if primary.reason is UnseenReason.NOT_OFFERED and any(
        isinstance(r, Seen) and not r.value.refused for r in readings.values()
    ):
        detail = f"it answers, but does not offer {agent.primary_path}"
        return _unexpected(ServiceState.DEGRADED, Trouble(codes.CONTRACT_NOT_OFFERED, detail))
    return _unexpected(ServiceState.UNKNOWN, why)


def _judge_silent(agent: Agent, code: str, why: Trouble, given: Circumstances) -> Judgement:
    if agent.kind is not Kind.EXECUTION:
        return _unexpected(ServiceState.OFFLINE, why)
    if _is_off(given):
        return _proven_off(code)
    detail = "no answer, but no cluster proves that it is off"
    unproven = Trouble(codes.EXECUTION_NOT_PROVEN_OFF, detail)
    return _unexpected(ServiceState.OFFLINE, unproven, why)


def _judge_shapeless(
    agent: Agent, shape: Shape, readings: Mapping[str, EndpointReading], given: Circumstances
) -> Judgement:
    """Judge an answer without a state of its own: the service lives, and no more is known."""
    if shape is Shape.MINIMAL:
        detail = "the minimal contract has no state and no kill switch"
        return _unexpected(ServiceState.DEGRADED, Trouble(codes.CONTRACT_MINIMAL, detail))
    unread = given.now.not_asked()
    failing = [
        Trouble(codes.NOT_READY, f"{path}: {reading.code}", confirmed=reading.confirmed)
        for path in ("/readyz", "/livez")
        if path in readings or agent.contract is ContractKind.LIVENESS
        if isinstance(reading := readings.get(path, unread), Unseen)
        and reading.reason is not UnseenReason.NOT_OFFERED
    ]
    if failing:
        return _unexpected(ServiceState.DEGRADED, *failing)
    promised = agent.contract in {ContractKind.LIVENESS, ContractKind.HTTP}
    detail = f"only liveness is offered ({agent.contract.value} by inventory)"
    note = Trouble(codes.CONTRACT_NOT_OFFERED, detail, note=promised)
    return Judgement(ServiceState.DEGRADED, expected=promised, troubles=(note,))


def _judge_reported(
    agent: Agent,
    primary: Seen[RichStatus],
    readings: Mapping[str, EndpointReading],
    given: Circumstances,
) -> Judgement:
    status = primary.value
    notes = (*identity_notes(agent, status), *side_notes(agent, readings))
    reported = status.status.reason_codes
    trouble = clock_trouble(status, primary.at, given.now)
    if trouble:
        updated = status.status.last_updated_utc
        detail = f"last updated {seconds_between(updated, primary.at):.0f} s before its answer"
        wrong = Trouble(trouble, detail)
        return Judgement(ServiceState.UNKNOWN, expected=False, troubles=(wrong, *notes))
    state = status.status.state
    corrections = _corrections(agent, primary, given)
    if any(c.code == codes.MARKET_CLOSED_DURING_SESSION for c in corrections):
        state = ServiceState.UNKNOWN
    elif corrections and state in {ServiceState.OK, ServiceState.MARKET_CLOSED}:
        state = ServiceState.DEGRADED
    well = _is_expected(primary, given)
    expected = well and not corrections
    sure = not well or any(c.confirmed for c in corrections)
    told = () if expected else reported_troubles(status)
    own = tuple(replace(t, confirmed=sure) for t in told)
    return Judgement(state, expected, (*corrections, *own, *notes), reported)


def _corrections(
    agent: Agent, primary: Seen[RichStatus], given: Circumstances
) -> tuple[Trouble, ...]:
    """Return what our own evidence adds to the reported state, whatever the kill switch."""
    found = list[Trouble]()
    session = given.session_at(primary.at)
    if primary.value.status.state is ServiceState.MARKET_CLOSED and session.phase.gates:
        began = session.phase_began
        if began is None or seconds_between(began, primary.at) > LAG_SECONDS:
            detail = f"it says the market is closed; our calendar says {session.phase.value}"
            found.append(Trouble(codes.MARKET_CLOSED_DURING_SESSION, detail))
    code = _FRESHNESS_CODES.get(given.freshness.state)
    if code and given.phase.gates:
        found.append(Trouble(code, given.freshness.detail, confirmed=given.freshness.confirmed))
    if agent.kind is Kind.EXECUTION and not given.execution_allowed:
        detail = "an execution process is running: its port answers"
        found.append(Trouble(codes.EXECUTION_EVIDENCE, detail))
    return tuple(found)


def _is_expected(primary: Seen[RichStatus], given: Circumstances) -> bool:
    """Look the reported state up in the table, which counts where nothing was corrected."""
    reported = frozenset(primary.value.status.reason_codes)
    closed = given.session_at(primary.at).phase.closed
    match primary.value.status.state:
        case ServiceState.OK | ServiceState.MARKET_CLOSED:
            return True
        case ServiceState.HALTED if reported == frozenset({codes.KILL_SWITCH}):
            return given.switch_confirmed
        case ServiceState.HALTED | ServiceState.DEGRADED:
            return closed and bool(reported) and reported <= _STALE_CODES
        case _:
            return False
