"""Processes: what fails in a thread is raised where it is awaited, and freed with its error."""

import asyncio
import gc

import pytest

from mission_control.processes.own_process import DaemonThreads, DaemonWork

pytestmark = pytest.mark.anyio
TIMES = 8


class SpoiltError(Exception):
    """What the work raises."""


def spoilt() -> None:
    """Fail."""
    raise SpoiltError


def left() -> int:
    """Count the errors that are still there."""
    return sum(isinstance(each, SpoiltError) for each in gc.get_objects())


@pytest.mark.parametrize("asks", ["to_thread", "daemon work"])
async def test_errors_of_threads_are_freed_at_once(asks):
    """No error of a thread is kept by the frames that it was raised through."""
    loop, work = asyncio.get_running_loop(), DaemonWork[int, None]("spoilt", 4)
    threads = DaemonThreads()
    gc.collect()
    gc.disable()
    try:
        for key in range(TIMES):
            asked = (
                loop.run_in_executor(threads, spoilt)
                if asks == "to_thread"
                else work.ask(key, spoilt)
            )
            with pytest.raises(SpoiltError):
                await asked
            del asked
        await asyncio.sleep(0.1)  # the threads end

        assert left() <= 1  # pytest holds the newest
    finally:
        gc.enable()
