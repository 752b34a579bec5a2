"""Bootstrap: one answer of the API, in process."""

import httpx

from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import Settings
from mission_control.jobs import floor_sources
from mission_control.jobs.ports import Clock


async def answer_once(
    settings: Settings, clock: Clock, path: str, accept: str = "*/*"
) -> httpx.Response:
    """Answer a path as the API would after one observing round, in process."""
    async with connected(settings, clock) as parts:
        if parts.edges is not None:
            await parts.edges.find_cluster()
        snapshot = await floor_sources.observe_once(settings.fleet, parts.sources, "")
        parts.board.publish(snapshot, ())
        transport = httpx.ASGITransport(parts.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers={"accept": accept})
