"""
A loop whose time passes only while nothing is left to do, so that a day is lived in a minute.

Every timer of the loop, the simulated floor and the planner of runs see one time. It leaps to the
next timer as soon as no request, thread or callback is under way: a slow machine takes longer, and
lives the same day.
"""

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import apscheduler.executors.base as executors
import apscheduler.schedulers.base as schedulers
import pytest

from mission_control.probe.transport import HeldTransport

T = TypeVar("T")
PATIENCE_SECONDS = 2.0
"""What hangs outside for so long of real time is left behind: then time passes all the same."""
PAUSE_SECONDS = 0.002
OUTSIDE = frozenset({"own-thread", "kubernetes-credentials", "durable-copy"})
"""The names of threads that the loop waits for and did not begin in its own pool."""


class _LeapingSelector(selectors.DefaultSelector):
    """Waits for no timer: time leaps instead, unless something outside is under way."""

    leap: Callable[[float | None], bool]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Give what is ready; where nothing is, let the time pass that was to be waited."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return super().select(0 if self.leap(timeout) else PAUSE_SECONDS)


class SwiftLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own; while it is `held` it passes as in the world."""

    def __init__(self) -> None:
        """Begin held."""
        self.held = True
        self._outside = 0
        self._now = 1000.0
        self._waited = 0.0
        selector = _LeapingSelector()
        selector.leap = self._leap
        super().__init__(selector)

    def time(self) -> float:
        """Give the seconds that have passed."""
        return self._now

    def _leap(self, timeout: float | None) -> bool:
        """Let time pass; false where something outside has to come first."""
        if self.held or timeout is None:
            self._now += PAUSE_SECONDS
            return False
        if self._outside or any(t.name in OUTSIDE for t in threading.enumerate()):
            self._waited += PAUSE_SECONDS
            if self._waited < PATIENCE_SECONDS:
                return False
        self._waited = 0.0
        self._now += timeout
        return True

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> "asyncio.Future[Any]":
        """Count what a thread does, until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: object) -> None:
        self._outside -= 1

    @contextmanager
    def counting(self) -> Generator[None]:
        """Count something that is under way outside of this loop."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def stall(self, seconds: float) -> None:
        """Let time pass in which nothing of this loop runs."""
        self._now += seconds

    async def pass_for(self, seconds: float) -> None:
        """Let so many seconds pass at once, with all that happens in them; then hold again."""
        self.held = False
        try:
            await asyncio.sleep(seconds)
        finally:
            self.held = True


@contextmanager
def one_time(loop: SwiftLoop, clock: Callable[[], datetime]) -> Generator[None]:
    """Have requests counted, and APScheduler read the clock of this loop, for a block."""
    ask = HeldTransport.ask

    async def counted(self: HeldTransport, *request: Any) -> Any:
        with loop.counting():
            return await ask(self, *request)

    class Told(datetime):
        """The library's own look at the clock."""

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            """Tell the time of the floor."""
            return clock().astimezone(tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeldTransport, "ask", counted)
        patch.setattr(schedulers, "datetime", Told)
        patch.setattr(executors, "datetime", Told)
        yield


def live(lived: Callable[[SwiftLoop], Coroutine[Any, Any, T]]) -> T:
    """Run something on a swift loop."""
    with asyncio.Runner(loop_factory=SwiftLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SwiftLoop)
        return runner.run(lived(loop))


def seconds_until(clock: Callable[[], datetime], at: datetime) -> float:
    """Give how long it is until an instant."""
    return max(0.0, (at - clock()) / timedelta(seconds=1))
