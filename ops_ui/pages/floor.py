"""The Floor, now or as it was, and the memory of the last one that was whole."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from ops_ui.mission_control_client import Document, Failure, Missed, MissionControlClient
from ops_ui.strips import DAY_STEP
from ops_ui.views import FloorView, see_floor

STRIPS_KEEP_SECONDS = 60.0
"""A cell of a strip is half an hour: asking for them with each refresh would gain nothing."""
STRIPS_PAUSES_SECONDS = (10.0, 20.0, 40.0, 60.0, 120.0)
"""After each failure in a row: what has no answer now is not helped by being asked again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A view to show, and, where it is a failure, the last whole one with its age (seconds)."""

    view: FloorView
    last: FloorView | None
    last_age: float | None


class FloorPage:
    """Asks for the floor and remembers the last whole view, to be shown as old, never as live."""

    def __init__(self, client: MissionControlClient, seconds: Callable[[], float]) -> None:
        """Ask through this client; `seconds` never step back."""
        self._client = client
        self._seconds = seconds
        self._last: FloorView | None = None
        self._last_at = 0.0
        self._strips: Document | Missed = Missed(Failure.DOWN, "not asked yet")
        self._strips_until = 0.0
        self._strips_failed = 0
        self._asking_strips: asyncio.Task[Document | Missed] | None = None

    async def see(self) -> Shown:
        """Ask for posture, services, events, strips and runs at once, and make one view."""
        view = see_floor(
            *await asyncio.gather(
                self._client.document("/api/v1/posture"),
                self._client.document("/api/v1/agents"),
                self._client.document("/api/v1/events/recent?limit=300"),
                self._ask_strips(),
                self._client.document("/api/v1/readiness/latest"),
                self._client.document("/api/v1/schedule"),
            )
        )
        now = self._seconds()
        if view.live:
            self._last, self._last_at = view, now
            return Shown(view, None, None)
        if self._last is None:
            return Shown(view, None, None)
        return Shown(view, self._last, now - self._last_at)

    async def see_past(self, at: str) -> FloorView | Missed:
        """Ask for the floor as it was; nothing of it is remembered as the last live one."""
        then = urlencode({"at": at})
        posture = await self._client.document(f"/api/v1/posture?{then}")
        if isinstance(posture, Missed):
            return posture
        asked = {"step": str(DAY_STEP), "to": at}
        agents, events, timeline = await asyncio.gather(
            self._client.document(f"/api/v1/agents?{then}"),
            self._client.document(f"/api/v1/events?{urlencode({'until': at, 'limit': '12'})}"),
            self._client.document(f"/api/v1/timeline?{urlencode(asked)}"),
        )
        return see_floor(posture, agents, events, timeline)

    async def _ask_strips(self) -> Document | Missed:
        """
        Ask for the strips, or give those of the minute before.

        Many pages at once ask once. Strips that were missed are asked for again later and later.
        """
        if self._seconds() < self._strips_until:
            return self._strips
        if self._asking_strips is None:
            self._asking_strips = asyncio.create_task(self._ask_strips_now())
        return await asyncio.shield(self._asking_strips)

    async def _ask_strips_now(self) -> Document | Missed:
        try:
            self._strips = await self._client.document(f"/api/v1/timeline?step={DAY_STEP}")
        finally:
            self._asking_strips = None
        if isinstance(self._strips, Missed):
            pauses = STRIPS_PAUSES_SECONDS
            pause = pauses[min(self._strips_failed, len(pauses) - 1)]
            self._strips_failed += 1
        else:
            pause, self._strips_failed = STRIPS_KEEP_SECONDS, 0
        self._strips_until = self._seconds() + pause
        return self._strips
