"""Sources of every kind are read to their end, and say so where they are not."""

import gzip
import json
import os
import random
from datetime import UTC, datetime

import pytest
from backports import zstd

from mission_control.replay.model import Skip, Verdict
from mission_control.replay.sources import TooManyFilesError, find_input
from tests.replay.logs import adds_up, event, lines, order, read, shown, wrapped, write

MANY = [event(second=n % 60, trace_id=f"t-{n}", component="c" * n) for n in range(300)]


@pytest.mark.parametrize("name", ["a.log", "a.log.gz", "a.log.zst"])
def test_packed_logs_are_read_as_plain_ones(tmp_path, name):
    """What a file is says its beginning, not its name."""
    path = write(tmp_path, name, *MANY)
    odd = path.rename(tmp_path / "odd.name")
    replay = read(odd)

    assert (300, 300) == (replay.counts.events, replay.counts.lines)
    assert len(lines(*MANY)) == replay.counts.bytes == replay.sources[0].bytes


def test_packed_logs_may_have_several_members(tmp_path):
    """As where packed logs were put together; zeros behind them are none."""
    one, two = lines(event()), lines(event(second=1))
    (tmp_path / "a.gz").write_bytes(gzip.compress(one) + gzip.compress(two) + b"\0" * 512)
    (tmp_path / "b.zst").write_bytes(zstd.compress(one) + zstd.compress(two))
    replay = read(tmp_path)

    assert (4, 0) == (replay.counts.events, replay.answer.exit_code)


def _window(content):
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=options)
    return packer.compress(content) + packer.flush()


NOISE = lines(*({"component": random.Random(n).randbytes(40).hex(), **event()} for n in range(999)))
BROKEN = {
    "gzip cut short": gzip.compress(NOISE)[:-40],
    "zstd cut short": zstd.compress(NOISE)[:-40],
    "gzip damaged": gzip.compress(NOISE)[:-300] + b"\xff" * 300,
    "zstd damaged": zstd.compress(NOISE)[:300] + b"\0" * 300,
    "gzip with something behind": gzip.compress(NOISE) + b"something",
    "zstd with too large a window": _window(NOISE),
    "bzip2": b"BZh91AY&SY" + NOISE,
    "xz": b"\xfd7zXZ\0" + NOISE,
    "zip": b"PK\x03\x04" + NOISE,
    "UTF-16": NOISE.decode().encode("utf-16"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_breaks_off_never_says_none_found(tmp_path, content):
    """It exits with 1, says why, and what was read before is shown (R12.17)."""
    (tmp_path / "a.log").write_bytes(content)
    replay = read(tmp_path / "a.log", write(tmp_path, "b.log", event()))

    assert (Verdict.INCOMPLETE, 1) == (replay.answer.verdict, replay.answer.exit_code)
    assert "none found" not in repr(replay.answer)
    assert replay.sources[0].broke_off
    assert any("a.log" in reason for reason in replay.answer.reasons)
    assert adds_up(replay.counts)
    assert 1 <= replay.counts.events


@pytest.mark.parametrize("kind", ["missing", "device"])
def test_what_cannot_be_opened_breaks_off(tmp_path, kind):
    """The rest is read all the same (R12.17)."""
    path = {"missing": tmp_path / "x.log", "device": "/dev/null"}[kind]
    replay = read(write(tmp_path, "a.log", event()), path)

    assert (1, 1) == (replay.answer.exit_code, replay.counts.events)


def test_nothing_to_read_is_no_answer(tmp_path):
    """An empty log says nothing of execution (R12.17)."""
    (tmp_path / "a.log").touch()
    answer = read(tmp_path).answer

    assert (Verdict.INCOMPLETE, True) == (answer.verdict, "nothing to read" in answer.headline)


def test_a_disk_that_fails_breaks_off(tmp_path, monkeypatch):
    """What it gave before is shown."""
    path = write(tmp_path, "a.log", event())
    (given,) = find_input([str(path)]).files

    class Failing:
        def __init__(self, stream):
            self.stream, self.reads = stream, 0

        def read(self, size):
            self.reads += 1
            if self.reads > 1:
                raise OSError(5, "Input/output error")
            return self.stream.read(size)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

    monkeypatch.setattr(
        type(given), "open", lambda file: Failing(file.path.open("rb", buffering=0))
    )
    replay = read(path)

    assert "Input/output error" in replay.sources[0].broke_off
    assert 1 == replay.counts.events


def test_folders_are_read_whole_and_files_once(tmp_path):
    """However a file is reached, it is read once; links in folders are passed by."""
    path = write(tmp_path, "logs/b/x.log", event())
    write(tmp_path, "logs/a.log", event(second=1))
    os.link(path, tmp_path / "hard.log")
    (tmp_path / "logs" / "soft.log").symlink_to(path)
    (tmp_path / "loop").symlink_to(tmp_path)
    replay = read(tmp_path / "logs", path, tmp_path / "hard.log")

    assert (2, 2) == (replay.counts.events, len(replay.sources))


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    """Better no replay than one of some of them."""
    monkeypatch.setattr("mission_control.replay.sources.MOST_SOURCES", 1)
    write(tmp_path, "a.log")
    write(tmp_path, "b.log")

    with pytest.raises(TooManyFilesError, match="more than 1 files"):
        find_input([str(tmp_path)])


def test_a_pipe_is_read(tmp_path):
    """As a shell gives it with `<(...)`."""
    reader, writer = os.pipe()
    os.write(writer, lines(event()))
    os.close(writer)
    try:
        assert 1 == read(f"/dev/fd/{reader}").counts.events
    finally:
        os.close(reader)


def test_the_order_of_files_makes_no_difference(tmp_path):
    """Events, evidence, sources and counts are the same (R12.22)."""
    paths = [write(tmp_path, f"{n}.log", *MANY[n::3], order("broker_placed", n)) for n in range(3)]
    one, other = read(*paths), read(*reversed(paths))

    assert shown(one) == shown(other)
    assert [*one.evidence()] == [*other.evidence()]
    assert (one.sources, one.counts, one.answer) == (other.sources, other.counts, other.answer)


def test_events_stand_by_their_own_time(tmp_path):
    """
    What tells no time stays behind the line before it, or before the first of its source.

    This is docs/semantics.md#R12.18.
    """
    undated = [event(f"n{n}", ts=None) for n in range(3)]
    a = write(
        tmp_path, "a.log", undated[0], event("late", 9), undated[1], event("early", 1), undated[2]
    )
    replay = read(a, write(tmp_path, "b.log", event("between", 5), event("never", ts="x")))

    expected = ["early", "n2", "between", "never", "n0", "late", "n1"]
    assert expected == [e.event for e in replay.events()] == [e.event for e in shown(replay)]
    assert (4, None) == (
        replay.counts.undated,
        next(e for e in shown(replay) if e.event == "n1").at,
    )


def test_events_of_a_source_without_any_time_come_first(tmp_path):
    """They have no place in time at all, and are shown whatever time is asked for."""
    path = write(tmp_path, "a.log", *(event(f"n{n:04d}", ts=None) for n in range(1_200)))
    found = shown(read(path, write(tmp_path, "b.log", event("dated", 3)), since=None))

    assert [f"n{n:04d}" for n in range(1_200)] == [e.event for e in found[:-1]]
    assert {None} == {e.placed_at for e in found[:-1]}


def test_narrowing_by_time_and_agent(tmp_path):
    """From is within, to is not; another agent is hidden."""
    path = write(
        tmp_path, "a.log", event(second=1), event(second=2), event(second=3),
        event(second=2, agent_name="other"), event("undated", ts=None, agent_name="other"),
    )  # fmt: skip
    first, until = (datetime(2026, 11, 18, 15, 0, second, tzinfo=UTC) for second in (2, 3))
    one = read(path, since=first, until=until, agent="strategy-engine")
    other = read(path, since=first, until=until)

    assert [(first, "strategy-engine")] == [(e.at, e.agent) for e in shown(one)]
    assert (4, first, first) == (one.counts.hidden, one.first, one.last)
    assert ["startup", "undated", "startup"] == [e.event for e in shown(other)]


def test_skew_between_sources_is_told(tmp_path):
    """A clock is compared with its envelopes, and with the same traces elsewhere (R12.18)."""
    near = [event(second=n, trace_id=f"t{n}") for n in range(10)]
    far = [wrapped(event(second=n + 30, trace_id=f"t{n}")) for n in range(10)]
    replay = read(write(tmp_path, "a.log", *near), write(tmp_path, "b.log", *far))
    envelopes, other = replay.sources[1].skews

    assert (30.0, 10, True) == (other.seconds, other.samples, other.against.endswith("a.log"))
    assert (33.0, 10, "") == (envelopes.seconds, envelopes.samples, envelopes.against)
    assert () == replay.sources[0].skews


def test_equal_events_are_one_row_with_their_number(tmp_path):
    """Repeats are counted, in one source and over several."""
    a = write(tmp_path, "a.log", event(), event(second=1), event())
    replay = read(a, write(tmp_path, "b.log", event()))
    first, second = shown(replay)
    ((group, _),) = [(g, [*e]) for g, e in replay.groups()]

    assert (3, 2, 1) == (first.repeated, first.sources, first.line)
    assert (1, 1) == (second.repeated, second.sources)
    assert (4, 2) == (group.events, group.rows)


def test_a_long_line_without_a_mark_is_no_event(tmp_path):
    """However long it is, it is one line, and the next one is read."""
    for size in (1 << 20, 3 << 20):
        replay = read(write(tmp_path, f"{size}.log", "x" * size, event(), "y" * size))
        assert ({Skip.NO_EVENT: 2}, 1, 3) == (
            replay.counts.skipped, replay.counts.events, replay.counts.lines)  # fmt: skip


def test_a_log_may_lack_its_last_line_end(tmp_path):
    """The last line counts, whether or not it is ended."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(wrapped("x")) + json.dumps(event()).encode())
    other = tmp_path / "b.log"
    other.write_bytes(lines(event()) + b"plain")

    assert [(1, 2), (1, 2)] == [
        (read(p).counts.events, read(p).counts.lines) for p in (path, other)
    ]
