"""Decide: what is to be copied follows from the ledger and from what the destination lists."""

import pytest

from mission_control.durable_copy.decide import (
    is_segment,
    judge_copied,
    judge_marker,
    marker_of,
    plan_copy,
    reach_of,
    segment_of,
)
from mission_control.durable_copy.model import CopyMemory, CopyProblemKind
from tests.durable_copy.ledger_of_values import file_of, ledger, lines

ENTRIES = ledger(6)
LINES = lines(ENTRIES)


def listing(*segments):
    """List segments (first, last) with everything that their lines name."""
    found = {}
    for first, last in segments:
        within = LINES[first - 1 : last]
        segment = segment_of(within).file
        found[segment.path] = segment.size
        found.update({f.path: f.size for line in within for f in line.entry.files})
    return found


def plan(listed, lines=LINES, day: int | None = 0, **how):
    """Plan a copy; returns the numbers of the lines to be copied beside the plan."""
    planned = plan_copy(lines, listed, day, **how)
    return planned, [e.seq for e in planned.lines]


def test_where_nothing_is_everything_is_copied_in_the_ledgers_order():
    """An empty destination gets every line, the oldest first."""
    planned, copied = plan({})

    assert ([1, 2, 3, 4, 5, 6], frozenset()) == (copied, planned.covered)
    assert ((), (), False) == (planned.problems, planned.again, planned.refused)


@pytest.mark.parametrize(
    ("segments", "copied"),
    [
        pytest.param([(1, 4)], [5, 6], id="the rest"),
        pytest.param([(1, 2), (4, 6)], [3], id="a hole"),
        pytest.param([(1, 3), (2, 5)], [6], id="segments that overlap, after a race"),
        pytest.param([(1, 6)], [], id="nothing"),
    ],
)
def test_what_segments_vouch_for_is_not_copied_again(segments, copied):
    """Only lines that no segment at the destination covers are copied."""
    assert copied == plan(listing(*segments))[1]


def test_files_without_a_segment_are_compared_again():
    """What an interrupted run left is there and not vouched for: it is gone through again."""
    listed = {f.path: f.size for e in ENTRIES for f in e.files}

    assert [1, 2, 3, 4, 5, 6] == plan(listed)[1]


def test_a_vouched_file_that_is_gone_is_named_and_sent_again():
    """The destination is the truth: what it does not list is not there."""
    listed = listing((1, 6))
    lost = ENTRIES[2].files[1]
    del listed[lost.path]
    planned, copied = plan(listed)

    assert ((lost,), []) == (planned.again, copied)
    assert [(CopyProblemKind.GONE, lost.path)] == [(p.kind, p.path) for p in planned.problems]


def test_segments_that_were_taken_away_are_named_and_their_lines_copied_again():
    """What an earlier run saw vouched for and is not now was removed there."""
    planned, copied = plan(listing((1, 2)), before=CopyMemory(through=5))

    assert [3, 4, 5, 6] == copied
    assert [(CopyProblemKind.GONE, "ledger")] == [(p.kind, p.path) for p in planned.problems]
    assert "line 3 was vouched for, and is no more (lines: 3)" == planned.problems[0].detail
    proven = CopyMemory(through=1, proven=frozenset(filter(is_segment, listing((1, 5)))))
    assert planned.problems == plan(listing((1, 2)), before=proven)[0].problems
    assert () == plan(listing((1, 5)), before=proven)[0].problems


def test_a_vouched_file_of_another_size_is_a_conflict():
    """What has another size is another file; it is not sent again, for it would stay anyway."""
    listed = listing((1, 6))
    changed = ENTRIES[2].files[1]
    listed[changed.path] = 3
    planned, _ = plan(listed)

    assert [(CopyProblemKind.CONFLICT, changed.path)] == [
        (p.kind, p.path) for p in planned.problems
    ]
    assert "3 bytes there, and 10" in planned.problems[0].detail
    assert () == planned.again


def test_each_day_another_part_is_read_back_and_all_of_it_in_thirty():
    """Over thirty days every file and segment is due once; asked for, everything is at once."""
    listed = listing((1, 4), (5, 6))
    before = CopyMemory(proven=frozenset(filter(is_segment, listed)))
    plans = [plan(listed, day=day, before=before)[0] for day in range(30)]
    due = [file.path for planned in plans for file in planned.reread]

    assert sorted(listed) == sorted(due)
    assert sorted(listed) == sorted(f.path for f in plan(listed, day=None)[0].reread)


@pytest.mark.parametrize(
    ("name", "size", "kind", "words"),
    [
        pytest.param(
            f"ledger/0000000001-0000000009-{'a' * 64}.jsonl",
            1,
            CopyProblemKind.ANOTHER_RECORD,
            "has no such line",
            id="lines that we do not have",
        ),
        pytest.param(
            f"ledger/0000000001-0000000003-{'a' * 64}.jsonl",
            1,
            CopyProblemKind.ANOTHER_RECORD,
            "has another one",
            id="another line of that number",
        ),
        pytest.param(
            segment_of(LINES[0:3]).file.path,
            1,
            CopyProblemKind.CONFLICT,
            "it has 1 bytes there",
            id="another size",
        ),
        pytest.param(
            f"ledger/0000000000-0000000003-{ENTRIES[2].hash}.jsonl",
            1,
            CopyProblemKind.CONFLICT,
            "does not have all",
            id="a beginning that never was",
        ),
        pytest.param(
            f"ledger/0000000005-0000000003-{ENTRIES[2].hash}.jsonl",
            1,
            CopyProblemKind.CONFLICT,
            "does not have all",
            id="backwards",
        ),
    ],
)
def test_a_segment_that_is_not_ours_vouches_for_nothing(name, size, kind, words):
    """A segment counts only if it is, by name and size, just what we would write."""
    planned, copied = plan({name: size})

    assert [kind] == [p.kind for p in planned.problems]
    assert words in planned.problems[0].detail
    assert [1, 2, 3, 4, 5, 6] == copied
    assert (kind is CopyProblemKind.ANOTHER_RECORD) == planned.refused


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        pytest.param([0, 1, 3], "line 4 does not follow line 2", id="a line removed"),
        pytest.param([1, 2], "line 2 does not follow the beginning", id="the beginning lost"),
    ],
)
def test_a_chain_that_is_broken_here_is_named(kept, words):
    """Our own ledger's discrepancies are told with the copy; the lines that hold are copied."""
    planned, copied = plan({}, [LINES[n] for n in kept])

    assert CopyProblemKind.CHAIN_BROKEN == planned.problems[0].kind
    assert words in planned.problems[0].detail
    assert [n + 1 for n in kept] == copied


def test_a_segment_whose_lines_were_lost_here_vouches_for_none():
    """A copy that holds lines that we lost is not taken for ours, and nothing is refused yet."""
    planned, _ = plan(listing((1, 4)), [LINES[0], *LINES[2:]])

    assert {CopyProblemKind.CHAIN_BROKEN, CopyProblemKind.CONFLICT} == {
        p.kind for p in planned.problems
    }


@pytest.mark.parametrize(
    ("sent", "sha256", "size", "kind"),
    [
        pytest.param(True, "", 10, None, id="just as recorded"),
        pytest.param(False, "", 10, None, id="there already and equal"),
        pytest.param(False, "f" * 64, 10, CopyProblemKind.CONFLICT, id="other bytes"),
        pytest.param(False, "", 9, CopyProblemKind.CONFLICT, id="another size"),
        pytest.param(True, "f" * 64, 10, CopyProblemKind.CORRUPTED, id="sent, and reads otherwise"),
    ],
)
def test_what_was_read_back_is_judged_by_its_digest(sent, sha256, size, kind):
    """Equal is equal, whatever sent it; otherwise it matters whether it was us."""
    file = file_of("a")
    problem = judge_copied(file, sent=sent, sha256=sha256 or file.sha256, size=size)

    assert kind == (problem.kind if problem else None)


def test_the_marker_tells_whose_copy_it_is():
    """Only the marker of the same first line is ours."""
    ours, content = marker_of(ENTRIES[0])

    assert ENTRIES[0].hash in content.decode()
    assert judge_marker(ours, ours.sha256, ours.size) is None
    foreign = judge_marker(ours, "f" * 64, ours.size)
    assert foreign is not None
    assert CopyProblemKind.ANOTHER_RECORD == foreign.kind


@pytest.mark.parametrize(
    ("verified", "expected"),
    [
        pytest.param([], (0, 0, 6, 1), id="nothing"),
        pytest.param([1, 2, 4], (2, 3, 3, 3), id="with a hole"),
        pytest.param([1, 2, 3, 4, 5, 6], (6, 6, 0, None), id="everything"),
    ],
)
def test_how_far_a_copy_reaches(verified, expected):
    """It reaches to the last line before the first hole; everything verified is counted."""
    reach = reach_of({line.entry.seq: line for line in LINES}, frozenset(verified))

    assert expected == (reach.through, reach.runs, reach.pending, reach.pending_seq)
    assert (2 * len(verified), 20 * len(verified)) == (reach.copied.files, reach.copied.bytes)
