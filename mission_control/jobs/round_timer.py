"""Jobs: when the next round over one service begins: on its cadence, or at once."""

import asyncio


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
