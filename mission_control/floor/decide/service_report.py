"""The report on each service: its state, the alarms against it, and since when."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.alarms import held_against
from mission_control.floor.decide.looks import AgentLook
from mission_control.floor.model import (
    Alarm,
    FloorSnapshot,
    Latched,
    ServiceReport,
    ServiceSince,
)
from mission_control.model.finding import Reason


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
