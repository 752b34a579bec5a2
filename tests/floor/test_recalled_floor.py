"""Jobs: an alarm from before the start is cleared by an event too, and is never raised twice."""

import time
from datetime import timedelta
from typing import Any, cast

import pytest

from mission_control.floor.board import FloorBoard
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.floor.observe import FloorSources, first_snapshot
from mission_control.floor.watch import FloorWatch
from mission_control.history.remember import FloorMemory
from mission_control.model.event import EventType
from mission_control.model.fleet import Fleet
from tests.api.paper_floor import PaperCalendar
from tests.floor.floor_of_values import FLEET, NOW, STRATEGY, FloorOfValues, session_at
from tests.history.test_remember_floor import Shelf

WITHOUT = Fleet(tuple(a for a in FLEET.agents if a != STRATEGY), "4" * 64, "fleet.yaml")
EXECUTES = "agent_identity.agent_mode", "EXECUTE"
STALE = "marketdata.is_fresh", False
ENDED = EventType.ALARM_ENDED


class Calendar(PaperCalendar):
    """The calendar of the test floor."""

    def session_at(self, now):
        """Tell the one session."""
        return session_at(now)


@pytest.mark.parametrize("late", [False, True], ids=["known at the start", "known later"])
@pytest.mark.parametrize(
    ("fleet", "field", "value", "ended"),
    [
        pytest.param(FLEET, *EXECUTES, [], id="it stays latched"),
        pytest.param(WITHOUT, *EXECUTES, [], id="a P0 stays though its source is unlisted"),
        pytest.param(WITHOUT, *STALE, [ENDED], id="who made it is no longer listed"),
    ],
)
def test_an_alarm_from_before_the_start_is_told_where_it_ends(fleet, field, value, ended, late):
    """History hears the end of what it told opened, though this process never held it."""
    floor = FloorOfValues()
    floor.say(STRATEGY, field, value)
    earlier = floor.decide().latched
    shelf: Any = Shelf()
    shelf.latched = earlier
    nothing = cast("Any", None)  # nothing is asked
    sources = FloorSources(nothing, nothing, Calendar(), lambda: NOW, memory=FloorMemory(shelf))
    first = first_snapshot(fleet, sources, "", NOTHING_LATCHED if late else earlier)
    board = FloorBoard(first, lambda: NOW, time.monotonic)
    FloorWatch(fleet, sources, board).publish()
    alarms = (EventType.ALARM_OPENED, ENDED)
    told = [e.type for e in shelf.records[0].events if e.type in alarms]

    assert ended == told


def test_the_watch_tells_a_stall_of_ours_once_and_no_recovery():
    """What is decided after it is compared with what was decided before, not with the stall."""
    passed, now = [0.0], [NOW]
    nothing = cast("Any", None)  # nothing is asked
    shelf: Any = Shelf()
    sources = FloorSources(nothing, nothing, Calendar(), lambda: now[0], memory=FloorMemory(shelf))
    board = FloorBoard(first_snapshot(FLEET, sources, ""), lambda: now[0], lambda: passed[0])
    watch = FloorWatch(FLEET, sources, board)
    watch.publish()
    before = len(board.recent_events(500))
    passed[0], now[0] = 6.0, NOW + timedelta(seconds=6)
    halting = {r.code for r in board.current().posture.reasons}
    watch.publish()
    told = [e.type for e in board.recent_events(500)[: len(board.recent_events(500)) - before]]

    assert "POLL_LOOP_STALLED" in halting
    assert [EventType.STALLED] == told
