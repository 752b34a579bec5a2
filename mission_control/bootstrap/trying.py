"""Settings become the present or the recorded past, to be decided with something changed."""

import time
from datetime import datetime

from mission_control.bootstrap.connect import reading
from mission_control.bootstrap.jobs import history_to_read
from mission_control.configuration.settings import Settings
from mission_control.floor.board import FloorBoard
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence
from mission_control.history.past_floor import NotWatched, PastFloor
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.clock import Clock
from mission_control.what_if.model import ChangesAsked, WhatIf
from mission_control.what_if.run import try_past, try_present

NO_HISTORY = NotWatched("below this root no server ever kept a history")


async def try_now(settings: Settings, clock: Clock, asked: ChangesAsked) -> WhatIf:
    """Ask every service once, and decide the floor as it is and with these changes."""
    async with reading(settings, clock) as edges:
        await edges.find_cluster()
        return await try_present(settings.fleet, edges.sources, asked)


async def try_then(
    settings: Settings, clock: Clock, at: datetime, asked: ChangesAsked
) -> WhatIf | NotWatched:
    """Decide the recorded floor of an instant as it was and with these changes."""
    calendar = MarketCalendar(settings.closures)
    with history_to_read(settings) as history:
        if history is None:
            return NO_HISTORY
        nothing = FloorEvidence(settings.fleet, {})
        first = decide_floor(nothing, NOTHING_LATCHED, calendar.session_at, clock())
        board = FloorBoard(first, clock, time.monotonic)
        return await try_past(PastFloor(history, None, calendar, board), at, asked)
