"""What our processes ask of the operating system and of Python."""

import asyncio
import gc
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

MOST_THREADS = 32
LINGER_SECONDS = 5.0
"""What threads still do when the process ends, as a write, may take this long."""

P = ParamSpec("P")
T = TypeVar("T")


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

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001  (it is raised where it is awaited)
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._changed:
            self._waiting.append(work)
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


def calm_garbage_collection() -> None:
    """
    Have the cycle collector look less often, and never at what lives as long as the process.

    Rounds make few cycles and a large fleet many long-lived values: looking through these again
    and again was a fifth of what a round cost (`make bench`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
