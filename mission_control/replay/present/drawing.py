"""A picture as SVG: shapes tell kinds apart as well as colours do, and every mark has its words."""

from collections.abc import Iterator
from html import escape

from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.visible_text import visible
from mission_control.replay.present.picture import (
    COLUMNS,
    Lane,
    Mark,
    MarkKind,
    Picture,
    Stretch,
    placed,
    ticks_of,
)

LEFT, RIGHT, WIDTH = 210, 60, 1200
TOP, BAND, LANE = 46, 18, 34
MOST_LABEL, MOST_WORDS = 30, 200
WORDS = {
    MarkKind.EVIDENCE: "EXECUTION EVIDENCE",
    MarkKind.REFUSED: "gate: not allowed",
    MarkKind.ALLOWED: "gate: allowed",
    MarkKind.INTENT: "order intent",
    MarkKind.EVENT: "event",
}
SHAPES = {
    MarkKind.EVIDENCE: '<path d="M0-12 12 0 0 12-12 0Z"/><path class="cut" d="M-4-4 4 4M4-4-4 4"/>',
    MarkKind.REFUSED: '<rect x="-6" y="-6" width="12" height="12"/><path class="cut" d="M-3 0H3"/>',
    MarkKind.ALLOWED: '<circle r="6.5"/><path class="cut" d="M-3 0-1 3 4-3"/>',
    MarkKind.INTENT: '<path d="M-5-6 7 0-5 6Z"/>',
    MarkKind.EVENT: '<path d="M0-6V6"/>',
}
"""Each around its own middle."""
PHASE_WORDS = {
    "PRE_MARKET": "pre-market",
    "OPEN": "OPEN",
    "POST_MARKET": "after hours",
    "CLOSED_WEEKEND": "weekend",
    "CLOSED_HOLIDAY": "holiday",
    "UNKNOWN": "not known",
}
NOT_KNOWN = "not known"


def draw_svg(picture: Picture) -> Iterator[str]:
    """Yield a picture as an SVG element, in pieces; its styles are those of the page around it."""
    height = TOP + 2 * (BAND + 4) + LANE * max(1, len(picture.lanes)) + 8
    yield (
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{_text(describe(picture))}">\n'
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><path d="M0 0V6" class="hatch"/></pattern></defs>\n'
    )
    yield from _axis(picture, height)
    yield from _band(picture, TOP, "Session", picture.backdrop.phases, "phase")
    behind = picture.backdrop.postures
    yield from _band(picture, TOP + BAND + 4, "Posture", behind or (), "posture")
    if behind is None:
        yield _label(LEFT + 6, TOP + 2 * BAND, "no history of the floor's posture", "soft")
    for number, lane in enumerate(picture.lanes):
        yield from _lane(lane, TOP + 2 * (BAND + 4) + LANE * number + LANE // 2 + 4)
    yield "</svg>\n"


def describe(picture: Picture) -> str:
    """Say in words what a picture shows; the tables below it say the same, event by event."""
    counts = dict.fromkeys(MarkKind, 0)
    for mark in (m for lane in picture.lanes for m in lane.marks):
        counts[mark.kind] += mark.count
    told = ", ".join(f"{WORDS[kind]} {count}" for kind, count in counts.items())
    when = f"{new_york_text(picture.since)} to {new_york_text(picture.until)}"
    return f"Timeline of {len(picture.lanes)} agents, {when}: {told}"


def _text(value: str, most: int = MOST_WORDS) -> str:
    """Write a text of others within an element or a quoted attribute."""
    shown = " ".join(visible(value).split())
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")


def _label(x: float, y: float, words: str, look: str, anchor: str = "start") -> str:
    shown = _text(words, MOST_LABEL + 10)
    return f'<text x="{x:g}" y="{y:g}" class="{look}" text-anchor="{anchor}">{shown}</text>\n'


def _x(share: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)


def _axis(picture: Picture, height: int) -> Iterator[str]:
    for tick in ticks_of(picture):
        x = _x(tick.share)
        yield f'<path class="grid" d="M{x:g} {TOP - 6}V{height}"/>\n'
        yield _label(x, 14, tick.new_york, "tick", "middle")
        yield _label(x, 30, tick.utc, "soft", "middle")


def _band(
    picture: Picture, y: int, name: str, stretches: tuple[Stretch, ...], kind: str
) -> Iterator[str]:
    yield _label(LEFT - 10, y + BAND - 5, name, "soft", "end")
    for stretch, begin, end in placed(picture, stretches):
        left, right = _x(begin), _x(end)
        known = NOT_KNOWN if stretch.name is None else stretch.name
        look = "gap" if stretch.name is None else f"{kind}-{known.lower().replace('_', '-')}"
        when = f"{new_york_text(stretch.begin)} to {new_york_text(stretch.end)}"
        words = PHASE_WORDS.get(known, known)
        yield (
            f'<rect x="{left:g}" y="{y}" width="{right - left:.1f}" height="{BAND}"'
            f' class="{_text(look)}"><title>{name}: {_text(words)}, {when}</title></rect>\n'
        )
        if right - left > 8 * len(words):
            yield _label((left + right) / 2, y + BAND - 5, words, "band", "middle")


def _lane(lane: Lane, y: int) -> Iterator[str]:
    yield f'<path class="lane" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>\n'
    name = lane.name if len(lane.name) <= MOST_LABEL else f"{lane.name[: MOST_LABEL - 1]}…"
    yield _label(LEFT - 10, y + 4, name, "name", "end")
    if lane.more:
        yield _label(LEFT - 10, y + 16, f"and {lane.more} more", "soft", "end")
    for mark in sorted(lane.marks, key=lambda m: (m.kind is MarkKind.EVIDENCE, m.column)):
        yield _mark(mark, y)


def _mark(mark: Mark, y: int) -> str:
    x = _x((mark.column + 0.5) / COLUMNS)
    many = f" ({mark.count})" if mark.count > 1 else ""
    when = f"{new_york_text(mark.at)}, {utc_text(mark.at)}"
    words = f"{WORDS[mark.kind]}{many}, {when}: {mark.words}"
    return (
        f'<g class="mark-{mark.kind.value.lower()}" transform="translate({x:g} {y})">'
        f"<title>{_text(words, 2 * MOST_WORDS)}</title>{SHAPES[mark.kind]}</g>\n"
    )
