"""Bootstrap: one round over the floor, one answer, one service, for who only looks once."""

from pathlib import Path

import httpx

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.connect import connected
from mission_control.configuration.settings import Settings
from mission_control.jobs import floor_sources
from mission_control.jobs.ports import Clock
from mission_control.model.fleet import Agent
from mission_control.model.reading import ServiceRound
from mission_control.model.snapshot import FloorSnapshot
from mission_control.observe.http_transport import open_transports
from mission_control.observe.service_probe import ServiceProbe
from mission_control.record.artifact_reader import ArtifactReader


async def observe_once(settings: Settings, clock: Clock = real_clock) -> FloorSnapshot:
    """Ask every service of the fleet once and decide; nothing is remembered or recorded."""
    async with connected(settings, clock) as parts:
        return await floor_sources.observe_once(settings.fleet, parts.sources, "")


async def answer_once(
    settings: Settings, clock: Clock, path: str, accept: str = "*/*"
) -> httpx.Response:
    """Answer a path as the API would after one observing round, in process."""
    async with connected(settings, clock) as parts:
        snapshot = await floor_sources.observe_once(settings.fleet, parts.sources, "")
        parts.board.publish(snapshot, ())
        transport = httpx.ASGITransport(parts.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers={"accept": accept})


async def probe_once(agent: Agent, clock: Clock = real_clock) -> ServiceRound:
    """Ask one service once, as the watch would."""
    async with open_transports() as transports:
        return await ServiceProbe(transports, clock).read(agent, None)


def read_artifacts(root: Path, clock: Clock = real_clock) -> ArtifactReader:
    """Give what reads the record below a root."""
    return ArtifactReader(root, clock)
