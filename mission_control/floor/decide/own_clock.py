"""Whether our own clock can be trusted, by the clocks of the services that answered."""

from collections.abc import Iterator, Mapping, Sequence
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
        return ClockTold(date=median(skews))
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


def state_own_clock(told: Sequence[ClockTold]) -> Iterator[Statement]:
    """
    Return what the services' `Date` headers, and the times of statuses, state about our clock.

    A median skew above 5 s raises an alarm (docs/semantics.md#2). A good median denies it, once
    those that agree are more than half of all that should say: otherwise silence alone could make
    the median a better one.
    """
    dates = [t.date for t in told if t.date is not None]
    yield from _state("date", dates, len(dates) + sum(t.silent for t in told))
    every = [t.status for t in told if t.status is not None]
    statuses = _alike(every)
    if len(statuses) >= FEWEST_STATUSES:
        yield from _state("status", statuses, len(every) + sum(t.vague for t in told))


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
    agreeing = sum(abs(s) <= AHEAD_TOLERANCE_SECONDS for s in skews)
    suspect = abs(middle) > AHEAD_TOLERANCE_SECONDS
    if suspect or agreeing * 2 > should_tell:
        what = "clocks" if fact == "date" else "statuses' times"
        number = f"(median of {len(skews)})"
        detail = f"the services' {what} differ from ours by {middle:+.1f} s {number}"
        yield Statement(OWN_CLOCK_SUSPECT, SUBJECT, SUBJECT, fact, suspect, detail)
