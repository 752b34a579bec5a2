"""Observe: when our own event loop was held up, so that no service is blamed for it."""

import asyncio
from collections import deque

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
        """Beat once somebody starts it."""
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
        """Give for how many seconds between two instants the loop was held up."""
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
