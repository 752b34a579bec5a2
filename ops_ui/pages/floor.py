"""Pages: the Floor, and the memory of the last one that was whole."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ops_ui.mission_control_client import MissionControlClient
from ops_ui.views import FloorView, see_floor


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

    async def see(self) -> Shown:
        """Ask for posture, services and events at the same time, and make one view of them."""
        view = see_floor(
            *await asyncio.gather(
                self._client.document("/api/v1/posture"),
                self._client.document("/api/v1/agents"),
                self._client.document("/api/v1/events/recent?limit=300"),
            )
        )
        now = self._seconds()
        if view.live:
            self._last, self._last_at = view, now
            return Shown(view, None, None)
        if self._last is None:
            return Shown(view, None, None)
        return Shown(view, self._last, now - self._last_at)
