"""Wiring: a whole Mission Control starts on a turned floor; a busy machine is no stall there."""

import asyncio

from mission_control.bootstrap.turned_floor import turned, turned_floor
from mission_control.model.event import EventType
from mission_control.simulation.days import RECORDED


def test_a_start_is_one_event_and_time_that_stands_still_is_no_stall(tmp_path):
    """R15.31, R15.23: by the floor's clock, however long the machine takes."""

    async def start():
        with turned_floor(RECORDED[0], tmp_path) as (floor, passed):
            async with turned(floor, passed, lambda _at, _line: None) as watched:
                await watched.step()
                board = watched.parts.board
                told = [e for e in board.recent_events(20) if e.type is not EventType.POLL]
                stands = board.beat()
                passed.seconds += 3.5
                return told[::-1], stands, board.beat()

    told, stands, passes = asyncio.run(start())

    assert [EventType.POSTURE_CHANGED, EventType.WATCHING_BEGAN] == [e.type for e in told]
    assert told[1].message.startswith("watching began: 9 services, all as expected; ")
    assert (0.0, False, True) == (stands.seconds_since_beat, stands.stalled, passes.stalled)
