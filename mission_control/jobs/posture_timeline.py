"""Jobs: how the posture was from one instant to another, from history."""

from collections.abc import Sequence
from datetime import datetime

from mission_control.decide.timeline import floor_spans, gaps_between
from mission_control.errors import StorageError
from mission_control.jobs.history_ports import EventQuery
from mission_control.jobs.past_floor import NotWatched, PastFloor
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.history import Span
from mission_control.present.canonical_json import encode_json
from mission_control.present.ops_bundle.floor_texts import posture_timeline_document

PAGE = 500
MOST_PAGES = 40


async def posture_timeline(
    past: PastFloor, since: datetime, until: datetime
) -> tuple[bytes, Sequence[Span]]:
    """
    Give the posture at `since` with its changes until `until`, and what nobody watched of it.

    Raises StorageError where history cannot be read, or holds more changes than are taken.
    """
    before = await past.as_of(since)
    changes = await _changes(past, since, until)
    watches = await past.watches(since, until)
    unwatched = gaps_between(floor_spans(watches, since, until), since, until)
    first = None if isinstance(before, NotWatched) else before.posture.verdict.value
    document = posture_timeline_document(since, until, first, changes, unwatched)
    return encode_json(document), unwatched


async def _changes(past: PastFloor, since: datetime, until: datetime) -> Sequence[FloorEvent]:
    """Give the posture's changes, oldest first."""
    found, before = list[FloorEvent](), None
    for _ in range(MOST_PAGES):
        page = await past.history.events(EventQuery(PAGE, before, since, until))
        found += [e for e in page.events if e.type is EventType.POSTURE_CHANGED]
        before = page.next_before
        if before is None:
            return found[::-1]
    raise StorageError("there are more events than a timeline takes", path="history")
