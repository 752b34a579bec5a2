"""A deadline that never passes over what has come in already."""

import asyncio
from collections import deque
from functools import partial
from types import TracebackType

from mission_control.probe.opening import Course
from mission_control.processes.shared_timers import SharedTimers, Timer

PASS_SECONDS = 0.002
"""The event loop reads its sockets at least once in so long, where nothing holds it up."""
MOST_PASSES = 16


class Patience:
    """
    Ends what is awaited in its block with TimeoutError at a deadline of the event loop's clock.

    A loop that was held up may run its timers before it has read its sockets. So the sockets
    are read first, as long as the one that is asked holds anything: an answer that lies there is
    no silence. Whether it came in time is for the caller to tell.
    """

    __slots__ = ("_cancelling", "_course", "_deadline", "_is_over", "_task", "_timer", "_timers")

    def __init__(self, deadline: float, course: Course, timers: SharedTimers) -> None:
        """Wait until this instant, by these timers, for the request with this course."""
        self._deadline = deadline
        self._course = course
        self._timers = timers
        self._task: asyncio.Task[object] | None = None
        self._timer: Timer = []
        self._cancelling = 0
        self._is_over = False

    def __enter__(self) -> None:
        """Begin to wait."""
        self._task = asyncio.current_task()
        self._cancelling = 0 if self._task is None else self._task.cancelling()
        self._timer = self._timers.call_at(self._deadline, self._check)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait no longer; our own cancelling becomes TimeoutError, as in `asyncio.timeout`."""
        self._timer.clear()
        if self._is_over and self._task is not None:
            ours = self._task.uncancel() <= self._cancelling
            if ours and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _check(self, passes: int = 0) -> None:
        asked = self._course.connection
        more = asked is not None and (asked.is_answered or asked.has_unread())
        if passes == 0 or (more and passes < MOST_PASSES):
            soon = asyncio.get_running_loop().time() + PASS_SECONDS
            self._timer = self._timers.call_at(soon, partial(self._check, passes + 1))
        elif self._task is not None:
            self._is_over = True
            self._task.cancel()


BEAT_SECONDS = 0.25
LATE_SECONDS = 0.1
"""A beat that is later than this was held up by something."""
MOST_STALLS = 64


class LoopStalls:
    """
    Beats on the event loop and remembers the newest stretches in which it could not.

    All times are seconds of the event loop's clock.
    """

    def __init__(self) -> None:
        """Beat once it is started."""
        self._stalls = deque[tuple[float, float]](maxlen=MOST_STALLS)
        self._next: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Beat until it is stopped; does nothing where it beats already."""
        if self._next is None:
            self._wait(asyncio.get_running_loop())

    def stop(self) -> None:
        """Beat no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def lost(self, since: float, until: float) -> float:
        """Return for how many seconds between two instants the loop was held up."""
        stalls = [*self._stalls]
        now = asyncio.get_running_loop().time()
        if self._next is not None and now - self._due > LATE_SECONDS:
            stalls.append((self._due, now))
        return sum(max(0.0, min(end, until) - max(begun, since)) for begun, end in stalls)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + BEAT_SECONDS
        self._next = loop.call_at(self._due, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        if now - self._due > LATE_SECONDS:
            self._stalls.append((self._due, now))
        self._wait(loop)
