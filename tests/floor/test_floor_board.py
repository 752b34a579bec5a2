"""Jobs: the board, which never shows an old verdict as a new one."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.board import REMEMBERED_EVENTS, FloorBoard
from mission_control.floor.decide.events import Happening, find_happenings
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity
from tests.floor.floor_of_values import NOW, FloorOfValues

pytestmark = pytest.mark.anyio


class Seconds:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        """Start at nought."""
        self.now = 0.0

    def __call__(self) -> float:
        """Say how many seconds have passed."""
        return self.now


@pytest.fixture
def seconds():
    """Return a monotonic clock in the test's hand."""
    return Seconds()


@pytest.fixture
def snapshot():
    """Return an OK snapshot."""
    return FloorOfValues().decide()


@pytest.fixture
def board(snapshot, seconds):
    """Return a board that shows the OK snapshot."""
    return FloorBoard(snapshot, lambda: NOW, seconds)


def happening(message):
    """Return something that happened."""
    return Happening(EventType.SERVICE_CHANGED, message)


async def test_a_beating_floor_is_shown_as_decided(board, snapshot, seconds):
    """While the loop beats, the newest snapshot is what is shown."""
    seconds.now = 3.0

    assert snapshot is board.current()
    assert not board.beat().stalled


async def test_a_stalled_floor_is_halted(board, seconds):
    """After three missed beats the last green verdict is shown as HALTED, and says why."""
    seconds.now = 3.1

    shown = board.current()

    assert Verdict.HALTED is shown.posture.verdict
    assert "POLL_LOOP_STALLED" == shown.posture.reasons[0].code
    assert None is shown.posture.evidence_age_seconds
    assert board.beat().stalled
    assert {("UNKNOWN", False)} == {(s.state.value, s.expected) for s in shown.services}
    assert "FRESH" not in {s.freshness.state.value for s in shown.services}
    assert not shown.kill_switch.confirmed


async def test_a_stall_is_a_snapshot_of_its_own(board, snapshot, seconds):
    """The stalled view has its own number, so that it is not taken for the one before."""
    seconds.now = 10.0

    assert snapshot.sequence + 1 == board.current().sequence
    assert board.current() is board.current()
    assert snapshot.sequence + 2 == board.next_sequence


async def test_a_beat_ends_the_stall(board, snapshot, seconds):
    """Publishing again ends the stall."""
    seconds.now = 10.0
    board.current()

    board.publish(replace(snapshot, sequence=board.next_sequence), ())

    assert Verdict.OK is board.current().posture.verdict


async def test_a_stall_that_is_over_is_one_event(board, snapshot, seconds):
    """It has both its ends, and what is compared afterwards is what was decided, not the stall."""
    first = board.publish(snapshot, ())
    seconds.now = 6.2
    stalled = board.current()
    later = replace(snapshot, at=NOW + timedelta(seconds=6.2), sequence=board.next_sequence)
    (told,) = board.publish(later, [*find_happenings(board.decided(), later)])
    seconds.now += 3.0

    assert (Verdict.HALTED, ()) == (stalled.posture.verdict, first)
    assert (EventType.STALLED, Severity.P1) == (told.type, told.severity)
    assert "from 10:15:00 to 10:15:06 EST (15:15:00 to 15:15:06 UTC), 6.2 s" in told.message
    assert (NOW.isoformat(), later.at.isoformat()) == (told.data["begin"], told.data["end"])
    assert () == board.publish(later, ())


async def test_before_the_first_decision_nothing_stalls(board, snapshot, seconds):
    """A start that takes its time is none: nothing was decided before it."""
    seconds.now = 10.0

    assert () == board.publish(snapshot, ())


async def test_events_are_newest_first_and_capped(board, snapshot):
    """Events are given newest first, as many as asked for, and only the newest are kept."""
    board.publish(snapshot, (happening(str(n)) for n in range(REMEMBERED_EVENTS + 7)))

    events = board.recent_events(REMEMBERED_EVENTS + 100)

    assert REMEMBERED_EVENTS == len(events)
    assert ["506", "505"] == [e.message for e in events[:2]]
    assert 3 == len(board.recent_events(3))


async def test_a_follower_gets_what_it_missed(board, snapshot):
    """Following after an identity gives the later events in order, and the newest snapshot."""
    board.publish(snapshot, [happening("one"), happening("two"), happening("three")])

    follower = board.follow(1)
    got = [await anext(follower) for _ in range(3)]
    await follower.aclose()

    assert isinstance(got[0], FloorSnapshot)
    assert ["two", "three"] == [e.message for e in got[1:] if isinstance(e, FloorEvent)]


async def test_followers_end_when_the_board_closes(board):
    """Closing the board ends every follower."""
    follower = board.follow(None)
    await anext(follower)

    board.close()

    assert [] == [item async for item in follower]


async def test_followers_are_woken_by_news(board, snapshot):
    """A follower that waits is given what happened as soon as it is published."""
    follower = board.follow(None)
    await anext(follower)
    waiting = asyncio.ensure_future(anext(follower))
    await asyncio.sleep(0)

    board.publish(snapshot, [happening("news")])
    woken = [await waiting, await anext(follower)]
    await follower.aclose()

    assert isinstance(woken[0], FloorSnapshot)
    assert ["news"] == [e.message for e in woken[1:] if isinstance(e, FloorEvent)]


def halted(snapshot, seconds, *, confirmed=True, since=0):
    """Return a HALTED snapshot so many seconds later."""
    at = NOW + timedelta(seconds=seconds)
    posture = replace(
        snapshot.posture,
        verdict=Verdict.HALTED,
        confirmed=confirmed,
        since=NOW + timedelta(seconds=since),
    )
    return replace(snapshot, at=at, posture=posture)


async def test_only_confirmed_halts_are_remembered(board, snapshot):
    """Each from its beginning, which may be before it was confirmed, to when it was seen last."""
    told = []
    for shown in (
        halted(snapshot, 1, confirmed=False, since=1),
        snapshot,
        halted(snapshot, 3, confirmed=False, since=3),
        halted(snapshot, 4, since=3),
        halted(snapshot, 5, since=3),
        snapshot,
        halted(snapshot, 9, since=9),
    ):
        board.publish(shown, ())
        told.append([[round((t - NOW).total_seconds()) for t in h] for h in board.watched()[1]])

    assert [[], [], [], [[3, 4]], [[3, 5]], [[3, 5]], [[3, 5], [9, 9]]] == told


def withheld(snapshot, seconds):
    """Return a snapshot that is not HALTED, on which something could start execution."""
    starts = Reason("EXECUTION_COULD_START", "x", Severity.P1, "it may", withholds=True)
    posture = replace(snapshot.posture, reasons=(starts,))
    return replace(snapshot, at=NOW + timedelta(seconds=seconds), posture=posture)


async def test_a_time_in_which_execution_could_start_takes_go_back(board, snapshot):
    """It is remembered from its beginning as a halt is, and not twice where the floor is HALTED."""
    calm = replace(snapshot, posture=replace(snapshot.posture, verdict=Verdict.OK, reasons=()))
    both = halted(withheld(calm, 0), 6, since=6)
    for shown in (calm, withheld(calm, 2), withheld(calm, 4), calm, withheld(calm, 5), both):
        board.publish(shown, ())

    assert [[2, 4], [5, 5], [6, 6]] == [
        [round((t - NOW).total_seconds()) for t in h] for h in board.watched()[1]
    ]


async def test_a_stall_is_a_confirmed_halt(board, seconds):
    """Nothing was decided: that is no silence that may be over in a second."""
    seconds.now = 3.5
    shown = board.current()

    assert shown.posture.confirmed
    assert ((shown.posture.since, shown.at),) == board.watched()[1]
