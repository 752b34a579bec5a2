"""One day of a simulated floor, played at speed by the real jobs, and what was said on it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mission_control.bootstrap.turned_floor import Tell, TurnedFloor, turned, turned_floor
from mission_control.market_calendar.days import instant_of
from mission_control.processes import own_process as process
from mission_control.records.verification import verify
from mission_control.simulation.days import DAYS, PlayedDay


def rehearsal_days() -> Sequence[PlayedDay]:
    """List the days that can be played."""
    return DAYS


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said, and when by the day's clock."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """
    What was said on a day, in its order, and what became of its runs: job to outcomes.

    `missing` is what should have been said and was not; `intact` that the record verifies.
    """

    day: PlayedDay
    said: tuple[Said, ...]
    runs: Mapping[str, Mapping[str, int]]
    missing: tuple[str, ...]
    intact: bool

    @property
    def as_it_should(self) -> bool:
        """Return whether all was said that such a day needs, and is recorded whole."""
        return self.intact and not self.missing


def rehearse(day: PlayedDay, tell: Tell, speed: float | None = None) -> Rehearsed:
    """
    Play a day from its beginning to its end, on a floor and in a root of its own.

    `tell` is told what is said as it is said; `speed` is how much faster than real the day passes
    at most, None for as fast as it can be judged.
    """
    log = logging.getLogger("mission_control")
    before = log.level
    log.setLevel(logging.ERROR)  # what pages is told, and need not be warned of as well
    try:
        return process.run(_rehearse(day, tell, speed))
    finally:
        log.setLevel(before)


async def _rehearse(day: PlayedDay, tell: Tell, speed: float | None) -> Rehearsed:
    said = list[Said]()

    def hear(at: datetime, text: str) -> None:
        said.append(Said(at, text))
        tell(at, text)

    with turned_floor(day) as (floor, passed):
        async with turned(floor, passed, hear, speed) as watched:
            await watched.live(day)
            runs = await _outcomes(watched, day)
        intact = await asyncio.to_thread(verify, Path(floor.settings.root))
    return Rehearsed(day, tuple(said), runs, unsaid(day.says, said), intact.intact)


def unsaid(wanted: Sequence[str], said: Sequence[Said]) -> tuple[str, ...]:
    """Return what was not said, or not in this order: each piece after the one before it."""
    texts, missing, at = [s.text for s in said], list[str](), 0
    for piece in wanted:
        found = next((n for n in range(at, len(texts)) if piece in texts[n]), None)
        if found is None:
            missing.append(piece)
        else:
            at = found + 1
    return tuple(missing)


async def _outcomes(watched: TurnedFloor, day: PlayedDay) -> Mapping[str, Mapping[str, int]]:
    """Count how the runs of the day ended; one that had not begun by its end is left out."""
    counted = dict[str, Counter[str]]()
    for state in (await watched.parts.day.view()).states:
        if state.outcome is not None and state.run.planned_at <= instant_of(day.on, day.ends):
            counted.setdefault(str(state.run.job), Counter())[state.outcome.value] += 1
    return counted
