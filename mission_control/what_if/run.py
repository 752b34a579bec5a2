"""The present or a past floor, decided with something changed; nothing of it is recorded."""

from datetime import datetime
from typing import TYPE_CHECKING

from mission_control.floor.model import NOTHING_LATCHED
from mission_control.floor.observe import FloorSources, gather_once
from mission_control.history.past_floor import NotWatched
from mission_control.model.fleet import Fleet
from mission_control.what_if.decide import decide_what_if
from mission_control.what_if.model import ChangesAsked, WhatIf

if TYPE_CHECKING:
    from mission_control.history.past_floor import PastFloor


async def try_present(fleet: Fleet, sources: FloorSources, asked: ChangesAsked) -> WhatIf:
    """Ask everything once, as `status` does, and decide it as it is and with the changes."""
    evidence, session_at = await gather_once(fleet, sources), sources.calendar.session_at
    return decide_what_if(evidence, NOTHING_LATCHED, session_at, sources.clock(), asked)


async def try_past(past: "PastFloor", at: datetime, asked: ChangesAsked) -> WhatIf | NotWatched:
    """Decide what was decided from at `at` again, as it was and with the changes."""
    decision = await past.in_force_at(at)
    if isinstance(decision, NotWatched):
        return decision
    session_at = past.calendar.session_at
    return decide_what_if(decision.evidence, decision.latched, session_at, decision.at, asked)
