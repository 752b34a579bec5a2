"""Record, durable copy: a call that hangs is left in time, and joined by no other."""

import asyncio
import subprocess
import sys
import threading

import pytest

from mission_control.durable_copy.patience import PatientThread
from mission_control.errors import StorageError

pytestmark = pytest.mark.anyio
LONG = 60


def calls_under_way():
    """Count the threads of calls that have not come back."""
    return sum(t.name == "durable-copy" for t in threading.enumerate())


async def all_are_back():
    """Wait until no call is under way."""
    async with asyncio.timeout(LONG):
        while calls_under_way():  # noqa: ASYNC110  (a thread that ends sends no event)
            await asyncio.sleep(0.01)


async def test_what_a_call_gives_or_raises_comes_back():
    """A call's value is given and its error is raised, one call after the other."""
    thread = PatientThread("/mnt/copy")

    assert [0, 1, 2] == [await thread.call(lambda n=n: n, LONG) for n in range(3)]
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0, LONG)
    assert 3 == await thread.call(lambda: 3, LONG)


async def test_a_call_that_hangs_is_left_and_joined_by_none():
    """After its deadline it is a StorageError; until it comes back nothing else is begun."""
    thread, back = PatientThread("/mnt/copy"), threading.Event()
    with pytest.raises(StorageError, match=r"/mnt/copy: no answer within 0\.1 s"):
        await thread.call(back.wait, 0.1)
    for _ in range(3):
        with pytest.raises(StorageError, match="has not come back yet"):
            await thread.call(lambda: 1, LONG)

    assert 1 == calls_under_way()
    back.set()
    await all_are_back()
    assert 1 == await thread.call(lambda: 1, LONG)


async def test_an_error_that_comes_too_late_disturbs_nothing():
    """What a call raises after it was left is retrieved, and warns of nothing."""
    thread, back = PatientThread("/mnt/copy"), threading.Event()

    def fail_late():
        back.wait()
        raise OSError(5, "Input/output error")

    with pytest.raises(StorageError):
        await thread.call(fail_late, 0.05)
    back.set()
    await all_are_back()

    assert 1 == await thread.call(lambda: 1, LONG)


HANGING = """
import asyncio, sys, threading
sys.path.insert(0, sys.argv[1])
from mission_control.errors import StorageError
from mission_control.durable_copy.patience import PatientThread
try:
    asyncio.run(PatientThread("mount").call(threading.Event().wait, 0.1))
except StorageError as error:
    print(error)
"""


def test_a_call_that_never_comes_back_holds_no_process_up():
    """A process with a call that hangs for ever still ends."""
    command = [sys.executable, "-c", HANGING, "."]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONG)

    assert "no answer within 0.1 s" in done.stdout
    assert "" == done.stderr
