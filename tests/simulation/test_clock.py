"""The simulated clock."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mission_control.simulation.clock import SimulatedClock

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=timezone(timedelta(hours=-5)))


def test_it_ticks_at_the_speed_of_its_counter_from_where_it_was_set():
    """The clock starts at the given instant, moves as its counter moves, and ticks on once set."""
    seconds = [100.0]
    clock = SimulatedClock(NOON, monotonic=lambda: seconds[0])
    seconds[0] = 107.5

    assert NOON + timedelta(seconds=7.5) == clock()

    clock.set(NOON - timedelta(days=1))
    seconds[0] = 108.5

    assert NOON - timedelta(days=1) + timedelta(seconds=1) == clock()


def test_it_shows_utc():
    """Whatever offset an instant is given in, the clock shows UTC."""
    assert UTC == SimulatedClock(NOON)().tzinfo


def test_left_alone_it_ticks_in_real_time():
    """Without a counter of its own the clock runs forward."""
    clock = SimulatedClock(NOON)

    assert clock() < clock() < NOON + timedelta(seconds=30)


def test_an_instant_without_offset_is_refused():
    """A naive instant would mean a different time on every machine, so it is refused."""
    with pytest.raises(ValueError, match="UTC offset"):
        SimulatedClock(NOON.replace(tzinfo=None))
