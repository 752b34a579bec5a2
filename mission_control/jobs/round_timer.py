"""Jobs: when the next round over one service begins: on its cadence, at once, or once more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from mission_control.decide.cadence import (
    ASK_AGAIN_SECONDS,
    HURRY_APART_SECONDS,
    HURRY_RESTS_SECONDS,
    interval_of,
    next_due,
)
from mission_control.model.fleet import Agent


class RoundTimer:
    """
    Waits for a service's next round; somebody may hurry it.

    All times are seconds of the event loop's clock. A hurry while a round is under way counts
    for the next wait, because that round may have begun before what hurries us.
    """

    def __init__(self) -> None:
        """Wait for nothing yet, and be ready to be hurried."""
        self._waiter: asyncio.Future[bool] | None = None
        self._hurried = False
        self._resting_until = 0.0

    async def wait_until(self, due: float) -> bool:
        """Wait until the time is due or somebody hurries; tells whether somebody did."""
        loop = asyncio.get_running_loop()
        if self._hurried or due <= loop.time():
            hurried, self._hurried = self._hurried, False
            await asyncio.sleep(0)
            return hurried
        self._waiter = loop.create_future()
        handle = loop.call_at(due, _end, self._waiter, False)  # noqa: FBT003  (not hurried)
        try:
            return await self._waiter
        finally:
            handle.cancel()
            self._waiter = None

    def hurry(self) -> None:
        """Begin the next round at once, unless hurrying rests."""
        if asyncio.get_running_loop().time() < self._resting_until:
            return
        if self._waiter is None:
            self._hurried = True
        else:
            _end(self._waiter, True)  # noqa: FBT003  (hurried)

    def rest_until(self, instant: float) -> None:
        """Take no hurry until then, or as long as was said before where that is longer."""
        self._resting_until = max(self._resting_until, instant)


def _end(waiter: "asyncio.Future[bool]", hurried: bool) -> None:  # noqa: FBT001  (its result)
    if not waiter.done():
        waiter.set_result(hurried)


class Asked(NamedTuple):
    """What a round came to: whether it is news, and whether a first silence is in it."""

    news: bool
    silent: bool


@dataclass(slots=True)
class ServiceRounds:
    """
    Runs rounds over one service until it is cancelled; a first silence is asked about again.

    `gates` tells whether the session does, for the cadence. `turns` are shared by all services:
    where many fall silent together, so many are asked again at one time.
    """

    agent: Agent
    ask: Callable[[], Awaitable[Asked]]
    gates: Callable[[], bool]
    turns: asyncio.Semaphore
    _timer: RoundTimer = field(default_factory=RoundTimer)

    def hurry(self) -> None:
        """Begin the next round at once, unless hurrying rests."""
        self._timer.hurry()

    async def run(self, due: float) -> None:
        """Begin with a round at `due`, in seconds of the event loop's clock."""
        loop = asyncio.get_running_loop()
        while True:
            hurried = await self._timer.wait_until(due)
            news, silent = await self.ask()
            due = self._next_due(due)
            if hurried:
                rest = HURRY_APART_SECONDS if news else HURRY_RESTS_SECONDS
                self._timer.rest_until(loop.time() + rest)
            while silent:
                self._timer.rest_until(loop.time() + ASK_AGAIN_SECONDS)
                silent = await self._ask_again(due)
                due = self._next_due(due)

    def _next_due(self, due: float) -> float:
        """Give when the service is due next: that is not over where a round ran beside it."""
        now = asyncio.get_running_loop().time()
        return due if now < due else next_due(due, now, interval_of(self.agent, gates=self.gates()))

    async def _ask_again(self, due: float) -> bool:
        """Ask once more, when it is our turn or due anyway; tells of another first silence."""
        await asyncio.sleep(ASK_AGAIN_SECONDS)
        held = True
        try:
            async with asyncio.timeout_at(due):
                await self.turns.acquire()
        except TimeoutError:
            held = False
        try:
            return (await self.ask()).silent
        finally:
            if held:
                self.turns.release()
