"""Answers that change slowly: asked for seldom, however many pages are open."""

import asyncio
from collections.abc import Callable
from typing import Generic

from ops_ui.access.operator import for_all
from ops_ui.mission_control_client import Answer, Failure, Missed, MissionControlClient

PAUSES_SECONDS = (10.0, 20.0, 40.0, 60.0, 120.0)
"""After each failure in a row: what has no answer now is not helped by being asked again."""


class AskedSeldom(Generic[Answer]):
    """
    One answer of Mission Control, kept for some seconds.

    Many pages at once ask once. What was missed is asked for again later and later.
    """

    def __init__(
        self,
        client: MissionControlClient,
        kind: type[Answer],
        seconds: Callable[[], float],
        keep_seconds: float,
    ) -> None:
        """Ask through this client; `seconds` never step back."""
        self._client = client
        self._kind = kind
        self._seconds = seconds
        self._keep = keep_seconds
        self._answer: Answer | Missed = Missed(Failure.DOWN, "not asked yet")
        self._until = 0.0
        self._failed = 0
        self._asking: asyncio.Task[Answer | Missed] | None = None

    async def ask(self, path: str, *, now: bool = False) -> Answer | Missed:
        """Ask, or return the answer of a moment ago; `now` asks again what was answered."""
        kept = self._seconds() < self._until
        if kept and not (now and not isinstance(self._answer, Missed)):
            return self._answer
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(path), context=for_all())
        return await asyncio.shield(self._asking)

    async def _ask(self, path: str) -> Answer | Missed:
        try:
            self._answer = await self._client.ask(path, self._kind)
        finally:
            self._asking = None
        if isinstance(self._answer, Missed):
            pause = PAUSES_SECONDS[min(self._failed, len(PAUSES_SECONDS) - 1)]
            self._failed += 1
        else:
            pause, self._failed = self._keep, 0
        self._until = self._seconds() + pause
        return self._answer
