"""Decide: what happened between two snapshots that somebody may want to read about."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mission_control.market_calendar.new_york import in_new_york
from mission_control.model.event import EventType
from mission_control.model.finding import Severity
from mission_control.model.reload import Reload
from mission_control.model.session import MarketSession, Phase
from mission_control.model.snapshot import FloorSnapshot, ServiceReport
from mission_control.model.standing import Accusation

_ENDED = EventType.ACCUSATION_ENDED


@dataclass(frozen=True, slots=True)
class Happening:
    """An event before it has a number: type, sentence, severity, whom it is about, details."""

    type: EventType
    message: str
    severity: Severity = Severity.INFO
    agent_name: str | None = None
    data: dict[str, object] = field(default_factory=dict[str, object])


def reloaded(reload: Reload, before: MarketSession, after: MarketSession) -> Happening:
    """
    Give the event that files changed; the sessions are those of one instant, by either calendar.

    A change that closes a running session, or opens one, pages, and so does one after which no
    session is known.
    """
    data: dict[str, object] = {
        "what": reload.what,
        "files": reload.files,
        "before": reload.before,
        "after": reload.after,
    }
    digests = f"{_short(reload.before)} -> {_short(reload.after)}"
    moved = (before.open, before.close) != (after.open, after.close)
    turn = ""
    if moved and before.close is not None and after.close is not None:
        turn = f"; the session closes at {in_new_york(after.close):%H:%M %Z}"
        turn += f", no longer at {in_new_york(before.close):%H:%M %Z}"
    if before.phase is not after.phase:
        data |= {"phase_before": before.phase.value, "phase_after": after.phase.value}
        turn = f"; the session is {after.phase.value}, no longer {before.phase.value}"
    if reload.trouble:
        data["detail"] = reload.trouble
        message = f"{reload.what} changed and cannot be used ({digests}): {reload.trouble}{turn}"
        severity = Severity.P1 if after.phase is Phase.UNKNOWN else Severity.P2
        return Happening(EventType.RELOAD_FAILED, message, severity, data=data)
    turned = turns_session(before, after)
    severity = Severity.P1 if turned else Severity.P2 if moved else Severity.INFO
    message = f"{reload.what} read again ({digests}): {reload.files}{turn}"
    return Happening(EventType.FILES_RELOADED, message, severity, data=data)


def turns_session(before: MarketSession, after: MarketSession) -> bool:
    """Tell whether another calendar closes or opens the session of an instant, or takes it away."""
    gates = before.phase.gates is not after.phase.gates
    return gates or before.session_date != after.session_date


def _short(digest: str) -> str:
    return digest[:12] if digest else "unreadable"


def find_happenings(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    """Give what changed, posture first, then session, kill switch, accusations, services."""
    yield from _posture(before, after)
    yield from _session(before, after)
    yield from _switch(before, after)
    yield from _accusations(before, after)
    known = {r.agent.agent_name: r for r in before.services}
    for report in after.services:
        earlier = known.get(report.agent.agent_name)
        if earlier is not None and earlier is not report:
            yield from _service(earlier, report)
            yield from _address(earlier, report)


def _posture(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old, new = before.posture, after.posture
    told = (new.verdict, new.expected, new.confirmed)
    if (old.verdict, old.expected, old.confirmed) == told:
        return
    lead = new.reasons[0] if new.reasons else None
    because = f": {lead.code} {lead.subject}" if lead else ""
    expected = "" if new.expected else " (unexpected)"
    doubt = "" if new.confirmed else " (asked again in a second)"
    if old.verdict is new.verdict and new.confirmed is not old.confirmed:
        doubt = " (confirmed)" if new.confirmed else doubt
    yield Happening(
        EventType.POSTURE_CHANGED,
        f"posture {old.verdict.value} -> {new.verdict.value}{expected}{doubt}{because}",
        new.severity or Severity.INFO,
        data={
            "before": old.verdict.value,
            "after": new.verdict.value,
            "expected": new.expected,
            "confirmed": new.confirmed,
            "reason_codes": [r.code for r in new.reasons[:20]],
        },
    )


def _session(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old, new = before.session.phase, after.session.phase
    if old is not new:
        message = f"session {old.value} -> {new.value}"
        yield Happening(
            EventType.SESSION_CHANGED, message, data={"before": old.value, "after": new.value}
        )


def _switch(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old, new = before.kill_switch, after.kill_switch
    if (old.state, old.confirmed) == (new.state, new.confirmed):
        return
    yield Happening(
        EventType.KILL_SWITCH_CHANGED,
        f"kill switch {old.state.value} -> {new.state.value}: {new.detail}",
        Severity.INFO if new.confirmed else Severity.P0,
        data={"before": old.state.value, "after": new.state.value, "confirmed": new.confirmed},
    )


def accusation_opened(accusation: Accusation) -> Happening:
    """Give the event that tells of an accusation's beginning."""
    return _told(accusation, EventType.ACCUSATION_OPENED, "accuses", Severity.P1)


def _accusations(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old = {a.key: a for a in before.standing.accusations}
    new = {a.key: a for a in after.standing.accusations}
    cleared = dict(after.cleared)
    for key in sorted(new.keys() - old.keys()):
        yield accusation_opened(new[key])
    for key in sorted(old.keys() - new.keys()):
        how = f" ({cleared[key]})" if key in cleared else ""
        yield _told(old[key], _ENDED, "no longer accuses", Severity.INFO, how)


def _told(
    accusation: Accusation, type_: EventType, verb: str, severity: Severity, how: str = ""
) -> Happening:
    return Happening(
        type_,
        f"{accusation.source} {verb}: {accusation.code}: {accusation.detail}{how}",
        severity,
        accusation.subject,
        {"code": accusation.code, "source": accusation.source, "fact": accusation.fact},
    )


def _address(before: ServiceReport, after: ServiceReport) -> Iterator[Happening]:
    if before.round is None or after.round is None:
        return
    old, new = before.round.addresses, after.round.addresses
    if new.told_at is None or new.told_at == old.told_at:
        return
    name, added = after.agent.agent_name, ", ".join(new.added)
    was = [a for a in new.known if a not in new.added]
    yield Happening(
        EventType.SERVICE_ADDRESS,
        f"{name} answers from a new address, {added}; before from {', '.join(was[-3:])}",
        agent_name=name,
        data={"before": was, "after": list(new.added)},
    )


def _service(before: ServiceReport, after: ServiceReport) -> Iterator[Happening]:
    old = (before.state, before.expected, before.reason_code)
    new = (after.state, after.expected, after.reason_code)
    if old == new:
        return
    name = after.agent.agent_name
    why = f": {after.reason_code}" if after.reason_code else ""
    expected = "expected" if after.expected else "unexpected"
    yield Happening(
        EventType.SERVICE_CHANGED,
        f"{name} {before.state.value} -> {after.state.value} ({expected}){why}",
        after.reasons[0].severity if after.reasons and not after.expected else Severity.INFO,
        name,
        {
            "before": before.state.value,
            "after": after.state.value,
            "expected": after.expected,
            "reason_code": after.reason_code,
        },
    )
