"""Alerts over a stretch of time: at a start, and decided again from what was recorded."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from mission_control.alerts.decide.alerts import decide_alerts
from mission_control.alerts.decide.rules import elapsed_seconds
from mission_control.alerts.model import (
    Alert,
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    AlertTransition,
)
from mission_control.floor.decide.evidence import SessionAt
from mission_control.floor.decide.posture import PAGING_BEFORE_OPEN
from mission_control.floor.model import FloorSnapshot
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.codes import SESSION_CHANGED
from mission_control.model.kill_switch import SourceKind

STARTING = timedelta(seconds=45)
"""
So long at most after a start, or a stall of our own, what was not asked since is no news.

Everything is asked within 40 s (docs/semantics.md#R1.3), and mostly within 13.
"""
LONG_STALL = timedelta(seconds=20)
"""After so long without a decision evidence has expired because we did not look."""
EVENT_LASTS = timedelta(seconds=0.5)
"""An event is of one decision; the next one sees it no more."""
LEAST_STEP = timedelta(seconds=1)
"""What waits on the market's clock is looked at no more often."""


def is_starting(snapshot: FloorSnapshot, since: datetime) -> bool:
    """
    Return whether a process that decides since then has not asked everything again yet.

    It does for a while at most: what does not answer by then is silent.
    """
    if snapshot.at - since >= STARTING:
        return False
    switches = [s.at for s in snapshot.kill_switch.sources if s.kind is not SourceKind.SERVICE]
    rounds = [s.round for s in snapshot.services if s.agent.service_dns]
    asked = all(r is not None and r.finished >= since for r in rounds)
    heard = bool(switches) and min(switches) >= since
    lists = [r.reading.at for r in snapshot.cluster.lists] if snapshot.cluster else []
    listed = snapshot.fleet.access is None or (bool(lists) and max(lists) >= since)
    return not (heard and asked and listed)


def decides_since(since: datetime | None, before: datetime | None, at: datetime) -> datetime:
    """
    Return since when a process decides without a long stall; `before` is its decision before `at`.

    It was past its start in between: one that stalls again and again pages nevertheless.
    """
    if since is None or before is None:
        return at
    again = at - before >= LONG_STALL and before - since >= STARTING
    return at if again else since


def join_books(stored: AlertBook, current: AlertBook) -> AlertBook:
    """
    Return the alerts from before a start together with those decided since.

    Where both have one it is that of now, with the times of the one that fired already.
    """
    joined = {a.fingerprint: a for a in stored.alerts}
    for alert in current.alerts:
        before = joined.get(alert.fingerprint)
        if before is not None and before.state is AlertState.FIRING is alert.state:
            continue  # the same page, and it is known to have gone out
        joined[alert.fingerprint] = alert
    return AlertBook(current.at, tuple(sorted(joined.values(), key=lambda a: a.order)))


@dataclass(frozen=True, slots=True)
class Replayed:
    """The alerts after a stretch of time, and every change in it."""

    book: AlertBook
    transitions: tuple[AlertTransition, ...]


def replay_until(
    rules: AlertRules,
    book: AlertBook,
    look: Callable[[datetime], AlertEvidence],
    since: datetime,
    until: datetime,
) -> Replayed:
    """
    Decide alerts on one decision of the floor, and again until the next one while time matters.

    `look` returns the evidence as of an instant. Nothing that the floor decided changed in between:
    only time passed, the session turned, and runs ended.
    """
    moved, at = list[AlertTransition](), since
    while True:
        seen = look(at)
        book, told = decide_alerts(rules, book, seen, at)
        moved += told
        at = next_instant(rules, book, seen, at)
        if at >= until:
            return Replayed(book, tuple(moved))


def as_of(snapshot: FloorSnapshot, session_at: SessionAt, at: datetime) -> FloorSnapshot:
    """Return a decision as it stands later, while nothing was decided otherwise."""
    return snapshot if at == snapshot.at else replace(snapshot, at=at, session=session_at(at))


def next_instant(rules: AlertRules, book: AlertBook, seen: AlertEvidence, at: datetime) -> datetime:
    """Return when alerts could next change although nothing else does: at midnight the latest."""
    waits = (instant for alert in book.alerts for instant in _waits(rules, alert, seen, at))
    turns = _turns(rules, seen, at)
    return min(i for i in (*waits, *turns) if i > at)


def _waits(
    rules: AlertRules, alert: Alert, seen: AlertEvidence, at: datetime
) -> Iterator[datetime]:
    rule = rules.rule(alert.rule)
    if rule is None or alert.state is AlertState.RESOLVED:
        return
    if alert.ending_since is not None:
        yield alert.ending_since + timedelta(seconds=rule.hold_seconds)
    if alert.state is AlertState.PENDING:
        left = rule.wait_seconds - elapsed_seconds(rule, alert.since, seen, at)
        if left > 0 or seen.starting:
            yield at + max(timedelta(seconds=left), LEAST_STEP)
    if alert.code == SESSION_CHANGED and alert.ending_since is None:
        yield at + EVENT_LASTS


def _turns(rules: AlertRules, seen: AlertEvidence, at: datetime) -> Iterator[datetime]:
    """Return when the session turns, runs end, and waivers do."""
    session = seen.snapshot.session
    if session.next_boundary is not None:
        yield session.next_boundary
    opens = (session.open, session.next_open)
    yield from (o - PAGING_BEFORE_OPEN for o in opens if o is not None)
    for state in seen.runs or ():
        yield from (i for i in (state.run.deadline, state.finished) if i is not None)
    if any(alert.until > at for alert in rules.waivers):
        yield min(w.until for w in rules.waivers if w.until > at)
    yield instant_of(in_new_york(at).date() + timedelta(days=1), time())
