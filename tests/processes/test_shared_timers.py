"""Processes: timers that are due together fire together, and one that is cancelled does not."""

import asyncio

import pytest

from mission_control.processes.shared_timers import SharedTimers

pytestmark = pytest.mark.anyio


async def test_timers_due_together_fire_in_their_order_and_a_cancelled_one_does_not():
    """One timer of the loop fires all of an instant, but for what was cancelled before."""
    loop = asyncio.get_running_loop()
    timers, fired = SharedTimers(), list[str]()
    due = loop.time() + 0.02
    timers.call_at(due, lambda: fired.append("one"))
    timers.call_at(due, lambda: fired.append("cancelled")).clear()
    timers.call_at(due, lambda: fired.append("two"))
    timers.call_at(due + 0.02, lambda: fired.append("later"))

    await asyncio.sleep(0.03)
    assert ["one", "two"] == fired
    await asyncio.sleep(0.03)
    assert ["one", "two", "later"] == fired


@pytest.mark.parametrize("into_the_step", [0.0, 0.01, 0.04])
async def test_with_a_step_timers_fire_up_to_a_step_late_and_never_early(into_the_step):
    """The next multiple of the step is when they fire."""
    loop = asyncio.get_running_loop()
    timers, fired = SharedTimers(0.05), list[float]()
    due = loop.time() + 0.05 + into_the_step
    timers.call_at(due, lambda: fired.append(loop.time()))

    await asyncio.sleep(0.3)

    assert len(fired) == 1
    assert fired[0] >= due - 0.001
