"""One round over the floor, one service, for a command that looks once."""

from typing import TYPE_CHECKING

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.connect import reading
from mission_control.configuration.settings import Settings
from mission_control.floor import observe as floor_sources
from mission_control.floor.model import FloorSnapshot
from mission_control.model.clock import Clock
from mission_control.model.fleet import Agent
from mission_control.model.reading import ServiceRound
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import open_transports

if TYPE_CHECKING:
    from mission_control.cluster.read.examination import Examination


async def observe_once(settings: Settings, clock: Clock = real_clock) -> FloorSnapshot:
    """Ask every service of the fleet once and decide; nothing is remembered or recorded."""
    async with reading(settings, clock) as edges:
        await edges.find_cluster()
        return await floor_sources.observe_once(settings.fleet, edges.sources, "")


async def observe_and_examine(
    settings: Settings, clock: Clock = real_clock
) -> "tuple[FloorSnapshot, Examination | None]":
    """
    Look once at the floor, and before that try everything that is ever read of the cluster.

    The examination is None where no cluster is configured.
    """
    # Imported here: to look once is done without it.
    from mission_control.cluster.read.examination import examine_cluster  # noqa: PLC0415

    async with reading(settings, clock) as edges:
        await edges.find_cluster()
        examined = await examine_cluster(edges.lister) if edges.lister else None
        return await floor_sources.observe_once(settings.fleet, edges.sources, ""), examined


async def probe_once(agent: Agent, clock: Clock = real_clock) -> ServiceRound:
    """Ask one service once, as the watch would."""
    async with open_transports() as transports:
        return await ServiceProbe(transports, clock).read(agent, None)
