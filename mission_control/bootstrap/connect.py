"""Bootstrap: settings become connected parts, for the time of a block."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from mission_control.api.application import create_application
from mission_control.api.options import ApiOptions, ApiParts
from mission_control.bootstrap.clock import real_clock
from mission_control.configuration.settings import Settings
from mission_control.jobs import floor_sources
from mission_control.jobs.floor_board import FloorBoard
from mission_control.jobs.past_floor import PastFloor, kept_since
from mission_control.jobs.ports import Clock
from mission_control.jobs.remember_floor import FloorMemory
from mission_control.jobs.watch_floor import CLUSTER_SECONDS, FloorWatch
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import ClusterAccess
from mission_control.model.standing import NOTHING_STANDS
from mission_control.observe.attestation import Attestation
from mission_control.observe.cluster_reader.account_reader import AccountReader
from mission_control.observe.cluster_reader.api_server import ApiServer
from mission_control.observe.cluster_reader.config_map_witness import ConfigMapWitness
from mission_control.observe.cluster_reader.further_reader import FurtherObserver
from mission_control.observe.cluster_reader.lister import ClusterLister
from mission_control.observe.cluster_reader.object_reader import ObjectReader
from mission_control.observe.cluster_reader.reader import ClusterObserver
from mission_control.observe.http_transport import Transports, open_transports
from mission_control.observe.kill_switch_witnesses import SwitchWitnesses
from mission_control.observe.runbook_library import RunbookLibrary
from mission_control.observe.service_probe import ServiceProbe
from mission_control.record.artifact_reader import ArtifactReader
from mission_control.record.artifact_store import ArtifactStore
from mission_control.record.history.opening import OpenHistory, open_history
from mission_control.record.store_check import StoreCheck

Application = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The connected parts of one Mission Control: who reads, who watches, what is published."""

    sources: floor_sources.FloorSources
    board: FloorBoard
    watch: FloorWatch
    application: Application
    store: ArtifactStore
    further: FurtherObserver | None = None


@asynccontextmanager
async def connected(
    settings: Settings, clock: Clock = real_clock, label: str = "", *, records: bool = False
) -> AsyncGenerator[Parts]:
    """
    Connect all parts for the time of the block; nothing is asked before the watch runs.

    `label` marks every answer, DEMO for a simulated floor. Only what `records` tries whether it
    could; everything else never touches the root.
    """
    calendar = MarketCalendar(settings.closures)
    store = ArtifactStore(settings.root)
    async with open_transports() as transports, AsyncExitStack() as stack:
        history = memory = lister = None
        if records:
            history = await stack.enter_async_context(_history(settings, calendar, clock))
            memory = FloorMemory(history.writer)
            stack.callback(memory.end)
        if settings.fleet.access is not None:
            lister = find_cluster(settings.fleet.access, clock)
            transports.also_close(lister.server.forget)
        sources = floor_sources.FloorSources(
            ServiceProbe(transports, clock),
            _hear(settings, clock, lister),
            calendar,
            clock,
            StoreCheck(store, clock) if records else None,
            memory,
            ClusterObserver(lister) if lister else None,
        )
        objects = ObjectReader(lister) if lister else None
        account = AccountReader(lister.server, objects, clock) if lister and objects else None
        further = FurtherObserver(objects, account) if objects and account else None
        standing = history.standing if history else NOTHING_STANDS
        first = floor_sources.first_snapshot(settings.fleet, sources, label, standing)
        board = FloorBoard(first, clock, time.monotonic)
        api = ApiParts(
            board,
            calendar,
            RunbookLibrary(settings.runbooks),
            _attest(settings, transports, lister, account),
            ArtifactReader(settings.root, clock),
            PastFloor(history.reader, memory, calendar, board) if history else None,
            clock,
            _api_options(settings, clock, label),
        )
        pace = min(CLUSTER_SECONDS, 1.5 * settings.interval_seconds)
        watch = FloorWatch(settings.fleet, sources, board, label, pace)
        yield Parts(sources, board, watch, create_application(api), store, further)


def find_cluster(access: ClusterAccess, clock: Clock) -> ClusterLister:
    """Connect what reads lists of a cluster; nothing is found or asked yet."""
    return ClusterLister(ApiServer(access), clock)


def _hear(settings: Settings, clock: Clock, lister: ClusterLister | None) -> SwitchWitnesses:
    """Connect the kill-switch witnesses outside the services."""
    config_map = ConfigMapWitness(lister, settings.namespace) if lister else None
    file, environment = settings.kill_switch_file, settings.kill_switch_environment
    return SwitchWitnesses(file, environment, clock, config_map)


def _attest(
    settings: Settings,
    transports: Transports,
    lister: ClusterLister | None,
    account: AccountReader | None,
) -> Attestation:
    server = lister.server if lister else None
    return Attestation(transports.opened, settings.fleet.cluster, server, account)


def _history(
    settings: Settings, calendar: MarketCalendar, clock: Clock
) -> AbstractAsyncContextManager[OpenHistory]:
    days = settings.history_trading_days
    return open_history(
        settings.root,
        settings.database_url,
        clock,
        time.monotonic,
        lambda now: kept_since(now, calendar, days),
    )


def _api_options(settings: Settings, clock: Clock, label: str) -> ApiOptions:
    return ApiOptions(
        version=version("mission-control"),
        git_sha=None,
        started_at=clock(),
        label=label,
        allowed_hosts=settings.allowed_hosts,
        poll_interval_seconds=settings.interval_seconds,
    )
