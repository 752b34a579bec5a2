"""
Whether there is news of the floor: followed once, told to every open page.

A browser opens six connections to one address at most, so no page holds one: each asks in short
whether something happened, and is then renewed. Mission Control is followed by one stream with a
connection of its own, however many pages ask, and by none while no page is open.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import httpx

from ops_ui.access.operator import for_all
from ops_ui.mission_control_client import HTTP_OK, MissionControlClient

IDLE_SECONDS = 30.0
"""So long after the last page asked the floor is no longer followed."""
AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""Pauses after each failure in a row."""
_TELLING = frozenset({b"posture", b"event", b"alerts"})

log = logging.getLogger("ops_ui")


class Pulse:
    """Counts what Mission Control's stream tells; used from one loop."""

    def __init__(self, client: MissionControlClient, seconds: Callable[[], float]) -> None:
        """Follow through this client; `seconds` never step back."""
        self._client = client
        self._seconds = seconds
        self._news = 0
        self._heard_at: float | None = None
        self._asked_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> dict[str, float | int | None]:
        """
        Return how much was told so far, and how long ago the newest of it was (seconds).

        The age is None where nothing was told yet, or following failed. Begins to follow.
        """
        self._asked_at = self._seconds()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(), context=for_all())
        heard = self._heard_at
        return {"news": self._news, "age": None if heard is None else self._seconds() - heard}

    async def end(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        failed = 0
        while True:
            try:
                async with self._client.stream("") as response:
                    if response.status_code == HTTP_OK:
                        failed = 0
                        await self._hear(response)
            except httpx.HTTPError as error:
                log.info("the stream ended: %s", type(error).__name__)
            self._heard_at = None
            if not self._is_asked():
                return
            await asyncio.sleep(AGAIN_SECONDS[min(failed, len(AGAIN_SECONDS) - 1)])
            failed += 1

    def _is_asked(self) -> bool:
        return self._seconds() - self._asked_at < IDLE_SECONDS

    async def _hear(self, response: httpx.Response) -> None:
        """Count what is told, by its name, until the stream ends or no page asks."""
        begun = b""
        async for chunk in response.aiter_raw():
            lines = (begun + chunk).split(b"\n")
            begun = lines.pop()[:_LONGEST_NAME]
            told = sum(line[7:] in _TELLING for line in lines if line[:7] == b"event: ")
            if told:
                self._news += told
                self._heard_at = self._seconds()
            if not self._is_asked():
                return


_LONGEST_NAME = 64
"""Bytes of a line that has not ended are kept up to this: names are short, and data is not read."""
