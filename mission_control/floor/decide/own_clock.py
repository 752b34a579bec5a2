"""Whether our own clock can be trusted, by the clocks of the services that answered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    FROZEN_AFTER_SECONDS,
    Statement,
    answered,
    seconds_between,
)
from mission_control.model.codes import OWN_CLOCK_SUSPECT
from mission_control.model.fleet import Agent, ContractKind
from mission_control.model.reading import NOTHING_TOLD, EndpointReading, PathPast, Seen

SUBJECT = "own-clock"
FEWEST_STATUSES = 2
"""The status time of a single service may be its own mistake."""


class ClockTold(NamedTuple):
    """
    What one agent says of our clock; each counts once.

    `date` is the median skew of its `Date` headers in seconds, its clock minus ours; `status` that
    of its status where it sends no `Date`. It is `silent` where it is asked and did not answer,
    and `vague` where its status should have a time and has none.
    """

    date: float | None = None
    status: float | None = None
    silent: bool = False
    vague: bool = False


def tell_clock(
    agent: Agent, readings: Mapping[str, EndpointReading], past: Mapping[str, PathPast]
) -> ClockTold:
    """Return what an agent's current readings say of our clock."""
    skews = [r.exchange.date_skew for r in readings.values() if r.exchange.date_skew is not None]
    if skews:
        return ClockTold(skews[0] if len(skews) == 1 else median(skews))
    asked = agent.contract is not ContractKind.NONE
    silent = asked and not any(answered(r) for r in readings.values())
    told = (_status_skew(r, past.get(p, NOTHING_TOLD)) for p, r in readings.items())
    status = next((skew for skew in told if skew is not None), None)
    vague = status is None and agent.contract is ContractKind.RICH
    return ClockTold(None, status, silent, vague)


def _status_skew(reading: EndpointReading, past: PathPast) -> float | None:
    """
    Return how far a status's time is from ours; None where it proves nothing.

    A status may be up to a minute old, so one from the last minute is no clock. One that is
    further behind is one only while it advances as time does: a frozen one is no clock.
    """
    if not isinstance(reading, Seen) or not isinstance(reading.value.status, RichStatus):
        return None
    skew = seconds_between(reading.at, reading.value.status.status.last_updated_utc)
    if skew >= -AHEAD_TOLERANCE_SECONDS:
        return skew
    return skew if skew < -FROZEN_AFTER_SECONDS and past.advances else None


@dataclass(slots=True)
class ClockCount:
    """How many agents tell something of our clock, and how many of them agree with it."""

    dates: int = 0
    dates_agreeing: int = 0
    statuses: int = 0
    statuses_agreeing: int = 0
    silent: int = 0
    vague: int = 0

    def count(self, told: ClockTold, by: int = 1) -> None:
        """Count what an agent tells; `by` -1 takes it back."""
        self.silent += by * told.silent
        self.vague += by * told.vague
        if told.date is not None:
            self.dates += by
            self.dates_agreeing += by * _agrees(told.date)
        if told.status is not None:
            self.statuses += by
            self.statuses_agreeing += by * _agrees(told.status)

    @property
    def dates_agree(self) -> bool:
        """Return whether more than half agree, so that their median does whatever others say."""
        return self.dates_agreeing * 2 > self.dates

    @property
    def statuses_agree(self) -> bool:
        """Return whether every status agrees; those that do not may be left out of the count."""
        return 0 < self.statuses == self.statuses_agreeing


def count_clocks(told: Iterable[ClockTold]) -> ClockCount:
    """Count what all agents tell of our clock."""
    counted = ClockCount()
    for each in told:
        counted.count(each)
    return counted


def _agrees(skew: float) -> bool:
    return abs(skew) <= AHEAD_TOLERANCE_SECONDS


def state_own_clock(told: Iterable[ClockTold], counted: ClockCount) -> Iterator[Statement]:
    """
    Return what the services' `Date` headers, and the times of statuses, state about our clock.

    A median skew above 5 s raises an alarm (docs/semantics.md#2). A good median denies it, once
    those that agree are more than half of all that should say: otherwise silence alone could make
    the median a better one. `counted` is the count of what is `told`, which is gone through only
    where that count leaves it open.
    """
    every = () if counted.dates_agree and counted.statuses_agree else tuple(told)
    should_tell = counted.dates + counted.silent
    if counted.dates_agree:
        yield from _deny("date", counted.dates_agreeing, should_tell)
    else:
        yield from _state("date", [t.date for t in every if t.date is not None], should_tell)
    should_tell = counted.statuses + counted.vague
    if counted.statuses_agree:
        if counted.statuses >= FEWEST_STATUSES:
            yield from _deny("status", counted.statuses, should_tell)
        return
    statuses = _alike([t.status for t in every if t.status is not None])
    if len(statuses) >= FEWEST_STATUSES:
        yield from _state("status", statuses, should_tell)


def _deny(fact: str, agreeing: int, should_tell: int) -> Iterator[Statement]:
    if agreeing * 2 > should_tell:
        yield Statement(OWN_CLOCK_SUSPECT, SUBJECT, SUBJECT, fact, raises=False)


def _alike(skews: Sequence[float]) -> Sequence[float]:
    """Leave out statuses that are behind by an offset of their own: they replay the past."""
    behind = sorted(s for s in skews if s < -AHEAD_TOLERANCE_SECONDS)
    pairs = [p for p in pairwise(behind) if p[1] - p[0] <= AHEAD_TOLERANCE_SECONDS]
    like = {skew for pair in pairs for skew in pair}
    return [s for s in skews if s >= -AHEAD_TOLERANCE_SECONDS or s in like]


def _state(fact: str, skews: Sequence[float], should_tell: int) -> Iterator[Statement]:
    if not skews:
        return
    middle = median(skews)
    agreeing = sum(_agrees(s) for s in skews)
    suspect = not _agrees(middle)
    if suspect or agreeing * 2 > should_tell:
        what = "clocks" if fact == "date" else "statuses' times"
        number = f"(median of {len(skews)})"
        detail = f"the services' {what} differ from ours by {middle:+.1f} s {number}"
        yield Statement(OWN_CLOCK_SUSPECT, SUBJECT, SUBJECT, fact, suspect, detail)
