"""Bootstrap: the one place where settings become connected parts; owner of the real clock."""

import logging
import platform
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import httpx

from mission_control.api.application import create_application
from mission_control.api.options import ApiOptions, ApiParts
from mission_control.configuration.settings import Settings, load_settings
from mission_control.errors import StorageError
from mission_control.jobs import watch_floor
from mission_control.jobs.floor_board import FloorBoard
from mission_control.jobs.past_floor import PastFloor, kept_since
from mission_control.jobs.ports import Clock
from mission_control.jobs.remember_floor import FloorMemory
from mission_control.jobs.sample_floor import RunOrigin, sample_floor
from mission_control.jobs.watch_floor import FloorSources, FloorWatch, first_snapshot
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import Agent
from mission_control.model.reading import ServiceRound
from mission_control.model.snapshot import FloorSnapshot, Witnessed
from mission_control.model.standing import NOTHING_STANDS
from mission_control.observe.attestation import Attestation
from mission_control.observe.http_transport import open_transports
from mission_control.observe.kill_switch_witnesses import SwitchWitnesses
from mission_control.observe.redaction import redact_text
from mission_control.observe.runbook_library import RunbookLibrary
from mission_control.observe.service_probe import ServiceProbe
from mission_control.record.artifact_reader import ArtifactReader
from mission_control.record.artifact_store import ArtifactStore
from mission_control.record.artifact_writer import RunWriter
from mission_control.record.history.opening import OpenHistory, open_history
from mission_control.record.store_check import StoreCheck
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.fleet_file import fleet_document
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.scenarios.catalogue import SCENARIOS, find_scenario

Application = Callable[..., Awaitable[None]]

log = logging.getLogger(__name__)


def real_clock() -> datetime:
    """Say what time it really is, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """The connected parts of one Mission Control: who reads, who watches, what is published."""

    sources: FloorSources
    board: FloorBoard
    watch: FloorWatch
    application: Application
    store: ArtifactStore


def hear(settings: Settings, clock: Clock) -> SwitchWitnesses:
    """Connect the kill-switch witnesses outside the services."""
    return SwitchWitnesses(settings.kill_switch_file, settings.kill_switch_environment, clock)


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
        probe = ServiceProbe(transports, clock)
        history = memory = None
        if records:
            history = await stack.enter_async_context(_history(settings, calendar, clock))
            memory = FloorMemory(history.writer)
            stack.callback(memory.end)
        check = StoreCheck(store, clock) if records else None
        sources = FloorSources(probe, hear(settings, clock), calendar, clock, check, memory)
        standing = history.standing if history else NOTHING_STANDS
        first = first_snapshot(settings.fleet, sources, label, standing)
        board = FloorBoard(first, clock, time.monotonic)
        api = ApiParts(
            board,
            calendar,
            RunbookLibrary(settings.runbooks),
            Attestation(transports.opened, settings.fleet.cluster),
            ArtifactReader(settings.root, clock),
            PastFloor(history.reader, memory, calendar, board) if history else None,
            clock,
            _api_options(settings, clock, label),
        )
        watch = FloorWatch(settings.fleet, sources, board, label)
        yield Parts(sources, board, watch, create_application(api), store)


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


async def observe_once(settings: Settings, clock: Clock = real_clock) -> FloorSnapshot:
    """Ask every service of the fleet once and decide; nothing is remembered or recorded."""
    async with connected(settings, clock) as parts:
        return await watch_floor.observe_once(settings.fleet, parts.sources, "")


async def answer_once(
    settings: Settings, clock: Clock, path: str, accept: str = "*/*"
) -> httpx.Response:
    """Answer a path as the API would after one observing round, in process."""
    async with connected(settings, clock) as parts:
        snapshot = await watch_floor.observe_once(settings.fleet, parts.sources, "")
        parts.board.publish(snapshot, ())
        transport = httpx.ASGITransport(parts.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers={"accept": accept})


async def probe_once(agent: Agent, clock: Clock = real_clock) -> ServiceRound:
    """Ask one service once, as the watch would."""
    async with open_transports() as transports:
        return await ServiceProbe(transports, clock).read(agent, None)


async def hear_witnesses(settings: Settings, clock: Clock = real_clock) -> tuple[Witnessed, ...]:
    """Hear each configured kill-switch witness once."""
    return await hear(settings, clock).read()


def read_artifacts(root: Path, clock: Clock = real_clock) -> ArtifactReader:
    """Give what reads the record below a root."""
    return ArtifactReader(root, clock)


def run_origin(settings: Settings, trigger: str) -> RunOrigin:
    """Say who runs jobs in this process, and with what."""
    versions = {
        "mission_control": version("mission-control"),
        "python": platform.python_version(),
        "git_sha": None,
    }
    command = (Path(sys.argv[0]).name, *map(redact_text, sys.argv[1:]))
    return RunOrigin(trigger, command, versions, settings.config_digest)


async def sample_when_seen(parts: Parts, origin: RunOrigin) -> None:
    """Record a sample of the floor once every service was asked; a failure is logged."""
    async for seen in parts.board.follow(None):
        if isinstance(seen, FloorSnapshot) and _all_asked(seen):
            break
    try:
        await sample_floor(parts.board, RunWriter(parts.store), parts.sources.clock, origin)
    except StorageError:
        log.exception("the sample was not recorded")


def _all_asked(snapshot: FloorSnapshot) -> bool:
    return all(s.round is not None for s in snapshot.services if s.agent.service_dns)


def demo_scenarios() -> Sequence[tuple[str, str]]:
    """List the scenarios of the simulated floor: name and what an operator should see."""
    return [(s.name, s.description) for s in SCENARIOS]


@dataclass(frozen=True, slots=True)
class DemoFloor:
    """A simulated floor that answers on loopback, and the settings that watch it."""

    settings: Settings
    clock: SimulatedClock
    addresses: tuple[tuple[str, str], ...]
    control: str


@contextmanager
def demo_floor(
    scenario: str, at: datetime | None, floor_port: int, flags: dict[str, object]
) -> Generator[DemoFloor]:
    """
    Run a simulated floor for the time of the block, in a temporary root of its own.

    The configured root is never written to (interface, "No form that posts"). Raises
    ConfigurationError for an unknown scenario or a busy port.
    """
    with tempfile.TemporaryDirectory(prefix="mission-control-demo-") as name:
        root = Path(name)
        switch = root / "EXECUTION_HALTED"
        clock = SimulatedClock(at or find_scenario(scenario).at)
        floor = SimulatedFloor(clock, scenario)
        with FloorOnLoopback(floor, floor_port, switch) as loopback:
            fleet = root / "fleet.yaml"
            fleet.write_text(fleet_document(loopback.base_urls))
            given = {"fleet_file": fleet, "root": root, "kill_switch_file": switch, **flags}
            settings = load_settings({}, flags=given)
            addresses = tuple(sorted(loopback.base_urls.items()))
            yield DemoFloor(settings, clock, addresses, loopback.control_url)
