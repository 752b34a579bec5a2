"""Blocking work in threads that hold up neither other work nor the end of the process."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Piece(Generic[K, T]):
    key: K
    work: Callable[[], T]
    future: "asyncio.Future[T]"


class DaemonWork(Generic[K, T]):
    """
    Does one piece of blocking work per key at a time, each in a daemon thread of its own.

    All that ask for a key under way share its result. A piece that hangs keeps its own thread:
    other keys get theirs, up to `most` threads; further keys wait their turn, first come, first
    served. Belongs to one event loop.
    """

    def __init__(self, name: str, most: int) -> None:
        """Begin nothing yet; `name` is what the threads are called."""
        self._name = name
        self._most = most
        self._under_way: dict[K, asyncio.Future[T]] = {}
        self._waiting = deque[_Piece[K, T]]()
        self._threads = 0

    def is_under_way(self, key: K) -> bool:
        """Return whether a piece of work for this key has begun or waits, and has not ended."""
        return key in self._under_way

    def ask(self, key: K, work: Callable[[], T]) -> "asyncio.Future[T]":
        """
        Return what the work brings: `work`, or the piece for this key that is under way already.

        Await it behind `asyncio.shield`: it is shared, and goes on when one of them gives up.
        """
        known = self._under_way.get(key)
        if known is not None:
            return known
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        self._waiting.append(_Piece(key, work, future))
        self._begin()
        return future

    def _begin(self) -> None:
        while self._waiting and self._threads < self._most:
            piece = self._waiting.popleft()
            self._threads += 1
            run = partial(self._run, piece, asyncio.get_running_loop())
            try:
                threading.Thread(target=run, name=self._name, daemon=True).start()
            except RuntimeError as error:  # no more threads
                self._settle(piece, None, OSError(str(error)))

    def _run(self, piece: _Piece[K, T], loop: asyncio.AbstractEventLoop) -> None:
        result, error = None, None
        try:
            result = piece.work()
        except Exception as caught:  # noqa: BLE001  (it is handed to those who wait)
            error = caught
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._settle, piece, result, error)

    def _settle(self, piece: _Piece[K, T], result: T | None, error: Exception | None) -> None:
        self._threads -= 1
        del self._under_way[piece.key]
        if error is None:
            piece.future.set_result(result)  # type: ignore[arg-type]  (the work's own result)
        else:
            piece.future.set_exception(error)
            piece.future.exception()  # looked at: it may be that no caller waits any more
        self._begin()


def begin_in_own_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """
    Begin blocking work, and give what it will bring.

    A read of a mount that went away can hang for ever, and a thread cannot be ended. In the pool
    behind `asyncio.to_thread` it would take a place that others need, and keep the process from
    ending. A daemon thread does neither; the caller bounds how many of them hang.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if told.done():
            return
        if error is not None:
            told.set_exception(error)
            told.exception()  # looked at: a caller that gave up does not await it
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
