"""Any bytes in: never a crash, every line counted once, and nothing missed by looking quickly."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.redaction.redact import redact_document
from mission_control.replay import read_lines
from mission_control.replay.decide.execution import Scanner, scan
from mission_control.replay.decide.line import events_in, read_plain
from mission_control.replay.decide.marks import find_marked, is_marked
from mission_control.replay.model import Skip
from mission_control.replay.read_lines import DenseLines, LineReader, MarkedLine
from mission_control.replay.sources import Input, find_input
from tests.redaction.corpus import CORPUS
from tests.replay.logs import (
    EVERYTHING,
    adds_up,
    event,
    lines,
    order,
    protocol_intent,
    replay_logs,
    wrapped,
)

PIECES = st.sampled_from(
    [
        *(
            json.dumps(each).encode()
            for each in (event(), order("broker_placed"), protocol_intent())
        ),
        json.dumps(wrapped(order("received"))).encode(),
        b"2026-11-18T15:00:00.1Z stdout P {",
        b'{"log":"{","stream":"stdout"}',
        b"==> floor a/b <==",
        b"broker_order_id=",
        b"stage=BROKER_PLACED",
        b"K" * 80,
        b'{"intent_type":',
        b"\\u0061",
        b"\n",
        b"\r\n",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"\xff\xfe\xed\xa0\x80",
        b"{",
        b'"',
        b"[" * 90,
    ]
)
ANY_BYTES = st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=30).map(b"".join)


@settings(max_examples=80, deadline=None)
@given(ANY_BYTES, st.booleans())
def test_any_bytes_are_accounted_for(tmp_path_factory, content, tails):
    """Counts add up, all that is counted is told, and the worst of it is the answer (R12.13)."""
    name = "20261118T150000Z_x/logs.a.txt" if tails else "x/a.log"
    path = tmp_path_factory.mktemp("any") / name
    path.parent.mkdir()
    path.write_bytes(content)
    replay = replay_logs(find_input([str(path)]), EVERYTHING)
    groups = [(group, [*events]) for group, events in replay.groups()]
    told = sum(e.repeated for _, events in groups for e in events)
    evidence = [*replay.evidence()]

    assert adds_up(replay.counts)
    assert replay.counts.events == told == sum(e.repeated for e in replay.events())
    assert told == sum(group.events for group, _ in groups)
    counts = replay.counts
    assert counts.evidence + counts.suspicions == sum(e.repeated for e in evidence)
    assert counts.lines == sum(s.lines for s in replay.sources)
    assert (replay.answer.exit_code == 3) == bool(evidence)
    assert b"broker_placed" not in content or content[:2] in {b"\x1f\x8b", b"\xff\xfe"} or (
        content[:4] == b"\x28\xb5\x2f\xfd" or 3 == replay.answer.exit_code
    )  # fmt: skip


TEXT = st.text(max_size=8)
LEAVES = st.one_of(TEXT, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
DOCUMENTS = st.recursive(
    st.one_of(LEAVES, st.sampled_from([event(), order("received"), protocol_intent()])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["message", "a", "jsonPayload"]), inner, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=6,
)


@st.composite
def escaped(draw):
    """Return a document as text, some of its letters escaped, some text around it."""
    text = json.dumps(draw(DOCUMENTS), ensure_ascii=draw(st.booleans()))
    every = draw(st.integers(3, 60))
    letters = [
        f"\\u{ord(c):04x}" if c.isalpha() and n % every == 0 else c for n, c in enumerate(text)
    ]
    inside = text.startswith("{") and draw(st.booleans())
    return draw(st.sampled_from(["", "INFO "])) + ("".join(letters) if inside else text)


@settings(max_examples=150, deadline=None)
@given(escaped())
def test_looking_quickly_never_misses(text):
    """
    Whatever reading a line in full finds in it, its marks are seen in the block around it.

    This is docs/semantics.md#R12.14.
    """
    line = text.encode(errors="replace").replace(b"\n", b" ")
    read = events_in(line)
    block = b"before\n" + line + b"\nafter\n"
    found = [block[start:end] for start, end in find_marked(block)]

    if read.events or read.broken or read.other_schema or read.claim >= 0:
        assert is_marked(line)
    assert ([line] if is_marked(line) else []) == found


@settings(max_examples=60, deadline=None)
@given(ANY_BYTES, st.integers(1, 60))
def test_blocks_make_no_difference(content, size):
    """However bytes arrive, and however lines are looked for, the same ones are found."""
    from mission_control.replay.read_bytes import whole_lines  # noqa: PLC0415

    def found(width, dense):
        blocks = iter([content[at : at + width] for at in range(0, len(content), width)])
        reader = LineReader()
        kept, read_lines._DENSE = read_lines._DENSE, dense  # noqa: SLF001
        try:
            return [*looked_at(reader, whole_lines(blocks))], reader.lines, reader.skipped
        finally:
            read_lines._DENSE = kept  # noqa: SLF001

    def looked_at(reader, blocks):
        for line in reader.read(blocks):
            each = [line]
            if isinstance(line, DenseLines):
                numbered = enumerate(line.lines, line.began + 1)
                each = [MarkedLine(n, text) for n, text in numbered if is_marked(text)]
                reader.skipped[Skip.NO_EVENT] += len(line.lines) - len(each)
            yield from each

    assert found(1 << 20, 0) == found(size, 0) == found(size, 1 << 30)


SECRETS = st.sampled_from([row.text for row in CORPUS])
ODD = st.recursive(
    st.one_of(LEAVES, SECRETS, st.sampled_from(["-p", "--password", "deadbeef" * 4, "0:aa"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["a", "password", "name", "value", "key", "secretKeyRef", "id"]), inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)  # fmt: skip
SCANNER = Scanner()


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["data", "component", "x", "env", "value"]), ODD, max_size=4)
)
def test_what_is_kept_as_it_is_needed_no_redaction(held):
    """A document that is taken for plain is the one that redaction would have given (R12.20)."""
    document = json.loads(json.dumps(event(**{**held, "replay_schema": "agenttrader.replay.v1"})))
    if SCANNER.is_quiet(document):
        assert document == redact_document(document)
        assert scan(document).plain
    if scan(document).plain:
        assert document == redact_document(document)


@pytest.mark.parametrize("row", CORPUS, ids=[row.name for row in CORPUS])
def test_no_secret_is_taken_for_plain(row):
    """
    Each form of secret that is known is looked through, wherever in an event it stands.

    This is docs/semantics.md#R12.20.
    """
    for document in (event(component=row.text), event(data=[{"x": [row.text]}])):
        line = json.dumps(document).encode()
        plain = read_plain(line, Scanner())
        found = plain.document if plain else events_in(line).events[0].document
        assert [] == [part for part in row.hidden if part in json.dumps(found)]


def test_what_was_remembered_is_bounded(monkeypatch):
    """A scanner that has seen very many texts forgets, and answers the same."""
    monkeypatch.setattr("mission_control.replay.decide.execution._MOST_KNOWN", 8)
    scanner = Scanner()

    assert all(scanner.is_quiet(event(component=f"c{n}", data={f"k{n}": 1})) for n in range(99))
    assert not scanner.is_quiet(event(component="password=hunter2-Zx81"))


def test_one_input_may_be_read_again():
    """What is kept aside can be read as often as is wanted, side by side."""
    from mission_control.replay.kept import KeptEvents, Spot  # noqa: PLC0415
    from mission_control.replay.spill import SortedLines  # noqa: PLC0415

    rows = SortedLines(most_held=20_000)
    for n in range(2_500):
        place = Spot(0, n, 0).place(1 + n % 900, dated=True, evidence=n % 7 == 0)
        document = json.dumps(event(second=n % 60, trace_id=f"t-{n % 2}", component=f"c{n % 900}"))
        rows.add(f"0a\x01t-{n % 2}\t{place}\t{document}".encode())
    kept = KeptEvents(rows, ("a.log",))
    whole = [(group, [*events]) for group, events in kept.groups()]

    assert [("a", "t-0"), ("a", "t-1")] == [(g.agent, g.trace_id) for g, _ in whole]
    assert [g.rows for g, _ in whole] == [len(events) for _, events in whole]
    assert whole == [(group, [*events]) for group, events in kept.groups()]
    firsts = [(group, next(iter(events))) for group, events in kept.groups()]
    assert [(group, events[0]) for group, events in whole] == firsts
    times = [str(e.at) for e in kept.by_time()]
    assert sorted(times) == times
    assert 2_500 == sum(e.repeated for e in kept.by_time()) == sum(g.events for g, _ in whole)


def test_an_input_of_nothing_is_read():
    """Even of no file at all there is a replay, which answers nothing."""
    empty = replay_logs(Input(()), replace(EVERYTHING))

    assert (1, []) == (empty.answer.exit_code, [*empty.groups()])
    assert b"" == lines()


def test_a_mark_in_capitals_is_seen_among_very_many():
    """However many capitals of its kind stand before it."""
    block = b"K" * 200 + b" stage=BROKER_PLACED\n"

    assert [(0, len(block) - 1)] == find_marked(block)
