"""A stream of a child: whole to its end, or known not to be; and nothing is left of it."""

import asyncio
import os

import pytest

from mission_control.processes import streaming_child
from mission_control.processes.streaming_child import StreamBrokenError, StreamingChild
from tests.processes.conftest import ROOT
from tests.processes.test_child_process import is_there, until

pytestmark = pytest.mark.anyio
CHILD = StreamingChild("tests.processes.a_stream", {"PYTHONPATH": ROOT}, nice=3)


async def test_a_stream_comes_whole_whatever_is_printed():
    """R12.38: All of it, in pieces of a bounded size."""
    pieces = [piece async for piece in CHILD.stream("whole")]
    printed = [piece async for piece in CHILD.stream("prints")]

    assert 1_000_000 == sum(map(len, pieces[1:]))
    assert max(map(len, pieces)) <= streaming_child.PIECE
    assert 1 == len(printed)


@pytest.mark.parametrize("setup", ["dies", "fails"])
async def test_a_stream_that_breaks_off_is_never_taken_for_whole(setup):
    """R12.38: What was read before is no whole."""
    with pytest.raises(StreamBrokenError):
        async for _ in CHILD.stream(setup):
            pass


async def test_a_stream_that_hangs_is_ended(monkeypatch):
    """R12.38: It says nothing for long: it has hung."""
    stream = CHILD.stream("hangs")
    pid = int(await anext(stream))
    monkeypatch.setattr(streaming_child, "SILENT_SECONDS", 0.2)

    with pytest.raises(StreamBrokenError):
        await anext(stream)

    await until(lambda: not is_there(pid))


async def test_who_stops_reading_ends_the_child():
    """R12.38: Nothing goes on for a reader that is gone, also one that is cancelled."""
    stream = CHILD.stream("endless")
    pid = int(await anext(stream))
    await anext(stream)
    assert is_there(pid)
    await stream.aclose()
    await until(lambda: not is_there(pid))

    first = asyncio.get_running_loop().create_future()

    async def read():
        async for piece in CHILD.stream("endless"):
            if not first.done():
                first.set_result(int(piece))

    reading = asyncio.create_task(read())
    pid = await first
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await until(lambda: not is_there(pid))


async def test_a_child_that_cannot_be_started_is_a_stream_that_broke(monkeypatch):
    """R12.38: There is a reason, and no exception of the system."""
    monkeypatch.setattr("sys.executable", os.devnull)

    with pytest.raises(StreamBrokenError):
        await anext(CHILD.stream("whole"))
