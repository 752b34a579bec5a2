"""Observe: work that may hang, in a daemon thread of its own; nothing ever waits for its end."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def begin_in_own_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """
    Begin blocking work, and give what it will bring.

    A read of a mount that went away can hang for ever, and a thread cannot be ended. In the pool
    behind `asyncio.to_thread` it would take a place that others need, and keep the process from
    ending. A daemon thread does neither; whoever begins bounds how many of them hang.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if told.done():
            return
        if error is not None:
            told.set_exception(error)
            told.exception()  # looked at: who gave up on it does not want to hear of it
        else:
            told.set_result(result)  # pyright: ignore[reportArgumentType]  (T, where no error)

    def run() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  (it is raised where it is awaited)
            failed = error
        try:
            loop.call_soon_threadsafe(tell, result, failed)
        except RuntimeError:
            return  # the loop is closed: it hung for longer than the process had to live

    threading.Thread(target=run, name="own-thread", daemon=True).start()
    return told


async def in_own_thread(work: Callable[[], T], seconds: float) -> T:
    """Do blocking work in a daemon thread; raises TimeoutError when it is given up."""
    async with asyncio.timeout(seconds):
        return await begin_in_own_thread(work)
