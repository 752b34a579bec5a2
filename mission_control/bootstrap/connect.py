"""Settings become the edges that read the floor, for the time of a block."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mission_control.access.run import AccessGate
from mission_control.bootstrap.clock import real_clock
from mission_control.configuration.closures import load_closures
from mission_control.configuration.settings import Settings, load_fleet_again
from mission_control.floor import observe as floor_sources
from mission_control.floor.fleet_on_disk import FleetOnDisk
from mission_control.floors.watch import FloorsWatch
from mission_control.kill_switch.read import SwitchReader
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.clock import Clock
from mission_control.model.fleet import Fleet
from mission_control.probe.received import Interpreter
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports, open_transports
from mission_control.processes.followed_file import FollowedFile
from mission_control.schedule.calendar_in_force import CalendarInForce

if TYPE_CHECKING:
    from mission_control.bootstrap.connect_cluster import ClusterEdges
    from mission_control.cluster.read.lister import ClusterLister
    from mission_control.cluster.read.objects import ObjectReader


@dataclass(frozen=True, slots=True)
class Edges:
    """
    What reads the floor; `cluster` is None where none is configured.

    `floors` asks other Mission Controls for theirs; None where none are listed. `gate` decides
    who may read what comes of it; None where no one is served.
    """

    sources: floor_sources.FloorSources
    calendar: CalendarInForce
    transports: Transports
    floors: FloorsWatch | None = None
    cluster: "ClusterEdges | None" = None
    gate: AccessGate | None = None

    @property
    def lister(self) -> "ClusterLister | None":
        """What the rounds over the cluster read with."""
        return self.cluster.lister if self.cluster else None

    @property
    def further(self) -> "ObjectReader | None":
        """What jobs read of the cluster with."""
        return self.cluster.further if self.cluster else None

    async def find_cluster(self) -> None:
        """Find the cluster and our credentials, where there is one, before anything is asked."""
        if self.cluster is not None:
            await self.cluster.find()


@asynccontextmanager
async def reading(
    settings: Settings,
    clock: Clock = real_clock,
    interpreter: Interpreter | None = None,
    label: str = "",
) -> AsyncGenerator[Edges]:
    """
    Connect what reads the floor; nothing is asked, and nothing can be recorded.

    `label` is our own: other floors that are labelled otherwise are no floors of ours.
    """
    calendar = calendar_in_force(settings)
    async with open_transports() as transports:
        cluster = _cluster(settings, clock, transports)
        probe = ServiceProbe(transports, clock, interpreter)
        listed = settings.fleet.floors
        lister = ServiceProbe(transports, clock, interpreter, briefly=True)
        file, environment = settings.kill_switch_file, settings.kill_switch_environment
        sources = floor_sources.FloorSources(
            probe,
            SwitchReader(file, environment, clock, cluster.switch if cluster else None),
            calendar,
            clock,
            cluster=cluster.observer if cluster else None,
            captured=cluster.captured if cluster else None,
            in_force=calendar,
            on_disk=fleet_on_disk(settings),
            reloads=lambda: (*probe.take_reloads(), *lister.take_reloads()),
        )
        floors = FloorsWatch(listed, lister, clock, label) if listed else None
        yield Edges(sources, calendar, transports, floors, cluster)


def _cluster(settings: Settings, clock: Clock, transports: Transports) -> "ClusterEdges | None":
    access = settings.fleet.access
    if access is None:
        return None
    # Imported here: it takes a while, and a floor without a cluster needs none of it.
    from mission_control.bootstrap.connect_cluster import connect_cluster  # noqa: PLC0415

    return connect_cluster(settings, access, clock, transports)


def calendar_in_force(settings: Settings) -> CalendarInForce:
    """Return the calendar, which follows the closures file as often as it is told to look."""
    file = None
    if settings.closures_file is not None:
        file = FollowedFile(settings.closures_file, _load_calendar, settings.closures_digest)
    return CalendarInForce(MarketCalendar(settings.closures), file)


def fleet_on_disk(settings: Settings) -> FleetOnDisk:
    """Return what tells when the fleet file, or the one with the list of agents, has changed."""

    def load(path: Path) -> tuple[str, Fleet]:
        fleet = load_fleet_again(path, settings)
        return fleet.digest, fleet

    digest = settings.fleet.digest
    return FleetOnDisk(FollowedFile(Path(settings.fleet.source), load, digest), digest)


def _load_calendar(path: Path) -> tuple[str, MarketCalendar]:
    read = load_closures(path)
    return read.digest, MarketCalendar(read.closures)
