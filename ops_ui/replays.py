"""Recorded replays: a list, one, and two compared. What cannot be read is never "none found"."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.rendering import Pages, asked_of, older_of, pages_of, query_of
from ops_ui.replay_answers import (
    Event,
    Lane,
    ListedReplay,
    Replay,
    ReplayDiff,
    Replays,
    Stretch,
    Timeline,
)

_API = "/api/v1/replays"
_MAX_REFERENCE = 300
_HTTP_TOO_LARGE = 413
_WORDS = {
    "found": ("bad", "✕", "EXECUTION EVIDENCE FOUND"),
    "suspected": ("bad", "✕", "EXECUTION SUSPECTED"),
    "incomplete": ("warn", "▲", "CANNOT BE SAID: not all could be read"),
}
_NOT_KNOWN = ("bad", "?", "NOT KNOWN")
_NONE = ("fine", "●", "no execution evidence found")
MARKS = {
    "EVIDENCE": "EXECUTION EVIDENCE",
    "REFUSED": "gate: not allowed",
    "ALLOWED": "gate: allowed",
    "INTENT": "order intent",
    "EVENT": "event",
}


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What a replay says of execution: a CSS class, a glyph and words."""

    look: str
    glyph: str
    words: str


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One replay of the list, with what it says of execution."""

    replay: ListedReplay
    answer: AnswerView


def answer_of(replay: ListedReplay) -> AnswerView:
    """Say what a replay found; only one that says none, and counts none, is clean."""
    told = _WORDS.get(replay.verdict, _NOT_KNOWN)
    if replay.verdict == "none_found" and replay.events is not None:
        nothing = (replay.evidence, replay.suspicions, replay.problem) == (0, 0, "")
        told = _NONE if nothing else _NOT_KNOWN
    return AnswerView(*told)


@get("/replays", media_type=MediaType.HTML)
async def replays(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show recorded replays, the newest first, each with what it found."""
    pages, asked = pages_of(state), asked_of(request, ("cursor", "limit"))
    found = await pages.client.ask(_API + query_of(asked), Replays)
    if isinstance(found, Missed):
        return await pages.missed(found, "Recorded replays could not be read")
    return await pages.render(
        "replays.html",
        found=found,
        rows=[ReplayRow(r, answer_of(r)) for r in found.replays],
        older=older_of("/replays", asked, found.next_cursor),
    )


@get("/replays/view/{path:path}", media_type=MediaType.HTML)
async def replay(state: State, path: FromPath[str]) -> Response[str]:
    """Show one recorded replay: its answer, its timeline and its events."""
    pages = pages_of(state)
    asked = f"{_API}/{quote(path.lstrip('/')[:_MAX_REFERENCE], safe='/._-')}"
    found = await pages.client.ask(asked, Replay)
    if isinstance(found, Missed):
        return await _why_not(pages, found)
    answer = answer_of(found.listed)
    if answer.look == "fine" and (found.evidence is None or found.evidence):
        answer = AnswerView(*_NOT_KNOWN)
    picture = None if found.timeline is None else draw(found.timeline)
    return await pages.render(
        "replay.html",
        found=found,
        answer=answer,
        picture=picture,
        marks=MARKS,
        mark_of=mark_of,
    )


@get("/replays/diff", media_type=MediaType.HTML)
async def replay_diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what differs between two recorded replays."""
    pages, asked = pages_of(state), asked_of(request, ("from", "to"), _MAX_REFERENCE)
    found = await pages.client.ask(f"{_API}/diff{query_of(asked)}", ReplayDiff)
    if isinstance(found, Missed):
        return await _why_not(pages, found)
    return await pages.render(
        "replay_diff.html",
        found=found,
        before=answer_of(found.before),
        after=answer_of(found.after),
        mark_of=mark_of,
    )


async def _why_not(pages: Pages, missed: Missed) -> Response[str]:
    """Say why a replay cannot be shown."""
    if missed.status == HTTP_NOT_FOUND:
        heading = "There is no such replay"
    elif missed.status == _HTTP_TOO_LARGE:
        heading = "This replay is too large for a page"
    else:
        return await pages.missed(missed, "The replay could not be read")
    text = missed.told or missed.detail
    return await pages.render("message.html", missed.status, heading=heading, text=text)


LEFT, RIGHT, WIDTH = 210, 60, 1200
TOP, BAND, LANE = 46, 18, 34
_MOST_NAME, _BAND_LETTER = 30, 8


@dataclass(frozen=True, slots=True)
class DrawnBand:
    """A stretch of the session or the posture, placed; `label` is empty where it has no room."""

    left: float
    width: float
    look: str
    title: str
    label: str

    @property
    def middle(self) -> float:
        """Return where its label stands."""
        return self.left + self.width / 2


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark, placed, with its words."""

    x: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """An agent's lane, placed; evidence is drawn last, above all else."""

    y: int
    name: str
    marks: tuple[DrawnMark, ...]
    more: int | float


@dataclass(frozen=True, slots=True)
class Picture:
    """A timeline, placed in a picture of 1200 units; `postures` is None without a history."""

    height: int
    words: str
    ticks: tuple[tuple[float, str, str], ...]
    phases: tuple[DrawnBand, ...]
    postures: tuple[DrawnBand, ...] | None
    lanes: tuple[DrawnLane, ...]


def draw(timeline: Timeline) -> Picture:
    """Place a timeline; what is not known is hatched, and a mark of no known kind is an event."""
    first = TOP + 2 * (BAND + 4)
    lanes = tuple(
        _lane(lane, first + LANE * n + LANE // 2 + 4, timeline.columns)
        for n, lane in enumerate(timeline.lanes)
    )
    return Picture(
        first + LANE * max(1, len(lanes)) + 8,
        f"Timeline of {len(lanes)} agents, {timeline.since_et} to {timeline.until_et};"
        " the tables below say the same",
        tuple((_x(t.share), t.new_york, t.utc) for t in timeline.ticks),
        _bands(timeline.phases, "Session", "phase"),
        None if timeline.postures is None else _bands(timeline.postures, "Posture", "posture"),
        lanes,
    )


def _x(share: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, share)), 1)


def _bands(stretches: Sequence[Stretch], name: str, kind: str) -> tuple[DrawnBand, ...]:
    drawn = list[DrawnBand]()
    for each in stretches:
        known = (each.name or "not known").replace("_", " ")
        look = f"{kind}-{each.name.lower().replace('_', '-')}" if each.name else "gap"
        left, right = _x(each.from_share), _x(each.to_share)
        width = round(max(0.0, right - left), 1)
        label = known if width > _BAND_LETTER * len(known) else ""
        drawn.append(
            DrawnBand(left, width, look, f"{name}: {known}, {each.begin} to {each.end}", label)
        )
    return tuple(drawn)


def _lane(lane: Lane, y: int, columns: int) -> DrawnLane:
    marks = [
        DrawnMark(
            _x((mark.column + 0.5) / max(1, columns)),
            mark.kind if mark.kind in MARKS else "EVENT",
            f"{MARKS.get(mark.kind, 'event')} ({mark.count}), {mark.at}: {mark.words}",
        )
        for mark in lane.marks
    ]
    marks.sort(key=lambda m: (m.kind == "EVIDENCE", m.x))
    name = lane.name if len(lane.name) <= _MOST_NAME else f"{lane.name[: _MOST_NAME - 1]}…"
    return DrawnLane(y, name, tuple(marks), lane.more or 0)


def mark_of(event: Event) -> str:
    """Return what an event is marked as, in its row as in the timeline."""
    if event.evidence:
        return "EVIDENCE"
    if event.gate or event.allowed is not None:
        return "ALLOWED" if event.allowed is True else "REFUSED"
    return "INTENT" if event.stage or event.kind == "protocol_intent" else "EVENT"
