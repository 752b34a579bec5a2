"""What a replay looks like over time: lanes per agent, and what the floor was like behind them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.days import in_new_york

COLUMNS = 240
"""What happens in one column of a lane, and is of one kind, is one mark with its count."""
MOST_LANES = 24
MOST_MARKS = 2_000
MOST_STRETCHES = 200
MOST_TICKS = 8
SHORTEST = timedelta(seconds=1)
"""A picture shows no less time than this."""
UNNAMED = "(unattributed)"
MOST_NAME = 60


class MarkKind(StrEnum):
    """What a mark stands for; the first are drawn before the others where there is no room."""

    EVIDENCE = "EVIDENCE"
    REFUSED = "REFUSED"
    ALLOWED = "ALLOWED"
    INTENT = "INTENT"
    EVENT = "EVENT"


_ORDER = {kind: number for number, kind in enumerate(MarkKind)}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time and what it was; None where that is not known."""

    begin: datetime
    end: datetime
    name: str | None


@dataclass(frozen=True, slots=True)
class Backdrop:
    """
    What lies behind a replay: the session's phases, and the floor's posture.

    `postures` is None where no history is kept, and `note` says what is missing of both.
    """

    phases: tuple[Stretch, ...] = ()
    postures: tuple[Stretch, ...] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Events of one kind in one column: how many, when the first was, and what it says."""

    column: int
    kind: MarkKind
    count: int
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One agent's marks, from left to right; `more` of them are not drawn."""

    name: str
    marks: tuple[Mark, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis, in New York and in UTC; `share` is its place, from 0 to 1."""

    share: float
    new_york: str
    utc: str


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A replay over time, from `since` to `until`; `more_lanes` agents are not drawn.

    `undated` events have no time and no place here.
    """

    since: datetime
    until: datetime
    lanes: tuple[Lane, ...]
    more_lanes: int
    undated: int
    backdrop: Backdrop

    def share_of(self, at: datetime) -> float:
        """Return where an instant lies, from 0 to 1."""
        return min(1.0, max(0.0, (at - self.since) / (self.until - self.since)))


def backdrop_of(
    calendar: CalendarReader,
    since: datetime,
    until: datetime,
    postures: Iterable[Stretch] | None = None,
    note: str = "",
) -> Backdrop:
    """Return what lies behind the time between two instants; of too many stretches none."""
    phases, at, notes = list[Stretch](), since, [note] if note else []
    while at < until and len(phases) <= MOST_STRETCHES:
        session = calendar.session_at(at)
        end = min(session.next_boundary or until, until)
        phases.append(Stretch(at, end, session.phase.value))
        at = end
    if len(phases) > MOST_STRETCHES:
        phases = []
        notes.append("The market's phases are not drawn: there are too many.")
    behind = None if postures is None else list(postures)
    if behind is not None and len(behind) > MOST_STRETCHES:
        rest = Stretch(behind[MOST_STRETCHES].begin, until, None)
        behind[MOST_STRETCHES:] = [rest]
        notes.append(f"The posture is drawn up to its change number {MOST_STRETCHES} alone.")
    return Backdrop(tuple(phases), None if behind is None else tuple(behind), " ".join(notes))


@dataclass(slots=True)
class _Mark:
    """A mark while it is drawn."""

    at: datetime
    words: str
    count: int = 1


@dataclass(slots=True)
class _Lane:
    """A lane while it is drawn: marks by their column and kind."""

    marks: dict[tuple[int, MarkKind], _Mark] = field(
        default_factory=dict[tuple[int, "MarkKind"], _Mark]
    )
    more: int = 0


@dataclass(slots=True)
class PictureDrawing:
    """
    Draws a picture from events that are told one after the other, in bounded memory.

    Where there is no room for all, lanes and marks that came first are drawn; execution evidence
    always finds room in its lane.
    """

    since: datetime
    until: datetime
    lanes: dict[str, _Lane] = field(default_factory=dict[str, _Lane])
    unplaced: dict[str, None] = field(default_factory=dict[str, None])
    marks: int = 0
    undated: int = 0

    def take(
        self, agent: str, at: datetime | None, kind: MarkKind, words: Callable[[], str]
    ) -> None:
        """Take one event; its words are asked for where they are shown: the earliest's."""
        if at is None:
            self.undated += 1
            return
        lane = self._lane((agent or UNNAMED)[:MOST_NAME])
        if lane is None:
            return
        span = max(self.until - self.since, SHORTEST)
        column = min(COLUMNS - 1, max(0, int(COLUMNS * ((at - self.since) / span))))
        known = lane.marks.get((column, kind))
        if known is not None:
            known.count += 1
            if at < known.at:
                known.at, known.words = at, words()
        elif self.marks < MOST_MARKS or kind is MarkKind.EVIDENCE:
            lane.marks[column, kind] = _Mark(at, words())
            self.marks += 1
        else:
            lane.more += 1

    def _lane(self, name: str) -> _Lane | None:
        lane = self.lanes.get(name)
        if lane is None and len(self.lanes) < MOST_LANES:
            lane = self.lanes[name] = _Lane()
        elif lane is None and len(self.unplaced) < 10 * MOST_MARKS:
            self.unplaced[name] = None
        return lane

    def finish(self, backdrop: Backdrop) -> Picture:
        """Return the picture; lanes are by name."""
        lanes = tuple(_finished(name, lane) for name, lane in sorted(self.lanes.items()))
        until = max(self.until, self.since + SHORTEST)
        return Picture(self.since, until, lanes, len(self.unplaced), self.undated, backdrop)


def _finished(name: str, lane: _Lane) -> Lane:
    drawn = sorted(lane.marks.items(), key=lambda held: (held[0][0], _ORDER[held[0][1]]))
    marks = tuple(Mark(column, kind, m.count, m.at, m.words) for (column, kind), m in drawn)
    return Lane(name, marks, lane.more)


_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
)


def ticks_of(picture: Picture) -> Sequence[Tick]:
    """Return the axis: a few round times of New York's clock, or both ends."""
    span = picture.until - picture.since
    step = next((s for s in _STEPS if span / s <= MOST_TICKS), None)
    if step is None:
        return [_tick(picture, at, "%Y-%m-%d") for at in (picture.since, picture.until)]
    form = "%H:%M:%S %Z" if step < timedelta(minutes=1) else "%H:%M %Z"
    form = "%a %d %b %H:%M %Z" if span > timedelta(days=1) else form
    here = in_new_york(picture.since)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    at = picture.since + (-(here - midnight)) % step
    ticks = list[Tick]()
    while at <= picture.until:
        ticks.append(_tick(picture, at, form))
        at += step
    return ticks or [_tick(picture, picture.since, form)]


def _tick(picture: Picture, at: datetime, form: str) -> Tick:
    utc = form.replace(" %Z", "")
    return Tick(round(picture.share_of(at), 5), format(in_new_york(at), form), f"{at:{utc}}Z")


def picture_document(picture: Picture) -> dict[str, Any]:
    """Return a picture for the API: places are shares of its width, from 0 to 1."""
    behind = picture.backdrop
    return {
        "since": document(picture.since),
        "since_et": new_york_text(picture.since),
        "until": document(picture.until),
        "until_et": new_york_text(picture.until),
        "columns": COLUMNS,
        "ticks": document(ticks_of(picture)),
        "lanes": document(picture.lanes),
        "more_lanes": picture.more_lanes,
        "undated": picture.undated,
        "phases": _stretches(picture, behind.phases),
        "postures": None if behind.postures is None else _stretches(picture, behind.postures),
        "note": behind.note,
    }


def _stretches(picture: Picture, stretches: Iterable[Stretch]) -> list[dict[str, Any]]:
    return [
        document(s) | {"from_share": round(begin, 5), "to_share": round(end, 5)}
        for s, begin, end in placed(picture, stretches)
    ]


def placed(
    picture: Picture, stretches: Iterable[Stretch]
) -> Iterator[tuple[Stretch, float, float]]:
    """Yield stretches with where they begin and end, those that are seen."""
    for stretch in stretches:
        begin, end = picture.share_of(stretch.begin), picture.share_of(stretch.end)
        if begin < end:
            yield stretch, begin, end
