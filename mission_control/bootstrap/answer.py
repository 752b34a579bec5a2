"""One answer of the API in process; apart from `once`, for it loads all that serves."""

import httpx

from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import Settings
from mission_control.floor.observe import observe_once
from mission_control.model.clock import Clock


async def answer_once(
    settings: Settings, clock: Clock, path: str, accept: str = "*/*"
) -> httpx.Response:
    """Answer a path as the API would after one observing round, in process."""
    async with connected(settings, clock) as parts:
        await parts.edges.find_cluster()
        snapshot = await observe_once(settings.fleet, parts.sources, "")
        parts.board.publish(snapshot, ())
        transport = httpx.ASGITransport(parts.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers={"accept": accept})
