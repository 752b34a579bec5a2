"""A whole Mission Control, which watches, remembers and answers."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

from mission_control.access.run import AccessGate
from mission_control.api.application import create_application
from mission_control.api.options import ApiOptions, ApiParts
from mission_control.bootstrap.access import opened_gate
from mission_control.bootstrap.alerting import Alerting, with_alerts
from mission_control.bootstrap.aside import (
    asks_readers,
    interpreting_process,
    makes_evidence,
    readers_process,
)
from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.connect import Edges, reading
from mission_control.bootstrap.jobs import job_parts, look_at_board, make_day
from mission_control.bootstrap.record import find_record, starting_root
from mission_control.configuration.settings import Settings
from mission_control.floor import observe as floor_sources
from mission_control.floor.board import FloorBoard
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.posture import needs_text
from mission_control.floor.watch import CLUSTER_SECONDS, FloorWatch
from mission_control.floors.watch import FloorsWatch
from mission_control.history.past_floor import PastFloor, kept_since
from mission_control.history.remember import FloorMemory
from mission_control.history.writer import OpenHistory, open_history
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.clock import Clock
from mission_control.model.reload import Reload
from mission_control.probe.received import Interpreter
from mission_control.read_only.proof import Attestation
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.newest_lines import NewestLines
from mission_control.records.root_check import StoreCheck
from mission_control.runbooks.library import RunbookLibrary
from mission_control.schedule.day import ScheduledDay
from mission_control.schedule.job import JobParts

Application = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The connected parts of one Mission Control: who reads, who watches, what is published."""

    sources: floor_sources.FloorSources
    board: FloorBoard
    watch: FloorWatch
    application: Application
    store: ArtifactStore
    day: ScheduledDay
    jobs: JobParts
    edges: Edges
    alerts: Alerting | None = None

    @property
    def floors(self) -> FloorsWatch | None:
        """What asks other Mission Controls for their floors; None where none are listed."""
        return self.edges.floors


@asynccontextmanager
async def connected(
    settings: Settings,
    clock: Clock = real_clock,
    label: str = "",
    *,
    records: bool = False,
    history_is_new: str = "",
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Parts]:
    """
    Connect all parts for the time of the block; nothing is asked before the watch runs.

    `label` marks every answer, DEMO for a simulated floor. Only what `records` tries whether it
    could; everything else never touches the root. `history_is_new` is the ledger's head by which
    a human takes a lost history for new. `monotonic` tells a stall of the deciding loop.
    """
    store = ArtifactStore(settings.root)
    async with _reading(settings, clock, label, aside=records) as edges, AsyncExitStack() as stack:
        history = memory = past = ask = None
        sources, calendar = edges.sources, edges.calendar
        if records:
            if not label:  # the demo's root is new each time
                await find_record(settings)
            opening = _history(settings, calendar, clock, store, history_is_new)
            history = await stack.enter_async_context(opening)
            memory = FloorMemory(history.writer, tells_new=not label)
            stack.callback(memory.end)
            sources = replace(sources, store=StoreCheck(store, clock), memory=memory)
        board = FloorBoard(_first(settings, sources, label, history), clock, monotonic)
        options = _api_options(settings, clock, label)
        if history and memory:
            past = PastFloor(history.reader, memory.unfinished_minute, calendar, board)
            readers = await stack.enter_async_context(readers_process(settings, options).kept())
            ask = asks_readers(readers, board, memory, clock, calendar)
        look = partial(look_at_board, board, past, memory, clock)
        jobs = job_parts(settings, edges, look, clock, store, past)
        day = make_day(settings, edges, jobs, clock, label, store)
        sources, alerts = with_alerts(settings, sources, history, jobs, day, label)
        runbooks = RunbookLibrary(settings.runbooks)
        read = (board, calendar, runbooks, jobs.artifacts, past, clock, options)
        api = ApiParts(*read, attestation=_attest(settings, edges, alerts).facts, day=day, ask=ask)
        pace = min(CLUSTER_SECONDS, 1.5 * settings.interval_seconds)
        watch = FloorWatch(settings.fleet, sources, board, label, pace)
        application = create_application(_showing(api, alerts, jobs, settings, edges))
        yield Parts(sources, board, watch, application, store, day, jobs, edges, alerts)


def _showing(
    api: ApiParts,
    alerts: Alerting | None,
    jobs: JobParts,
    settings: Settings,
    edges: Edges,
) -> ApiParts:
    """Have the API show the alerts that are decided here, and make bundles, where there is any."""
    bundles = makes_evidence(settings, api.options, edges.calendar) if api.past else None
    brief = jobs.brief and replace(jobs.brief, runs=api.day.states)
    newest = NewestLines(jobs.artifacts) if api.past else None
    api = replace(api, alert_history=jobs.alerts, brief=brief, evidence=bundles)
    api = replace(api, newest_lines=newest, gate=edges.gate, floors=edges.floors)
    if alerts is None:
        return api
    delivery = alerts.delivery
    return replace(
        api, alerts=alerts.watch, channels=delivery.health, acknowledged=delivery.told_once
    )


def _telling(sources: floor_sources.FloorSources, gate: AccessGate) -> floor_sources.FloorSources:
    """Have the watch tell of reloads of the gate's files as of others."""
    earlier = sources.reloads

    def reloads() -> Sequence[Reload]:
        return (*(earlier() if earlier else ()), *gate.files.take_reloads())

    return replace(sources, reloads=reloads)


@asynccontextmanager
async def _reading(
    settings: Settings, clock: Clock, label: str, *, aside: bool
) -> AsyncGenerator[Edges]:
    """
    Connect what reads the floor; long answers are read `aside`, by a process of their own.

    Then it is a server, which has a gate as well.
    """
    async with AsyncExitStack() as stack:
        interpreter = None
        if aside:
            process = await stack.enter_async_context(interpreting_process(settings).kept())
            interpreter = Interpreter(process.ask)
        edges = await stack.enter_async_context(reading(settings, clock, interpreter, label))
        if aside:
            opening = opened_gate(settings, edges.transports, clock, time.monotonic)
            gate = await stack.enter_async_context(opening)
            edges = replace(edges, sources=_telling(edges.sources, gate), gate=gate)
        yield edges


def _attest(settings: Settings, edges: Edges, alerts: Alerting | None) -> Attestation:
    server = edges.lister.server if edges.lister else None
    told = alerts.delivery.reached if alerts else tuple
    opened = edges.transports.opened
    return Attestation(opened, settings.fleet.cluster, server, edges.further, told)


def _first(
    settings: Settings, sources: floor_sources.FloorSources, label: str, history: OpenHistory | None
) -> FloorSnapshot:
    """Decide before anything was asked, on what was latched where history knows all of it."""
    fleet = settings.fleet
    if history is None:
        return floor_sources.first_snapshot(fleet, sources, label)
    known = history.writer.recalled() is not None and not history.writer.lost()
    return floor_sources.first_snapshot(fleet, sources, label, history.latched, alarms_known=known)


def _history(
    settings: Settings,
    calendar: CalendarReader,
    clock: Clock,
    store: ArtifactStore,
    history_is_new: str,
) -> AbstractAsyncContextManager[OpenHistory]:
    days = settings.history_trading_days
    return open_history(
        settings.root,
        settings.database_url,
        clock,
        time.monotonic,
        lambda now: kept_since(now, calendar, days),
        starting_root(settings, store, clock, history_is_new),
        store.known_head,
    )


def _api_options(settings: Settings, clock: Clock, label: str) -> ApiOptions:
    return ApiOptions(
        version=version("mission-control"),
        git_sha=None,
        started_at=clock(),
        label=label,
        allowed_hosts=settings.allowed_hosts,
        poll_interval_seconds=settings.interval_seconds,
        durable_copy=str(settings.durable_copy or ""),
        safety=needs_text(settings.fleet.safety, settings.fleet.switch_file),
        replica=settings.replica,
        floor=settings.namespace,
        proxies=settings.behind_proxy,
    )
