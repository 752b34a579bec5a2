"""A replay as one page of its own, in pieces: no outside asset, no script, and it prints well."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.visible_text import visible
from mission_control.replay.model import Group, Replay, ReplayedEvent, Source, Verdict
from mission_control.replay.present.document import NOTHING_BEHIND, draw_picture
from mission_control.replay.present.drawing import SHAPES, WORDS, draw_svg
from mission_control.replay.present.picture import Backdrop, MarkKind, Picture
from mission_control.replay.present.style import STYLE
from mission_control.replay.present.words import (
    NO_EVIDENCE,
    VERDICTS,
    RowClock,
    both_times,
    count_rows,
    counted,
    evidence_text,
    group_facts,
    kind_of,
    name_of,
    narrowing_text,
    skew_text,
    source_notes,
    summary_of,
)

MOST_EVIDENCE, MOST_SOURCES, MOST_GROUPS = 500, 200, 200
MOST_ROWS, MOST_ROWS_IN_ALL = 200, 4_000
MOST_RAW = 1_000
"""Characters of one event's JSON; the JSON beside the page has all of it."""
_LOOKS = {
    Verdict.FOUND: "found",
    Verdict.SUSPECTED: "found",
    Verdict.INCOMPLETE: "doubt",
    Verdict.NONE_FOUND: "none",
}
_GLYPHS = {"found": "✕", "doubt": "?", "none": "●"}
_MARKS = {
    MarkKind.EVIDENCE: "✕ ",
    MarkKind.REFUSED: "■ ",
    MarkKind.ALLOWED: "✓ ",
    MarkKind.INTENT: "▶ ",
    MarkKind.EVENT: "",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def replay_html(
    replay: Replay, label: str = "", backdrop: Backdrop = NOTHING_BEHIND
) -> Iterator[str]:
    """Yield a replay as a page, in pieces; what has no room on it is counted."""
    picture = draw_picture(replay, backdrop)
    title = f"{f'{label} · ' if label else ''}Replay: {VERDICTS[replay.answer.verdict]}"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    yield from _answer(replay, label)
    yield from _evidence(replay)
    yield from _timeline(picture)
    yield from _sources(replay)
    yield from _counts(replay)
    yield from _groups(replay)
    yield "</main>\n</body>\n</html>\n"


def _text(value: object) -> str:
    """Write what others wrote on one line, with nothing in it that acts or hides."""
    return escape(" ".join(visible(str(value)).split()))


def _answer(replay: Replay, label: str) -> Iterator[str]:
    answer = replay.answer
    look = _LOOKS[answer.verdict]
    yield f'<header class="answer answer-{look}">\n'
    if label:
        yield f'<p class="label">{_text(label)}</p>\n'
    glyph = f'<span aria-hidden="true">{_GLYPHS[look]}</span>'
    yield f"<h1>{glyph} {_text(VERDICTS[answer.verdict])}</h1>\n"
    yield f'<p class="headline">{_text(answer.headline)}</p>\n'
    yield from _list(answer.reasons)
    yield "</header>\n"


def _list(items: Iterable[str]) -> Iterator[str]:
    told = "".join(f"<li>{_text(item)}</li>\n" for item in items)
    if told:
        yield f"<ul>\n{told}</ul>\n"


def _evidence(replay: Replay) -> Iterator[str]:
    yield '<section aria-labelledby="evidence">\n<h2 id="evidence">Execution evidence</h2>\n'
    found = replay.evidence()
    shown = [
        f"<li><strong>{_text(e.kind.value.replace('_', ' '))}</strong> <time>"
        f"{_text(both_times(e.at))}</time> {_text(evidence_text(e))}</li>\n"
        for e in islice(found, MOST_EVIDENCE)
    ]
    if shown:
        yield f'<ol class="evidence">\n{"".join(shown)}</ol>\n'
        yield _more(sum(1 for _ in found), "piece of evidence", "pieces of evidence")
    else:
        yield f"<p>{_text(NO_EVIDENCE[replay.answer.verdict])}</p>\n"
    yield "</section>\n"


def _more(count: int, one: str, many: str) -> str:
    """Say how much is not shown; empty where everything is."""
    if not count:
        return ""
    return f'<p class="more">and {count} more {one if count == 1 else many}: in the JSON</p>\n'


def _timeline(picture: Picture | None) -> Iterator[str]:
    yield '<section aria-labelledby="timeline">\n<h2 id="timeline">Timeline</h2>\n'
    if picture is None:
        yield "<p>No event tells its time.</p>\n</section>\n"
        return
    yield '<div class="scroll" tabindex="0" role="group" aria-label="Timeline, scrolls sideways">\n'
    yield from draw_svg(picture)
    yield '</div>\n<p class="legend">'
    for kind in MarkKind:
        shape = f'<g class="mark-{kind.value.lower()}">{SHAPES[kind]}</g>'
        drawn = f'<svg viewBox="-14 -14 28 28" aria-hidden="true">{shape}</svg>'
        yield f"<span>{drawn} {WORDS[kind]}</span>\n"
    yield "<span>hatched: not known</span></p>\n"
    left_out = [
        f"and {counted(picture.more_lanes, 'more agent')} without a lane"
        if picture.more_lanes
        else "",
        f"{counted(picture.undated, 'event')} without a time and a place here"
        if picture.undated
        else "",
        picture.backdrop.note,
    ]
    yield from _list(told for told in left_out if told)
    yield "</section>\n"


def _table(caption: str, heads: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    scrolls = f'<div class="scroll" tabindex="0" role="group" aria-label="{_text(caption)}">'
    return f"{scrolls}<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n"


_TABLE_END = "</tbody></table></div>\n"


def _sources(replay: Replay) -> Iterator[str]:
    count = len(replay.sources)
    yield f'<section aria-labelledby="sources">\n<h2 id="sources">Sources ({count})</h2>\n'
    heads = ("source", "lines", "events", "first", "last", "clock", "notes")
    yield _table("Sources", heads)
    for source in replay.sources[:MOST_SOURCES]:
        yield _source(source)
    yield _TABLE_END
    yield f"{_more(count - min(count, MOST_SOURCES), 'source', 'sources')}</section>\n"


def _source(source: Source) -> str:
    clock = "; ".join(map(skew_text, source.skews)) or "not compared"
    cells = (both_times(source.first), both_times(source.last), clock, source_notes(source))
    look = ' class="broken"' if source.broke_off else ""
    rest = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
    numbers = f'<td class="number">{source.lines}</td><td class="number">{source.events}</td>'
    return f'<tr{look}><th scope="row">{_text(source.label)}</th>{numbers}{rest}</tr>\n'


def _counts(replay: Replay) -> Iterator[str]:
    yield '<section class="counts" aria-labelledby="counts">\n<h2 id="counts">Counts</h2>\n'
    yield _table("Counts", ("what", "how many"))
    modes = [(f"lines of an agent in mode {m}", n) for m, n in sorted(replay.modes.items())]
    for name, count in [*count_rows(replay.counts), *modes]:
        yield f'<tr><th scope="row">{_text(name)}</th><td class="number">{count}</td></tr>\n'
    yield f"{_TABLE_END}<p>First {both_times(replay.first)}, last {both_times(replay.last)}.</p>\n"
    yield "</section>\n"


def _groups(replay: Replay) -> Iterator[str]:
    yield '<section aria-labelledby="groups">\n<h2 id="groups">Groups</h2>\n'
    if told := narrowing_text(replay.narrowing):
        yield f"<p><strong>{_text(told)}</strong></p>\n"
    room, more = MOST_ROWS_IN_ALL, 0
    for number, (group, events) in enumerate(replay.groups()):
        if number >= MOST_GROUPS or not room:
            more += 1
            continue
        most = min(MOST_ROWS, room)
        yield from _group(group, events, most)
        room -= min(most, group.rows)
    yield f"{_more(more, 'group', 'groups')}</section>\n"


def _group(group: Group, events: Iterator[ReplayedEvent], most: int) -> Iterator[str]:
    yield f"<h3>{_text(name_of(group))}</h3>\n<p>First {both_times(group.first)}, last "
    yield f"{both_times(group.last)}. {_text(group_facts(group))}.</p>\n"
    yield _table(name_of(group), ("time (UTC, New York)", "event", "summary", "source"))
    clock, shown = RowClock(), 0
    for event in islice(events, most):
        shown += 1
        yield _row(event, clock)
    yield f"{_TABLE_END}{_more(max(0, group.rows - shown), 'row', 'rows')}"


def _row(event: ReplayedEvent, clock: RowClock) -> str:
    kind = kind_of(event)
    raw = visible(encode_json(event.data).decode())
    cut = f"{raw[:MOST_RAW]}…" if len(raw) > MOST_RAW else raw
    return (
        f'<tr class="row-{kind.value.lower()}"><td class="time">{_text(clock.tell(event))}</td>'
        f"<td>{_MARKS[kind]}{_text(event.event)}</td><td>{_text(summary_of(event))}"
        f"<details><summary>raw</summary><code>{escape(cut)}</code></details></td>"
        f"<td>{_text(event.source)}:{event.line}</td></tr>\n"
    )
