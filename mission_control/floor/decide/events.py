"""What happened between two snapshots, as events, and whether a decision is worth keeping."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.contract.model.claims import Claims
from mission_control.floor.decide.causes import BLIND
from mission_control.floor.decide.posture import pages_now, severity_of_alarm
from mission_control.floor.model import Alarm, FloorSnapshot, Posture, ServiceReport, Verdict
from mission_control.history.model import ServiceChange
from mission_control.market_calendar.days import in_new_york
from mission_control.model.codes import (
    KILL_SWITCH_UNCONFIRMED,
    NOT_YET_ASKED,
    POLL_LOOP_STALLED,
)
from mission_control.model.event import EventType
from mission_control.model.finding import Severity
from mission_control.model.kill_switch import KillSwitchState
from mission_control.model.reading import Seen, ServiceRound
from mission_control.model.reload import Reload, RestartNeeded
from mission_control.model.session import MarketSession, Phase

_ENDED = EventType.ALARM_ENDED


@dataclass(frozen=True, slots=True)
class Happening:
    """An event before it has a number."""

    type: EventType
    message: str
    severity: Severity = Severity.INFO
    agent_name: str | None = None
    data: dict[str, object] = field(default_factory=dict[str, object])


def reloaded(reload: Reload, before: MarketSession, after: MarketSession) -> Happening:
    """
    Return the event that files changed; the sessions are those of one instant, by either calendar.

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


def fleet_file_changed(restart: RestartNeeded | None, before: str, after: str) -> Happening:
    """
    Return the event that the fleet file is not what we started with, or is that again (R13.3).

    The digests are those of the file before and now. Nothing of it is in force: it is a notice.
    """
    digests = f"{_short(before)} -> {_short(after)}"
    data: dict[str, object] = {"before": before, "after": after, "restart": restart is not None}
    if restart is None:
        message = f"the fleet file is as it was at the start again ({digests})"
        return Happening(EventType.FLEET_FILE_CHANGED, message, data=data)
    message = f"the fleet file changed ({digests}): restart needed for {restart.file}"
    if not restart.trouble:
        return Happening(EventType.FLEET_FILE_CHANGED, message, data=data)
    data["detail"] = restart.trouble
    message += f", and a start would refuse it: {restart.trouble}"
    return Happening(EventType.FLEET_FILE_CHANGED, message, Severity.P2, data=data)


def turns_session(before: MarketSession, after: MarketSession) -> bool:
    """Return whether by another calendar the session is closed, opened, or another one."""
    gates = before.phase.gates is not after.phase.gates
    return gates or before.session_date != after.session_date


def _short(digest: str) -> str:
    return digest[:12] if digest else "unreadable"


def find_happenings(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    """Return what changed: posture first, then session, kill switch, alarms, services."""
    yield from _posture(before, after)
    yield from _session(before, after)
    yield from _switch(before, after)
    yield from _alarms(before, after)
    for earlier, report in _reported_again(before, after):
        if earlier is not None:
            yield from _service(earlier, report)
            yield from _address(earlier, report)


def _reported_again(
    before: FloorSnapshot, after: FloorSnapshot
) -> Iterator[tuple[ServiceReport | None, ServiceReport]]:
    """Return the reports that are not the very same as before, with what they were."""
    if before.fleet is after.fleet:
        pairs = zip(before.services, after.services, strict=True)
        yield from ((old, new) for old, new in pairs if old is not new)
        return
    known = {r.agent.agent_name: r for r in before.services}
    yield from ((known.get(r.agent.agent_name), r) for r in after.services)


def _posture(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old, new = before.posture, after.posture
    told = (new.verdict, new.expected, new.confirmed)
    if (old.verdict, old.expected, old.confirmed) == told:
        return
    yield Happening(
        EventType.POSTURE_CHANGED,
        _turned(old, new) if old.verdict is not new.verdict else _stayed(old, new),
        new.severity or Severity.INFO,
        data={
            "before": old.verdict.value,
            "after": new.verdict.value,
            "expected": new.expected,
            "confirmed": new.confirmed,
            "reason_codes": [r.code for r in new.reasons[:20]],
            "subject": new.reasons[0].subject if new.reasons else "",
            "before_code": old.reasons[0].code if old.reasons else "",
        },
    )


def _turned(old: Posture, new: Posture) -> str:
    """Say what the posture became and why: what leads it now, or what no longer halts it."""
    because = _lead(new)
    if not because and old.verdict is Verdict.HALTED:
        because = f"{_lead(old)} ended"
    halted = new.verdict is Verdict.HALTED  # which is never expected: that goes without saying
    expected = "" if new.expected or halted else " (unexpected)"
    doubt = "" if new.confirmed else " (asked again in a second)"
    turn = f"posture {old.verdict.value} -> {new.verdict.value}"
    return f"{turn}{expected}{doubt}{f': {because}' if because else ''}"


def _stayed(old: Posture, new: Posture) -> str:
    """Say what changed, where that is not the verdict."""
    stays = f"the posture stays {new.verdict.value}"
    if old.confirmed is not new.confirmed:
        doubt = "confirmed" if new.confirmed else "not confirmed, and asked again in a second"
        return f"the halt is {doubt}: {_lead(new)}; {stays}"
    if new.expected:
        return f"every service is as expected again, {_lead(old)} ended; {stays}"
    return f"not every service is as expected: {_lead(new)}; {stays}"


def _lead(posture: Posture) -> str:
    lead = posture.reasons[0] if posture.reasons else None
    return f"{lead.code} {lead.subject}" if lead else ""


def stall_ended(
    begin: datetime, end: datetime, seconds: float, session: MarketSession
) -> Happening:
    """
    Return the one event of a stall of our own that is over, with both its ends.

    What the floor did meanwhile was not watched: nothing was seen to fail, and none recovered.
    """
    here, in_utc = _between(in_new_york(begin), in_new_york(end)), _between(begin, end)
    return Happening(
        EventType.STALLED,
        f"our own stall: nothing was decided from {here} ({in_utc}), {seconds:.1f} s;"
        " what happened then was not watched",
        Severity.P1 if pages_now(session) else Severity.P2,
        data={
            "code": POLL_LOOP_STALLED,
            "begin": begin.isoformat(),
            "end": end.isoformat(),
            "seconds": round(seconds, 3),
        },
    )


def _between(begin: datetime, end: datetime) -> str:
    return f"{begin:%H:%M:%S} to {end:%H:%M:%S %Z}"


def _session(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old, new = before.session.phase, after.session.phase
    if old is not new:
        message = f"session {old.value} -> {new.value}"
        yield Happening(
            EventType.SESSION_CHANGED,
            message,
            Severity.P1 if new is Phase.UNKNOWN else Severity.INFO,
            data={"before": old.value, "after": new.value},
        )


def _switch(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old, new = before.kill_switch, after.kill_switch
    if (old.state, old.confirmed) == (new.state, new.confirmed):
        return
    moved = f"{old.state.value} -> {new.state.value}"
    if old.state is new.state:
        moved = f"is {'' if new.confirmed else 'not '}confirmed, and stays {new.state.value}"
    yield Happening(
        EventType.KILL_SWITCH_CHANGED,
        f"kill switch {moved}: {new.detail}",
        _severity_of_switch(after),
        data={"before": old.state.value, "after": new.state.value, "confirmed": new.confirmed},
    )


def _severity_of_switch(snapshot: FloorSnapshot) -> Severity:
    """Return P0 for a switch that is off, and what the posture gives one that is not confirmed."""
    switch = snapshot.kill_switch
    if switch.state is KillSwitchState.DISENGAGED:
        return Severity.P0
    if switch.confirmed:
        return Severity.INFO
    named = (r.severity for r in snapshot.posture.reasons if r.code == KILL_SWITCH_UNCONFIRMED)
    return next(named, Severity.P0)


def alarm_opened(alarm: Alarm, session: MarketSession | None = None) -> Happening:
    """
    Return the event of an alarm that was raised, as severe as its phase makes it.

    Without a session, as for an alarm that was noted before a stop, the market counts as open.
    """
    severity = severity_of_alarm(alarm, session)
    return _told(alarm, EventType.ALARM_OPENED, "raises", severity)


def _alarms(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[Happening]:
    old = {a.key: a for a in before.latched.alarms}
    new = {a.key: a for a in after.latched.alarms}
    cleared = dict(after.cleared)
    for key in sorted(new.keys() - old.keys()):
        yield alarm_opened(new[key], after.session)
    for key in sorted(old.keys() - new.keys()):
        how = f" ({cleared[key]})" if key in cleared else ""
        yield _told(old[key], _ENDED, "no longer raises", Severity.INFO, how)


def _told(
    alarm: Alarm, type_: EventType, verb: str, severity: Severity, how: str = ""
) -> Happening:
    return Happening(
        type_,
        f"{alarm.source} {verb}: {alarm.code}: {alarm.detail}{how}",
        severity,
        alarm.subject,
        {"code": alarm.code, "source": alarm.source, "fact": alarm.fact},
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
    yield Happening(
        EventType.SERVICE_CHANGED,
        f"{name} {_moved(before, after)}",
        after.reasons[0].severity if after.reasons and not after.expected else Severity.INFO,
        name,
        {
            "before": before.state.value,
            "after": after.state.value,
            "expected": after.expected,
            "reason_code": after.reason_code,
        },
    )


def _moved(before: ServiceReport, after: ServiceReport) -> str:
    """Say what changed of a service: its state, else whether it is expected, else why."""
    why = f": {after.reason_code}" if after.reason_code else ""
    state, expected = after.state.value, "expected" if after.expected else "unexpected"
    if before.state is not after.state:
        return f"{before.state.value} -> {state} ({expected}){why}"
    if before.expected is after.expected:
        because = f"{after.reason_code or 'no reason'} instead of {before.reason_code or 'none'}"
        return f"stays {state} ({expected}), for {because}"
    if not after.expected:
        return f"is not as expected{why}; it stays {state}"
    return f"is as expected again, {before.reason_code or 'its reason'} ended; it stays {state}"


_NOTHING = ClusterFacts(())
KEPT_AT_LEAST_EVERY = timedelta(hours=1)
"""Without any change a decision is kept this often, so that none has to be sought far back."""


def why_kept(before: FloorSnapshot, after: FloorSnapshot, last_kept: datetime | None) -> str | None:
    """Say why a decision belongs into history (`start`, `change`, `hour`); None if it does not."""
    if last_kept is None:
        return "start"
    if _said(before) != _said(after) or _answered_differs(before, after):
        return "change"
    if any(find_changes(before, after)):
        return "change"
    if _claims_differ(before, after) or _cluster_differs(before.cluster, after.cluster):
        return "change"
    return "hour" if not timedelta() <= after.at - last_kept < KEPT_AT_LEAST_EVERY else None


def find_changes(before: FloorSnapshot | None, after: FloorSnapshot) -> Iterator[ServiceChange]:
    """Return the services whose state, expectation or lead reason changed; all without a before."""
    every = ((None, r) for r in after.services)
    for earlier, report in every if before is None else _reported_again(before, after):
        told = (report.state, report.expected, _reason_of(report, after))
        known = None if before is None or earlier is None else _reason_of(earlier, before)
        if earlier is None or told != (earlier.state, earlier.expected, known):
            yield ServiceChange(after.at, report.agent.agent_name, *told)


def _reason_of(report: ServiceReport, snapshot: FloorSnapshot) -> str:
    """Return a service's lead reason; what only the cluster tells is not asked before that is."""
    asked = snapshot.cluster is not None or snapshot.fleet.access is None
    unseen = not report.expected and report.reason_code in BLIND
    return NOT_YET_ASKED if unseen and not asked else report.reason_code


def _said(snapshot: FloorSnapshot) -> tuple[object, ...]:
    posture, switch = snapshot.posture, snapshot.kill_switch
    return (
        posture.verdict,
        posture.expected,
        posture.severity,
        tuple((r.code, r.subject, r.severity, r.halts, r.confirmed) for r in posture.reasons),
        posture.coverage.gaps,
        snapshot.session.phase,
        (switch.state, switch.confirmed, switch.conflicting),
        tuple((a.key, _who_said(a)) for a in snapshot.latched.alarms),
        snapshot.fleet.digest,
    )


def _answered_differs(before: FloorSnapshot, after: FloorSnapshot) -> bool:
    """Return whether a path answered for the first time."""
    old, new = before.latched.services, after.latched.services
    return old is not new and [s.answered for s in old] != [s.answered for s in new]


def _who_said(alarm: Alarm) -> tuple[tuple[object, ...], ...]:
    """Return which processes raised an alarm, and how often each denied it."""
    return tuple((i.peer, i.told, i.pods, i.own_address, i.denials) for i in alarm.instances)


def _claims_differ(before: FloorSnapshot, after: FloorSnapshot) -> bool:
    """
    Return whether a service says something else of its mode, its orders or the switch.

    None of that need change a judgement, but the attestation of a session says when it was said.
    """
    pairs = zip(before.services, after.services, strict=False)  # another inventory is told above
    return any(
        old is not new and old.round is not new.round and _claims(old.round) != _claims(new.round)
        for old, new in pairs
    )


def _claims(round_: ServiceRound | None) -> tuple[tuple[str, Claims], ...]:
    readings = sorted(round_.readings.items()) if round_ else ()
    return tuple((p, r.value.claims if isinstance(r, Seen) else r.claims) for p, r in readings)


def _cluster_differs(before: ClusterFacts | None, after: ClusterFacts | None) -> bool:
    """Return whether the settings of workloads' modes differ, or whether they took them up."""
    return before is not after and _modes_told(before or _NOTHING) != _modes_told(after or _NOTHING)


def _modes_told(cluster: ClusterFacts) -> object:
    """Return what decides which mode each workload runs in, and how many replicas are wanted."""
    workloads = tuple(
        (w.key, w.observed, (w.desired, w.actual), tuple((c.env, c.env_from) for c in w.containers))
        for w in cluster.workloads
        if w.owner is None
    )
    return workloads, tuple((m.key, m.values) for m in cluster.config_maps)
