"""Observe: a deadline that never passes over what has come in already."""

import asyncio
from types import TracebackType

from mission_control.observe.opening import Course

PASS_SECONDS = 0.002
"""The event loop reads its sockets at least once in so long, where nothing holds it up."""
MOST_PASSES = 16


class Patience:
    """
    Ends what is awaited in it with TimeoutError at a deadline of the event loop's clock.

    A loop that was held up hears of its timers before it has read its sockets. So the sockets
    are read first, as long as the one that is asked holds anything: an answer that lies there is
    no silence. Whether it came in time is for the caller to tell.
    """

    def __init__(self, deadline: float, course: Course) -> None:
        """Wait until this instant for the request with this course."""
        self._deadline = deadline
        self._course = course
        self._scope = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        """Begin to wait."""
        await self._scope.__aenter__()
        self._timer = asyncio.get_running_loop().call_at(self._deadline, self._check, 0)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
        await self._scope.__aexit__(kind, error, trace)

    def _check(self, passes: int) -> None:
        loop = asyncio.get_running_loop()
        asked = self._course.connection
        more = asked is not None and (asked.is_answered or asked.has_unread())
        if passes == 0 or (more and passes < MOST_PASSES):
            self._timer = loop.call_later(PASS_SECONDS, self._check, passes + 1)
        else:
            self._scope.reschedule(loop.time())
