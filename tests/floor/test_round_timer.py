"""Jobs: when a round begins: on its cadence, or at once when hurried."""

import asyncio

import pytest

from mission_control.floor.watch import RoundTimer

pytestmark = pytest.mark.anyio
LONG = 60.0


def now():
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


async def test_a_round_waits_for_its_time():
    """Without any hurry the round begins when it is due, and not before."""
    due = now() + 0.05

    assert not await RoundTimer().wait_until(due)
    assert now() >= due


async def test_a_hurry_begins_the_round_at_once():
    """A wait ends with a hurry, and says so."""
    timer = RoundTimer()
    asyncio.get_running_loop().call_later(0.01, timer.hurry)

    async with asyncio.timeout(LONG / 2):
        assert await timer.wait_until(now() + LONG)


async def test_a_hurry_during_a_round_counts_for_the_next_wait():
    """What hurries us while we are asking may be news that this round does not bring."""
    timer = RoundTimer()
    timer.hurry()

    async with asyncio.timeout(LONG / 2):
        assert await timer.wait_until(now() + LONG)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await timer.wait_until(now() + LONG)


async def test_hurrying_rests_where_it_was_for_nothing():
    """A service that closes idle connections and is well is not hurried to for a while."""
    timer = RoundTimer()
    timer.rest_until(now() + LONG)
    timer.rest_until(now())  # a shorter rest ends no longer one
    timer.hurry()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await timer.wait_until(now() + LONG)


async def test_a_round_that_is_late_begins_at_once():
    """A round that is due already waits for nothing."""
    async with asyncio.timeout(LONG / 2):
        assert not await RoundTimer().wait_until(now() - 1)
