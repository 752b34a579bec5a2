"""Poll coverage: fifteen whole minutes, from history and from what this process watched."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mission_control.errors import StorageError
from mission_control.floor.coverage import watched_coverage
from mission_control.history.model import WatchedMinute
from tests.floor.floor_of_values import FLEET, MARKETDATA, NOW, STRATEGY

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)
THIS = NOW - timedelta(seconds=NOW.second, microseconds=NOW.microsecond)
REQUIRED = {a.agent_name for a in FLEET.agents if a.required and a.primary_path}


def minutes(first, last, asked=6, obtained=6):
    """Return watched minutes, counted back from this one."""
    counts = dict.fromkeys(REQUIRED, (asked, obtained))
    return [WatchedMinute(THIS - n * MINUTE, counts) for n in range(first, last - 1, -1)]


class Watched:
    """A memory, or a history, of these minutes."""

    def __init__(self, held, *, broken=False):
        """Hold these minutes; a broken one cannot be read."""
        self.held, self.broken = held, broken

    def recent_minutes(self):
        """Return all of them."""
        return self.held

    async def minutes(self, since, until):
        """Return those between."""
        if self.broken:
            raise StorageError("it is gone", path="history")
        return [m for m in self.held if since <= m.minute < until]


def watched(held: Any, *, broken: bool = False) -> Any:
    """Return a memory, or a history, of these minutes."""
    return Watched(held, broken=broken)


@pytest.mark.parametrize(
    ("own", "kept", "seconds", "asked"),
    [
        pytest.param(minutes(15, 0), [], 900, 96, id="watched by this process"),
        pytest.param(minutes(3, 0), minutes(15, 4), 900, 96, id="restarted in between"),
        pytest.param(minutes(15, 0), minutes(15, 0), 900, 96, id="counted once, not twice"),
        pytest.param(minutes(4, 0), [], 240, 30, id="just started"),
        pytest.param(minutes(15, 10) + minutes(8, 0), [], 840, 90, id="a minute is missing"),
        pytest.param(minutes(40, 20), [], 0, 0, id="long ago is not lately"),
        pytest.param([], [], 0, 0, id="not watched"),
        pytest.param(minutes(-1, -3), [], 0, 0, id="watched by a clock that ran ahead"),
        pytest.param(minutes(15, 0, 5, 5), [], 900, 80, id="a round less than fits into a minute"),
        pytest.param(minutes(15, 0, 2, 2), [], 450, 32, id="half of each minute"),
    ],
)
async def test_whole_minutes_are_counted(own, kept, seconds, asked):
    """What counts are the 15 whole minutes before this one, and this one so far."""
    coverage = await watched_coverage(FLEET, watched(own), watched(kept), NOW)
    by_name = {name: (a, o) for name, a, o in coverage.agents}

    assert (seconds, 900) == (coverage.seconds, coverage.wanted_seconds)
    assert set(by_name) == REQUIRED
    assert (asked, asked) == by_name[MARKETDATA.agent_name]


async def test_what_was_not_obtained_is_told_apart():
    """Rounds that brought nothing are asked and not obtained."""
    coverage = await watched_coverage(
        FLEET, watched(minutes(15, 0, asked=6, obtained=4)), watched([]), NOW
    )

    assert (96, 64) == next((a, o) for n, a, o in coverage.agents if n == STRATEGY.agent_name)


async def test_a_history_that_cannot_be_read_counts_for_nothing():
    """Only what this process watched itself is left, and that is less."""
    broken = watched(minutes(15, 4), broken=True)
    coverage = await watched_coverage(FLEET, watched(minutes(3, 0)), broken, NOW)

    assert 180 == coverage.seconds


async def test_time_in_which_nothing_was_decided_was_not_watched():
    """A process that is stopped for 43 s of a minute covers 17 s of it, whatever it counted."""
    held = minutes(15, 0)
    spans = [
        tuple((m.minute + timedelta(seconds=b), m.minute + timedelta(seconds=e)) for b, e in told)
        for m, told in zip(held, [((0, 10), (53, 59.5))] + [((0.5, 59.5),)] * 15, strict=True)
    ]
    stopped = [replace(m, decided=told) for m, told in zip(held, spans, strict=True)]

    coverage = await watched_coverage(FLEET, watched(stopped), watched([]), NOW)

    assert 900 - 43 == round(coverage.seconds)


@pytest.mark.parametrize("first", [0.0, 0.4, 2.9])
async def test_minutes_whose_first_decision_comes_a_little_later_are_whole(first):
    """Decisions do not begin with minutes: a watch without a stall misses nothing of the first."""
    whole = [
        replace(m, decided=((m.minute + timedelta(seconds=first), m.minute + MINUTE),))
        for m in minutes(15, 0)
    ]
    late = whole[0].minute + timedelta(seconds=20)
    begun = [replace(whole[0], decided=((late, late + MINUTE),)), *whole[1:]]

    told = [await watched_coverage(FLEET, watched(m), watched([]), NOW) for m in (whole, begun)]

    assert [900, 880] == [c.seconds for c in told]
