"""The floor's posture over a stretch of the past, from what history kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mission_control.errors import StorageError
from mission_control.floor.decide.events import KEPT_AT_LEAST_EVERY
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import Verdict
from mission_control.history.decide.over_time import (
    MINUTE,
    draw_postures,
    floor_spans,
    gaps_between,
    summarise,
)
from mission_control.history.model import TOLD_AROUND, EventQuery, PostureSpan
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.event import EventType, FloorEvent

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

LONGEST = timedelta(days=31)
"""Of a longer stretch only its end is asked of history; the rest is not known."""
AT_ONCE, MOST_EVENTS = 500, 50_000


async def read_postures(
    history: "HistoryReader", calendar: CalendarReader, since: datetime, until: datetime
) -> tuple[PostureSpan, ...]:
    """
    Return the posture between two instants; raises StorageError where history cannot be read.

    What was not watched, or of which a change was lost, is not known.
    """
    asked = max(since, until - LONGEST)
    minutes = await history.minutes(asked - TOLD_AROUND, until + TOLD_AROUND)
    watched = floor_spans([summarise(minutes)], asked, until)
    ends = (
        await _decided_at(history, calendar, asked),
        await _decided_at(history, calendar, until),
    )
    changes = [
        (e.at, e.data.get("before"), e.data.get("after"))
        for e in await _changes(history, asked, until)
    ]
    drawn = draw_postures(ends, changes, gaps_between(watched, asked, until), asked, until)
    return ((PostureSpan(since, asked, None),) if since < asked else ()) + drawn


async def _decided_at(
    history: "HistoryReader", calendar: CalendarReader, at: datetime
) -> Verdict | None:
    """Return the posture that was in force; None where none was decided for too long before."""
    decision = await history.decision_at(at)
    if decision is None or at - decision.at > KEPT_AT_LEAST_EVERY + 2 * MINUTE:
        return None
    decided = decide_floor(
        decision.evidence, decision.latched, calendar.session_at, decision.at, sequence=0
    )
    return decided.posture.verdict


async def _changes(
    history: "HistoryReader", since: datetime, until: datetime
) -> Sequence[FloorEvent]:
    """Return the posture's changes, oldest first."""
    found, before, read = list[FloorEvent](), None, 0
    while read < MOST_EVENTS:
        page = await history.events(EventQuery(AT_ONCE, before, since, until))
        read += len(page.events)
        found += [e for e in page.events if e.type is EventType.POSTURE_CHANGED]
        before = page.next_before
        if before is None:
            return sorted(found, key=lambda e: e.identity)
    raise StorageError(f"there are more than {MOST_EVENTS} events", path="history")
