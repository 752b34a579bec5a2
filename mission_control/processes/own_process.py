"""What our processes ask of the operating system and of Python: daemon threads, limits, memory."""

import asyncio
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

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
        try:
            settle = partial(self._settle, piece, piece.work(), None)
        except BaseException as error:  # noqa: BLE001  (it is raised where it is awaited)
            settle = partial(self._settle, piece, None, error)
        try:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle)
        finally:
            del piece, settle  # an error holds this frame, which must not hold the error

    def _settle(self, piece: _Piece[K, T], result: T | None, error: BaseException | None) -> None:
        self._threads -= 1
        del self._under_way[piece.key]
        if piece.future.done():
            pass  # the caller gave up, and cancelled it
        elif error is None:
            piece.future.set_result(result)  # type: ignore[arg-type]  (the work's own result)
        else:
            piece.future.set_exception(error)
            piece.future.exception()  # looked at: it may be that no caller waits any more
        self._begin()


def begin_in_own_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """
    Begin blocking work, and return what it will bring.

    A read of a mount that went away can hang for ever, and a thread cannot be ended. In the pool
    behind `asyncio.to_thread` it would take a place that others need, and keep the process from
    ending. A daemon thread does neither; the caller bounds how many of them hang.
    """
    return DaemonWork[str, T]("own-thread", 1).ask("", work)


async def in_own_thread(work: Callable[[], T], seconds: float) -> T:
    """Do blocking work in a daemon thread; raises TimeoutError when it is given up."""
    async with asyncio.timeout(seconds):
        return await begin_in_own_thread(work)


MOST_THREADS = 32
LINGER_SECONDS = 5.0
"""What threads still do when the process ends, as a write, may take this long."""

P = ParamSpec("P")


def _do(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  (it is raised where it is awaited)
        future.set_exception(error)
        del future  # its error holds this frame, as in concurrent.futures
    else:
        future.set_result(result)


class DaemonThreads(ThreadPoolExecutor):
    """
    Threads for `asyncio.to_thread` that keep no process from ending.

    The usual pool is joined at the end of the loop and again at the end of the process: one read
    of a mount that went away, and SIGTERM ends nothing. It also has four threads more than there
    are processors, so that a few such reads hold everything up.
    """

    def __init__(self) -> None:
        """Begin without a thread."""
        super().__init__(1)  # of its own threads it never starts one
        self._waiting = deque[Callable[[], None]]()
        self._changed = threading.Condition()
        self._working = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do this in a daemon thread, at once or as soon as one is free."""
        future = Future[T]()

        with self._changed:
            self._waiting.append(partial(_do, future, partial(fn, *args, **kwargs)))
            begins = self._working < MOST_THREADS
            self._working += begins
        if begins:
            threading.Thread(target=self._work, name="worker", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._working -= 1
                    self._changed.notify_all()
                    return
                work = self._waiting.popleft()
            work()
            del work  # an error of its own may hold this frame

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  (as the library has it)
        """Wait for what is being done, but not for what hangs."""
        until = time.monotonic() + LINGER_SECONDS * wait
        with self._changed:
            if cancel_futures:
                self._waiting.clear()
            while self._working and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)


def run(
    work: Coroutine[Any, Any, T],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> T:
    """Run to the end as `asyncio.run` does, and leave threads behind that hang."""

    def prepared() -> asyncio.AbstractEventLoop:
        loop = new_loop()
        loop.set_default_executor(DaemonThreads())
        return loop

    with asyncio.Runner(loop_factory=prepared) as runner:
        return runner.run(work)


def raise_open_files_limit() -> int:
    """Raise the soft limit of open files to the hard one; each service holds a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else max(soft, hard)
