"""Settings become the edges that read the floor, for the time of a block."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.model.facts import CapturedWorkloads
from mission_control.cluster.read.api_server import ApiServer, BadAnswerError
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.cluster.read.observer import ClusterObserver, ConfigMapSwitch
from mission_control.configuration.closures import load_closures
from mission_control.configuration.settings import Settings
from mission_control.floor import observe as floor_sources
from mission_control.kill_switch.read import SwitchReader
from mission_control.last_known_good.recorded import CaptureCache, find_captured_workloads
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.clock import Clock
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.probe.received import Interpreter
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports, open_transports
from mission_control.processes.followed_file import FollowedFile
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.calendar_in_force import CalendarInForce

PATIENT_SECONDS = 20.0
"""So long credentials are waited for where nothing else waits for them."""


@dataclass(frozen=True, slots=True)
class Edges:
    """
    What reads the floor. What is None belongs to a cluster that is not configured.
    """

    sources: floor_sources.FloorSources
    calendar: CalendarInForce
    transports: Transports
    lister: ClusterLister | None = None
    further: ObjectReader | None = None

    async def find_cluster(self) -> None:
        """
        Find the API server and our credentials before anything else is asked, to look once.

        A plugin that hands them out may need seconds of a busy machine, and the services would
        seem slow meanwhile. What fails is told by the next question to the cluster.
        """
        if self.lister is not None:
            with suppress(BadAnswerError):
                await self.lister.server.prepare(PATIENT_SECONDS)


@asynccontextmanager
async def reading(
    settings: Settings, clock: Clock = real_clock, interpreter: Interpreter | None = None
) -> AsyncGenerator[Edges]:
    """Connect what reads the floor; nothing is asked, and nothing can be recorded."""
    calendar = calendar_in_force(settings)
    async with open_transports() as transports:
        lister = further = None
        watched = [s.name for s in settings.fleet.execution.switches]
        if settings.fleet.access is not None:
            server = ApiServer(settings.fleet.access, clock=clock)
            lister = ClusterLister(server, clock, transports.stalls)
            transports.also_close(lister.server.forget)
            # Of its own: what jobs read never takes a turn from the rounds.
            further = ObjectReader(ClusterLister(server, clock, transports.stalls))
        probe = ServiceProbe(transports, clock, interpreter)
        sources = floor_sources.FloorSources(
            probe,
            _switches(settings, clock, lister),
            calendar,
            clock,
            cluster=ClusterObserver(lister, watched) if lister else None,
            captured=_recall(settings, clock) if lister else None,
            in_force=calendar,
            reloads=probe.take_reloads,
        )
        yield Edges(sources, calendar, transports, lister, further)


def _recall(
    settings: Settings, clock: Clock
) -> Callable[[ClusterIdentity], Awaitable[CapturedWorkloads]]:
    artifacts, cache = ArtifactReader(settings.root, clock), CaptureCache(clock)

    async def recall(cluster: ClusterIdentity) -> CapturedWorkloads:
        return await find_captured_workloads(artifacts, settings.fleet, cache, cluster=cluster)

    return recall


def calendar_in_force(settings: Settings) -> CalendarInForce:
    """Return the calendar, which follows the closures file as often as it is told to look."""
    file = None
    if settings.closures_file is not None:
        file = FollowedFile(settings.closures_file, _load_calendar, settings.closures_digest)
    return CalendarInForce(MarketCalendar(settings.closures), file)


def _load_calendar(path: Path) -> tuple[str, MarketCalendar]:
    read = load_closures(path)
    return read.digest, MarketCalendar(read.closures)


def _switches(settings: Settings, clock: Clock, lister: ClusterLister | None) -> SwitchReader:
    """Connect the kill-switch sources outside the services."""
    # A lister of its own: slow lists never hold up the kill switch.
    own = ClusterLister(lister.server, clock, lister.stalls) if lister else None
    config_map = ConfigMapSwitch(own, settings.namespace) if own else None
    file, environment = settings.kill_switch_file, settings.kill_switch_environment
    return SwitchReader(file, environment, clock, config_map)
