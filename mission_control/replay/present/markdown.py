"""A replay as Markdown, in pieces: the answer first, every event of every group after it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from string import ascii_letters, digits

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.markdown import escape
from mission_control.documents.visible_text import visible
from mission_control.replay.model import Group, Replay, Source, Told
from mission_control.replay.present.words import (
    NO_EVIDENCE,
    NO_TIME,
    VERDICTS,
    RowClock,
    both_times,
    count_rows,
    counted,
    evidence_text,
    group_facts,
    name_of,
    narrowing_text,
    skew_text,
    source_notes,
    told_of,
)

ROWS_AT_ONCE = 200
_APART, _END = "\x1f", "\n"
_PLAIN = f"{ascii_letters}{digits} .,:;/=()%$'\"?@_\x1f\n-".encode()
"""What makes up text in which Markdown would read nothing, apart from underscores."""


def replay_markdown(replay: Replay, label: str = "", *, raw: bool = False) -> Iterator[str]:
    """
    Yield a replay as Markdown, in pieces; equal replays give equal bytes.

    `raw` adds each group's events as JSON, redacted.
    """
    yield from _answer(replay, label)
    yield from _evidence(replay)
    yield from _sources(replay)
    yield from _counts(replay)
    yield "## Groups\n\n"
    if narrowed := narrowing_text(replay.narrowing):
        yield f"{escape(narrowed)}\n\n"
    groups = rows = 0
    clock = RowClock()
    for group, told in _told(replay):
        groups, rows = groups + 1, rows + group.rows
        yield from _group(group, told, clock)
    yield f"That is all: {counted(groups, 'group')}, {counted(rows, 'row')}.\n"
    if raw:
        yield from _raw(replay)


def _told(replay: Replay) -> Iterator[tuple[Group, Iterator[Told]]]:
    if replay.open_told is not None:
        yield from replay.open_told()
    else:
        yield from ((group, map(told_of, events)) for group, events in replay.groups())


def _answer(replay: Replay, label: str) -> Iterator[str]:
    answer = replay.answer
    yield f"# Replay: {VERDICTS[answer.verdict]}\n\n"
    if label:
        yield f"**{escape(label)}**\n\n"
    yield f"**{escape(answer.headline)}**\n\n"
    yield from (f"- {escape(reason)}\n" for reason in answer.reasons)
    if answer.reasons:
        yield "\n"


def _evidence(replay: Replay) -> Iterator[str]:
    yield "## Execution evidence\n\n"
    listed = 0
    for found in replay.evidence():
        listed += 1
        told = escape(evidence_text(found))
        yield f"- **{found.kind.value.replace('_', ' ')}** {escape(both_times(found.at))}: {told}\n"
    yield "\n" if listed else f"{NO_EVIDENCE[replay.answer.verdict]}\n\n"


def _sources(replay: Replay) -> Iterator[str]:
    yield f"## Sources ({len(replay.sources)})\n\n"
    yield "| source | lines | events | first | last | clock | notes |\n"
    yield "|---|---:|---:|---|---|---|---|\n"
    for source in replay.sources:
        yield f"| {' | '.join(map(escape, _source(source)))} |\n"
    yield "\n"


def _source(source: Source) -> tuple[object, ...]:
    clock = "; ".join(map(skew_text, source.skews)) or "not compared"
    first, last = both_times(source.first), both_times(source.last)
    return (
        source.label, source.lines, source.events, first, last, clock, source_notes(source)
    )  # fmt: skip


def _counts(replay: Replay) -> Iterator[str]:
    yield "## Counts\n\n| what | how many |\n|---|---:|\n"
    for name, count in count_rows(replay.counts):
        yield f"| {escape(name)} | {count} |\n"
    for mode, count in sorted(replay.modes.items()):
        yield f"| lines of an agent in mode {escape(mode)} | {count} |\n"
    yield f"| first | {both_times(replay.first)} |\n| last | {both_times(replay.last)} |\n\n"


def _group(group: Group, told: Iterator[Told], clock: RowClock) -> Iterator[str]:
    first, last = clock.told(group.first), clock.told(group.last)
    yield (
        f"### {_escaped(name_of(group))}\n\n"
        f"First {first}, last {last}. {_escaped(group_facts(group))}.\n\n"
        "| time (UTC, New York) | event | summary | source |\n|---|---|---|---|\n"
    )
    while some := list(islice(told, ROWS_AT_ONCE)):
        yield _rows(some, clock)
    yield "\n"


def _escaped(text: str) -> str:
    """Escape a text; most hold nothing but underscores, and that is seen quicker."""
    plain = _is_plain(text) and _APART not in text and _END not in text
    return text.replace("_", r"\_") if plain else escape(text)


def _is_plain(text: str) -> bool:
    """Return whether Markdown would read nothing in a text, apart from underscores."""
    if not text.isascii():
        text = text.replace("→", "")
    return text.isascii() and not text.encode().translate(None, _PLAIN)


def _rows(told: Sequence[Told], clock: RowClock) -> str:
    """Write rows; most hold nothing to be escaped, and of many that is seen in one look."""
    tell = clock.tell_micros
    joined = _END.join(
        [
            f"{tell(m) if dated else _undated(m, clock)}\x1f{event}\x1f{said}\x1f{source}:{line}"
            for m, dated, event, said, source, line in told
        ]
    )
    as_meant = (joined.count(_APART), joined.count(_END)) == (3 * len(told), len(told) - 1)
    if as_meant and _is_plain(joined):
        cells = joined.replace("_", r"\_").replace(_APART, " | ").replace(_END, " |\n| ")
        return f"| {cells} |\n"
    if len(told) > 1:
        return "".join(_rows([each], clock) for each in told)
    ((micros, dated, *shown, source, line),) = told
    time = tell(micros) if dated else _undated(micros, clock)
    return f"| {' | '.join(map(escape, (time, *shown, f'{source}:{line}')))} |\n"


def _undated(micros: int, clock: RowClock) -> str:
    """Write the time of what an event stands behind, as it tells none itself."""
    return f"{NO_TIME} (after {clock.tell_micros(micros)})" if micros else NO_TIME


def _raw(replay: Replay) -> Iterator[str]:
    """Yield every event as one line of JSON; as each begins with a brace, none ends its block."""
    yield "\n## Raw events, redacted\n\n"
    for group, events in replay.groups():
        yield f"### {escape(name_of(group))}\n\n```json\n"
        while rows := [encode_json(e.data).decode() for e in islice(events, ROWS_AT_ONCE)]:
            yield "".join(f"{visible(row)}\n" for row in rows)
        yield "```\n\n"
