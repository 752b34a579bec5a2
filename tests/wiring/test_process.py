"""Process: threads that hang keep nothing from ending; what is being done is done."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from mission_control.processes import own_process as process
from mission_control.processes.own_process import MOST_THREADS, DaemonThreads
from tests.ports import PATIENCE_SECONDS

HANGS = """
import asyncio, os, sys, signal
from mission_control.processes import own_process as process
async def work():
    hung = asyncio.create_task(asyncio.to_thread(open, sys.argv[1]))
    wrote = asyncio.create_task(asyncio.to_thread(write))
    await asyncio.sleep(0.2)
    hung.cancel()
def write():
    import time
    time.sleep(1)
    open(sys.argv[2], "w").write("whole")
process.LINGER_SECONDS = float(sys.argv[3])
process.run(work())
"""


@pytest.mark.parametrize("linger", [0.5, 4])
def test_a_process_ends_although_a_thread_hangs(tmp_path, linger):
    """What can be done in the time that is left is done; what waits for ever is left behind."""
    os.mkfifo(tmp_path / "fifo")
    command = [sys.executable, "-c", HANGS, tmp_path / "fifo", tmp_path / "written", str(linger)]
    ended = subprocess.run(command, timeout=PATIENCE_SECONDS, check=False, capture_output=True)

    assert (0, b"") == (ended.returncode, ended.stderr)
    assert (tmp_path / "written").exists() is (linger > 1)


def test_answers_and_errors_come_back():
    """`asyncio.to_thread` works in these threads as it does in any."""

    async def work():
        names = await asyncio.to_thread(lambda: threading.current_thread().daemon)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        return names

    assert process.run(work())


def test_more_than_the_most_are_done_one_after_another():
    """No number of readers starts more threads than are granted, and none is forgotten."""
    pool, seen, most = DaemonThreads(), list[int](), list[int]()
    lock = threading.Lock()

    def work(number):
        with lock:
            most.append(pool._working)  # noqa: SLF001  (the number of threads is what is bounded)
        time.sleep(0.001)
        return number

    futures = [pool.submit(work, number) for number in range(5 * MOST_THREADS)]
    seen = [future.result(PATIENCE_SECONDS) for future in futures]
    pool.shutdown()

    assert [*range(5 * MOST_THREADS)] == seen
    assert max(most) <= MOST_THREADS
    assert 0 == pool._working  # noqa: SLF001  (the same)


def test_what_is_cancelled_before_its_turn_is_not_done():
    """Cancelled work that waits for a thread is passed over."""
    pool, gate, done = DaemonThreads(), threading.Event(), list[int]()
    blocking = [pool.submit(gate.wait) for _ in range(MOST_THREADS)]
    waiting = pool.submit(done.append, 1)
    assert waiting.cancel()
    gate.set()
    for each in blocking:
        each.result(PATIENCE_SECONDS)
    pool.shutdown()

    assert [] == done
