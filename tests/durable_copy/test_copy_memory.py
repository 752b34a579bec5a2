"""Decide: what one run of copying found is told to the next, until it was read back equal."""

from dataclasses import replace

import pytest

from mission_control.durable_copy.decide import (
    FIRST_RUN,
    Turns,
    doubts_of,
    is_segment,
    merge,
    numbers_of,
    remember,
    segment_of,
    still_doubted,
)
from mission_control.durable_copy.model import (
    CopyMemory,
    CopyPlan,
    CopyProblem,
    CopyProblemKind,
    CopyReach,
    Tally,
)
from tests.durable_copy.ledger_of_values import file_of, ledger, lines

SEGMENT = segment_of(lines(ledger(3)))
CONFLICT = CopyProblem("a", CopyProblemKind.CONFLICT, "other bytes")
UNREAD = CopyProblem("a", CopyProblemKind.NOT_COPIED, "no answer")
PLAN = CopyPlan(frozenset({1, 2, 3}), (), reread=(file_of("a"), file_of("b")), segments=(SEGMENT,))


def test_what_is_in_doubt_comes_first_then_what_waited_longest():
    """In doubt, never proven, overdue, due today; the rest is left alone."""
    turns = Turns([CONFLICT], {SEGMENT.file.path}, ["c", "b"])

    assert [(0, 0), (1, 1), (1, 0), (2, 0), None, (2, 0), (0, 0)] == [
        turns.of("a", due=False),
        turns.of("b", due=True),
        turns.of("c", due=False),
        turns.of("d", due=True),
        turns.of("d", due=False),
        turns.of(SEGMENT.file.path, due=True),
        turns.of(SEGMENT.file.path.replace("1-", "2-"), due=False),
    ]


def test_a_doubtful_segment_that_was_taken_away_is_doubted_no_more():
    """Files stay in doubt whether or not they are there; a segment only as long as it is."""
    segment = replace(CONFLICT, path=SEGMENT.file.path)
    before = CopyMemory(doubts=(CONFLICT, segment))

    assert (CONFLICT,) == doubts_of(before, {}, ())
    assert (CONFLICT, segment) == doubts_of(before, {SEGMENT.file.path: 1}, ())


def test_what_cannot_be_remembered_is_all_in_doubt():
    """Where an earlier run's memory is lost every covered file is, and what is known stays."""
    before = CopyMemory(doubts=(CONFLICT,), lost=True)
    doubts = doubts_of(before, {}, [file_of("a"), file_of("b")])

    assert [("a", "CONFLICT"), ("b", "NOT_COPIED")] == [(d.path, d.kind) for d in doubts]


@pytest.mark.parametrize(
    ("problems", "equal", "told"),
    [
        pytest.param([], set(), (CONFLICT,), id="not looked at"),
        pytest.param([], {"a"}, (), id="settled"),
        pytest.param([CONFLICT], set(), (), id="told already"),
        pytest.param([UNREAD], set(), (CONFLICT,), id="could not be read: the worse stays"),
    ],
)
def test_an_old_doubt_is_told_unless_this_run_settled_or_told_it(problems, equal, told):
    """What a run does not say of a doubt itself is said for it."""
    assert told == still_doubted([CONFLICT], problems, equal)


@pytest.mark.parametrize(
    ("doubts", "problems", "equal", "left"),
    [
        pytest.param((), [CONFLICT], set(), (CONFLICT,), id="found"),
        pytest.param((CONFLICT,), [], set(), (CONFLICT,), id="kept"),
        pytest.param((CONFLICT,), [], {"a"}, (), id="settled"),
        pytest.param((CONFLICT,), [UNREAD], set(), (CONFLICT,), id="worse stays"),
        pytest.param((UNREAD,), [CONFLICT], set(), (CONFLICT,), id="worse replaces"),
        pytest.param((), [UNREAD], set(), (UNREAD,), id="there, and cannot be read"),
        pytest.param((), [replace(UNREAD, path="z")], set(), (), id="never was there"),
        pytest.param((), [replace(CONFLICT, kind=CopyProblemKind.ALTERED_HERE)], set(), (),
                     id="a matter of ours"),
    ],
)  # fmt: skip
def test_a_doubt_lasts_until_its_file_was_read_back_equal(doubts, problems, equal, left):
    """Only reading back equal clears a doubt."""
    plan = replace(PLAN, doubts=doubts)

    assert left == remember(FIRST_RUN, plan, problems, equal, None).doubts


def test_what_was_not_reached_is_overdue_and_segments_are_proven_by_reading():
    """Files whose turn passed wait, in their order; a segment in doubt proves nothing."""
    path = SEGMENT.file.path
    reach = CopyReach(3, 3, Tally(), 0)
    memory = remember(FIRST_RUN, PLAN, [], {"a", path}, reach)
    doubted = remember(
        memory, replace(PLAN, proven=memory.proven), [replace(CONFLICT, path=path)], set(), None
    )

    assert (("b",), {path}, 3, 3) == (memory.overdue, memory.proven, memory.runs, memory.through)
    assert (("a", "b"), set(), 3) == (doubted.overdue, doubted.proven, doubted.runs)
    assert 3 == remember(memory, PLAN, [], (), replace(reach, runs=0)).runs


@pytest.mark.parametrize("plan", [None, replace(PLAN, refused=True)])
def test_a_run_that_could_not_look_leaves_what_was_known(plan):
    """Without a plan, or where nothing may be sent, nothing is learnt and nothing forgotten."""
    before = CopyMemory(3, 3, frozenset({SEGMENT.file.path}), (CONFLICT,), ("b",), lost=True)

    assert before == remember(before, plan, [UNREAD], {"a"}, None)


def test_a_doubt_of_either_of_two_runs_that_raced_is_one():
    """Neither knew of the other; what one found wrong is wrong, whatever the other proved."""
    path = SEGMENT.file.path
    newest = CopyMemory(3, 3, frozenset({path}), (UNREAD,), ("b",))
    raced = CopyMemory(doubts=(replace(CONFLICT, path=path),), lost=True)
    merged = merge(newest, raced)

    assert (frozenset(), ("a", path), ("b",), True) == (
        merged.proven,
        tuple(d.path for d in merged.doubts),
        merged.overdue,
        merged.lost,
    )


def test_a_segment_tells_its_numbers_by_its_name():
    """Names of segments are read, and others are none."""
    assert (1, 3, SEGMENT.file.path[-70:-6]) == numbers_of(SEGMENT.file.path)
    assert numbers_of("ledger/1.jsonl") is None
    assert [True, False] == [is_segment(SEGMENT.file.path), is_segment("ledger/1.jsonl")]
