"""Log tails within our own bundles: each log line once, whatever tails it stands in."""

import json

from mission_control.replay.model import Skip
from mission_control.replay.tails import WHOLE_TAIL
from tests.replay.logs import adds_up, event, order, read, shown, wrapped, write

ROOT = "audit_artifacts/ops_runs"
FIRST, SECOND, THIRD = (f"{ROOT}/20261118T{hour}0000Z_pre_market" for hour in ("14", "15", "21"))
HEADING = "==> floor strategy-1/main <=="
LOG = [event(second=n % 60, trace_id=f"t-{n}") for n in range(WHOLE_TAIL * 2)]


def tail(folder, bundle, *parts):
    """Write a bundle's file of tails."""
    return write(folder, f"{bundle}/logs.strategy.txt", *parts)


def test_overlapping_tails_count_once(tmp_path):
    """The later tail's first lines are those that the earlier one ends with (R12.19)."""
    tail(tmp_path, FIRST, HEADING, *LOG[:150])
    tail(tmp_path, SECOND, HEADING, *LOG[100:300])
    replay = read(tmp_path)

    assert (300, 300) == (replay.counts.events, len(shown(replay)))
    assert {Skip.HEADING: 2, Skip.OVERLAP: 50} == replay.counts.skipped
    assert adds_up(replay.counts)
    assert [(True, False), (True, False)] == [(s.tail, s.gap_before) for s in replay.sources]
    assert {152, 201} == {e.line + 50 for e in replay.events() if e.trace_id in {"t-100", "t-149"}}


def test_repeats_within_a_tail_stay(tmp_path):
    """Equal lines of one log are repeats, and are told apart from overlapping (R12.19)."""
    tail(tmp_path, FIRST, HEADING, event(), event(), wrapped("x"))
    tail(tmp_path, SECOND, HEADING, event(), wrapped("x"), event())
    replay = read(tmp_path)
    (found,) = shown(replay)

    assert (3, 3) == (replay.counts.events, found.repeated)
    assert 2 == replay.counts.skipped[Skip.OVERLAP]


def test_tails_that_do_not_meet_have_a_gap(tmp_path):
    """What stood between them was never seen; a tail of fewer lines is the whole log."""
    tail(tmp_path, FIRST, HEADING, *LOG[:10])
    tail(tmp_path, SECOND, HEADING, *LOG[100 : 100 + WHOLE_TAIL], "", "==> floor other-1/main <==")
    tail(tmp_path, THIRD, HEADING, *LOG[350:360])
    replay = read(tmp_path)

    assert [False, False, True, False] == [s.gap_before for s in replay.sources]
    assert any("missing before 1" in reason for reason in replay.answer.reasons)


def test_a_log_goes_on_as_the_one_before_a_restart(tmp_path):
    """What was the log of a container is that of the previous one after its restart."""
    previous = "==> floor strategy-1/main (previous) <=="
    tail(tmp_path, FIRST, HEADING, *LOG[:10])
    tail(tmp_path, SECOND, HEADING, *LOG[50:55], "", previous, *LOG[5:20])
    replay = read(tmp_path)

    assert (25, 5) == (replay.counts.events, replay.counts.skipped[Skip.OVERLAP])
    assert any(s.label.endswith("strategy-1/main (previous)") for s in replay.sources)


def test_tails_are_compared_in_the_order_of_their_bundles(tmp_path):
    """However the folders were named, and in whatever order."""
    later = tail(tmp_path, f"a/{SECOND}", HEADING, *LOG[5:20])
    earlier = tail(tmp_path, f"b/{FIRST}", HEADING, *LOG[:10])

    assert 5 == read(later, earlier).counts.skipped[Skip.OVERLAP]


def test_of_our_own_record_only_tails_are_read(tmp_path):
    """Reports and recorded replays tell of events, and are no logs; how many there are is told."""
    tail(tmp_path, FIRST, HEADING, event())
    write(tmp_path, f"{FIRST}/posture.json", order("broker_placed"))
    write(tmp_path, "audit_artifacts/replays/20261118T150000Z_replay.json", order("broker_placed"))
    write(tmp_path, "elsewhere/run.json", order("broker_placed"))
    replay = read(tmp_path)

    assert (1, 0) == (replay.counts.events, replay.answer.exit_code)
    assert any("3 files of our own record" in reason for reason in replay.answer.reasons)


def test_very_long_tails_and_lines_are_read_all_the_same(tmp_path):
    """They come in parts; every line is counted."""
    long = json.dumps(order("broker_placed", component="z" * (3 << 20)))
    tail(tmp_path, FIRST, *LOG[:3], HEADING, *LOG * 3, long, event())
    replay = read(tmp_path)

    assert (1_204, 1_206) == (replay.counts.events, replay.counts.lines)
    assert {Skip.HEADING: 1, Skip.TOO_LONG: 1} == replay.counts.skipped
    assert (1, True) == (replay.counts.suspicions, adds_up(replay.counts))


def test_a_packed_tail_that_breaks_off_says_so(tmp_path):
    """As any other source."""
    path = tail(tmp_path, FIRST, HEADING, event())
    packed = write(tmp_path, f"{SECOND}/logs.strategy.txt.gz", HEADING, *LOG)
    packed.write_bytes(packed.read_bytes()[:-20])
    replay = read(path, packed)

    assert 1 == replay.answer.exit_code
    assert [str(packed)] == [s.label for s in replay.sources if s.broke_off]
