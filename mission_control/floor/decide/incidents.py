"""What happened as incidents: each from its first alarm or unexpected halt to its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from mission_control.floor.decide.posture import severity_of_alarm
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.model.codes import NOT_YET_ASKED
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity

SAME_WITHIN = timedelta(minutes=1)
"""An incident that begins again so soon after its end never ended."""
_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Incident:
    """
    A stretch of time in which an alarm was latched or the floor was HALTED (docs/semantics.md#15).

    `end` is None while it is not over. `code` and `subject` lead it: its worst alarm, else what
    halted the floor. `halted` is how long the floor was HALTED in it; `events` are those in it,
    oldest first.
    """

    begin: datetime
    end: datetime | None
    severity: Severity
    code: str
    subject: str
    codes: tuple[str, ...]
    services: tuple[str, ...]
    halted: timedelta
    events: tuple[FloorEvent, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """
    What was latched and since when the floor was HALTED as a stretch of time began.

    A halt is `doubted` that was not confirmed, or while some service was not asked yet.
    """

    alarms: tuple[tuple[_Key, datetime, Severity], ...] = ()
    halted_since: datetime | None = None
    lead: Reason | None = None
    doubted: bool = False


NOTHING_BEFORE = Before()


def stood_before(snapshot: FloorSnapshot) -> Before:
    """Return what an incident that had begun before holds, as a snapshot shows it."""
    posture = snapshot.posture
    halted = posture.verdict is Verdict.HALTED
    alarms = ((a, severity_of_alarm(a, snapshot.session)) for a in snapshot.latched.alarms)
    return Before(
        tuple((a.key, a.since, s) for a, s in alarms if s is not Severity.INFO),
        posture.since if halted else None,
        posture.reasons[0] if halted else None,
        not posture.confirmed or NOT_YET_ASKED in {r.code for r in posture.reasons},
    )


@dataclass(frozen=True, slots=True)
class _Halt:
    """A halt as it is told: since when, by which reasons, and by which event, if by one."""

    at: datetime
    severity: Severity
    codes: Sequence[str]
    subject: str
    event: FloorEvent | None = None


@dataclass(slots=True)
class _Open:
    """An incident while it is being followed."""

    begin: datetime
    end: datetime | None = None
    leads: list[tuple[Severity, str, str]] = field(default_factory=list[tuple[Severity, str, str]])
    named: list[str] = field(default_factory=list[str])
    touched: list[str] = field(default_factory=list[str])
    halted: timedelta = timedelta()
    events: list[FloorEvent] = field(default_factory=list[FloorEvent])

    def lead(self, severity: Severity, code: str, subject: str) -> None:
        self.leads.append((severity, code, subject))
        self.named.append(code)

    def closed(self, until: datetime, halted_since: datetime | None) -> Incident:
        severity, code, subject = min(self.leads, key=lambda lead: lead[0].rank)
        running = until - halted_since if halted_since and self.end is None else timedelta()
        return Incident(
            self.begin,
            self.end,
            severity,
            code,
            subject,
            tuple(dict.fromkeys(self.named)),
            tuple(dict.fromkeys(self.touched)),
            self.halted + running,
            tuple(self.events),
        )


class _Following:
    """Follows events, oldest first, and keeps what is latched and since when it is halted."""

    def __init__(self, before: Before) -> None:
        self.alarms = {key: severity for key, _, severity in before.alarms}
        self.halted_since: datetime | None = None
        self.doubted: _Halt | None = None
        self.found: list[_Open] = []
        if before.halted_since is not None and before.lead is not None:
            lead = before.lead
            halt = _Halt(before.halted_since, lead.severity, (lead.code,), lead.subject)
            if before.doubted:
                self.doubted = halt
            else:
                self._begin(halt)
        for (code, subject, _, _), since, severity in before.alarms:
            self._open(since)
            self.found[0].begin = min(self.found[0].begin, since)
            self.found[0].lead(severity, code, subject)

    @property
    def lasts(self) -> bool:
        return bool(self.alarms) or self.halted_since is not None

    def take(self, event: FloorEvent) -> None:
        self.settle(event.at)
        lasted = self.lasts
        self._begins(event)
        self._ends(event)
        current = self.found[-1] if self.found else None
        if current is None or not (lasted or self.lasts or _follows(current, event)):
            return
        current.events.append(event)
        if event.agent_name and _is_unexpected(event):
            current.touched.append(event.agent_name)
        if lasted and not self.lasts:
            current.end = event.at

    def settle(self, now: datetime) -> None:
        """Count a halt in doubt that lasts as one: what told of it tells nothing more."""
        doubted = self.doubted
        if doubted is not None and self.halted_since is None and now - doubted.at > SAME_WITHIN:
            self._begin(doubted)

    def _begins(self, event: FloorEvent) -> None:
        data = event.data
        if event.type is EventType.ALARM_OPENED and event.severity is not Severity.INFO:
            self.alarms[_key(event)] = event.severity
            self._open(event.at)
            self.found[-1].lead(event.severity, str(data.get("code", "")), event.agent_name or "")
        if event.type is not EventType.POSTURE_CHANGED or data.get("after") != "HALTED":
            return
        halt = _Halt(event.at, event.severity, _named(event), str(data.get("subject", "")), event)
        if data.get("confirmed") is False or NOT_YET_ASKED in halt.codes:
            self.doubted = self.doubted or halt
        else:
            self._begin(halt, self.doubted.at if self.doubted else event.at)

    def _begin(self, halt: _Halt, since: datetime | None = None) -> None:
        self.halted_since = self.halted_since or since or halt.at
        self._open(since or halt.at)
        current = self.found[-1]
        current.lead(halt.severity, halt.codes[0] if halt.codes else "", halt.subject)
        current.named += halt.codes[1:]

    def _ends(self, event: FloorEvent) -> None:
        if event.type is EventType.ALARM_ENDED:
            self.alarms.pop(_key(event), None)
        elif event.type is EventType.POSTURE_CHANGED and event.data.get("after") != "HALTED":
            self.doubted = None
            if self.halted_since is not None:
                self.found[-1].halted += event.at - self.halted_since
                self.halted_since = None

    def _open(self, at: datetime) -> None:
        last = self.found[-1] if self.found else None
        if last is None or (last.end is not None and at - last.end > SAME_WITHIN):
            self.found.append(_Open(at))
            if self.doubted is not None and self.doubted.event is not None:
                self.found[-1].events.append(self.doubted.event)
        elif last.end is not None:
            last.end = None


def _named(event: FloorEvent) -> Sequence[str]:
    codes = cast("Sequence[object]", event.data.get("reason_codes") or ())
    return [str(code) for code in codes]


def _key(event: FloorEvent) -> _Key:
    data, subject = event.data, event.agent_name or ""
    return (str(data.get("code")), subject, str(data.get("source")), str(data.get("fact")))


def _follows(over: _Open, event: FloorEvent) -> bool:
    """Return whether an event tells how a service fared that was part of what is just over."""
    if over.end is None or event.at - over.end > SAME_WITHIN:
        return False
    return event.at == over.end or event.agent_name in over.touched


def _is_unexpected(event: FloorEvent) -> bool:
    return event.type is EventType.ALARM_OPENED or event.data.get("expected") is False


def find_incidents(
    events: Iterable[FloorEvent], until: datetime, before: Before = NOTHING_BEFORE
) -> Sequence[Incident]:
    """
    Return the incidents that these events (oldest first) tell of until an instant, oldest first.

    An alarm that its phase makes no matter of (INFO) begins none, nor does a halt of less than a
    minute that was not confirmed, or while some service was not asked yet, as after a start.
    """
    following = _Following(before)
    for event in events:
        following.take(event)
    following.settle(until)
    return [each.closed(until, following.halted_since) for each in following.found]
