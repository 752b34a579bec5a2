"""A call that may hang for ever, waited for no longer than is sensible."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from mission_control.errors import StorageError

T = TypeVar("T")


class PatientThread:
    """
    Runs one call at a time in a thread that never holds the process up when it ends.

    A network mount that went away can hold a call for ever. Then we stop waiting, and no other
    call is begun until that one has come back: there is never more than one thread that hangs.
    """

    def __init__(self, name: str) -> None:
        """Name what is called, for errors."""
        self._name = name
        self._back = threading.Event()
        self._back.set()

    async def call(self, work: Callable[[], T], seconds: float) -> T:
        """Run the work and return what it returns; StorageError when it takes too long."""
        if not self._back.is_set():
            raise StorageError("an earlier call has not come back yet", path=self._name)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._back = back = threading.Event()
        arguments = (work, back, loop, done)
        threading.Thread(target=_work, args=arguments, daemon=True, name="durable-copy").start()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(done)
        except TimeoutError:
            done.add_done_callback(_retrieve)
            remedy = "see whether that place still answers"
            raise StorageError(
                f"no answer within {seconds:g} s", path=self._name, remedy=remedy
            ) from None


def _work(
    work: Callable[[], T],
    back: threading.Event,
    loop: asyncio.AbstractEventLoop,
    done: "asyncio.Future[T]",
) -> None:
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001  (it is raised again where it is waited for)
        back.set()
        _tell(loop, done.set_exception, error)
    else:
        back.set()
        _tell(loop, done.set_result, value)


def _tell(loop: asyncio.AbstractEventLoop, how: Callable[[T], None], what: T) -> None:
    try:
        loop.call_soon_threadsafe(how, what)
    except RuntimeError:
        return  # the loop has ended meanwhile: nothing waits any more


def _retrieve(done: "asyncio.Future[T]") -> None:
    """Retrieve what came too late, so that asyncio does not warn that it was never retrieved."""
    if not done.cancelled():
        done.exception()
