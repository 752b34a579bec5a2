"""The floor's posture over a stretch of the past, from what history kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mission_control.errors import StorageError
from mission_control.floor.decide.events import KEPT_AT_LEAST_EVERY
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import Verdict
from mission_control.history.decide import (
    MINUTE,
    floor_spans,
    gaps_between,
    summarise,
)
from mission_control.history.model import (
    TOLD_AROUND,
    EventQuery,
    PostureSpan,
    Span,
    leave_out,
    share,
)
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


def draw_postures(
    ends: tuple[Verdict | None, Verdict | None],
    changes: Iterable[tuple[datetime, object, object]],
    unwatched: Iterable[Span],
    since: datetime,
    until: datetime,
) -> tuple[PostureSpan, ...]:
    """
    Return the floor's posture between two instants, without a hole and without overlap.

    `ends` are the postures as decided at both instants, `changes` those in between with what
    each says was before and after, oldest first. A stretch is known where both of its ends say
    the same: a change that does not begin with what the one before ended with follows one that
    was lost. Where several processes watch one floor each tells each change, within a minute.
    """
    spans = list[PostureSpan]()
    began, held, newest = since, ends[0], None
    for at, before, after in changes:
        if (before, after) != newest or at - began > MINUTE:
            spans.append(PostureSpan(began, at, held if before == held else None))
            began, held, newest = at, _verdict(after), (before, after)
    spans.append(PostureSpan(began, until, held if ends[1] == held else None))
    gaps = tuple(unwatched)
    pieces = [p for span in spans if span.begin < span.end for p in _without(span, gaps)]
    return tuple(sorted(pieces, key=lambda p: p.begin))


def _verdict(value: object) -> Verdict | None:
    return next((v for v in Verdict if v.value == value), None)


def _without(span: PostureSpan, gaps: Sequence[Span]) -> Iterator[PostureSpan]:
    """Yield a stretch in pieces: those in gaps are not known."""
    whole = ((span.begin, span.end),)
    yield from (PostureSpan(b, e, None) for b, e in share(gaps, whole))
    for begin, end in leave_out(gaps, span.begin, span.end):
        yield PostureSpan(begin, end, span.verdict)
