"""The scheduled day of a server: which jobs it can run, and what they lean on."""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial

from mission_control.bootstrap.connect import Edges
from mission_control.bootstrap.in_force import run_origin
from mission_control.bootstrap.keeping import copy_destination, keeping_parts
from mission_control.bootstrap.runs import find_build
from mission_control.configuration.settings import Settings
from mission_control.floor.board import FloorBoard
from mission_control.floor.coverage import watched_coverage
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.observe import all_asked
from mission_control.floor.ports import CalendarReader, Clock
from mission_control.history.past_floor import PastFloor
from mission_control.history.remember import FloorMemory
from mission_control.last_known_good.run import run_lkg
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.reading import Unseen, UnseenReason
from mission_control.readiness.model import PollCoverage
from mission_control.readiness.run import ReadinessSources
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.model import LedgerEntry
from mission_control.records.root_check import StoreCheck
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.redaction.redact import redact_text
from mission_control.repository.read import RepositoryReader
from mission_control.schedule import jobs as day_jobs
from mission_control.schedule.claimed_command import CommandSources, claiming
from mission_control.schedule.claims import RunClaims
from mission_control.schedule.day import ScheduledDay
from mission_control.schedule.decide import plan_session
from mission_control.schedule.model import Job, PlannedRun
from mission_control.schedule.planned_run import Runner, RunSources
from mission_control.schedule.recorded import days_between
from mission_control.schedule.sources import DaySources

FIRST_LOOK_SECONDS = 60.0
AGAIN_SECONDS = 0.25

DayRunner = Callable[[DaySources, RunOrigin], Awaitable[LedgerEntry]]
KeepingRunner = Callable[[day_jobs.KeepingSources, RunOrigin], Awaitable[LedgerEntry]]
DAY_RUNNERS: Mapping[Job, DayRunner] = {
    Job.PRE_MARKET: day_jobs.run_pre_market,
    Job.PRE_OPEN: day_jobs.run_pre_open,
    Job.OPEN_VERIFICATION: day_jobs.run_open_verification,
    Job.INTRADAY_SAMPLE: day_jobs.run_sample,
    Job.POST_MARKET: day_jobs.run_post_market,
}
KEEPING_RUNNERS: Mapping[Job, KeepingRunner] = {
    Job.ATTESTATION: day_jobs.run_attestation,
    Job.RETENTION: day_jobs.run_retention,
    Job.DURABLE_COPY: day_jobs.run_durable_copy,
}


def is_offered(settings: Settings, job: Job) -> bool:
    """Tell whether a job is planned: what was not configured is not promised."""
    if job is Job.DURABLE_COPY:
        return settings.durable_copy is not None
    return job is not Job.LKG_CAPTURE or settings.fleet.access is not None


def make_day(
    settings: Settings,
    edges: Edges,
    board: FloorBoard,
    past: PastFloor | None,
    clock: Clock,
    label: str,
    store: ArtifactStore,
) -> ScheduledDay:
    """
    Connect the scheduled day of a server that watches this board.

    All of it records through the one store, which knows the root that the server began with.
    """
    writer = RunWriter(store)
    artifacts = ArtifactReader(settings.root, clock)
    sources = DaySources(
        partial(_look, board, past, edges.sources.memory, clock),
        readiness_sources(settings, edges, clock, store),
        writer,
        redact_text,
        past,
    )
    keeping = day_jobs.KeepingSources(
        keeping_parts(settings, clock, label, store, edges.calendar),
        past.history if past else None,
        partial(copy_destination, settings),
    )
    build = partial(find_build, settings, os.environ, clock)
    capture = partial(run_lkg, sources, calendar=edges.calendar, find_build=build)
    every: Mapping[Job, Runner] = {
        Job.LKG_CAPTURE: capture,
        **{job: partial(run, sources) for job, run in DAY_RUNNERS.items()},
        **{job: partial(run, keeping) for job, run in KEEPING_RUNNERS.items()},
    }
    runners = {job: run for job, run in every.items() if is_offered(settings, job)}
    origin = run_origin(settings, "schedule", clock())
    run_sources = run_sources_of(settings, edges.calendar, clock, origin, label, store)
    return ScheduledDay(edges.calendar, artifacts, runners, run_sources)


def readiness_sources(
    settings: Settings, edges: Edges, clock: Clock, store: ArtifactStore
) -> ReadinessSources:
    """Connect what readiness reads beside the floor."""
    path, lints = settings.repository, settings.fleet.repository_lints
    repository = RepositoryReader(path, clock, lints) if path else None
    return ReadinessSources(
        clock,
        StoreCheck(store, clock),
        edges.further,
        repository,
        ArtifactReader(settings.root, clock),
    )


def run_sources_of(
    settings: Settings,
    calendar: CalendarReader,
    clock: Clock,
    origin: RunOrigin,
    label: str = "",
    store: ArtifactStore | None = None,
) -> RunSources:
    """Connect what claiming and recording a planned run leans on."""

    def ground(now: datetime) -> Ground:
        return Ground.unseen(calendar.session_at(now), settings.fleet, label)

    return RunSources(
        clock,
        RunClaims(settings.root, claim_owner()),
        RunWriter(store or ArtifactStore(settings.root)),
        origin,
        ground,
        redact_text,
    )


def claim_owner() -> str:
    """Name this process as no other is named, also after a restart with the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


async def _look(
    board: FloorBoard, past: PastFloor | None, memory: FloorMemory | None, clock: Clock
) -> tuple[FloorSnapshot, PollCoverage | Unseen]:
    """
    Give the floor as it is decided next, with how it was watched lately.

    What was decided before a run began is no evidence of it. Just after a start it waits a little
    until everything was asked once.
    """
    began, loop = clock(), asyncio.get_running_loop()
    patience = loop.time() + FIRST_LOOK_SECONDS
    while board.current().at < began or not all_asked(board.current()):
        if loop.time() >= patience:
            break
        await asyncio.sleep(AGAIN_SECONDS)
    snapshot = board.current()
    if past is None or memory is None:
        why = "this process does not watch"
        return snapshot, Unseen(UnseenReason.PARTIAL, snapshot.at, detail=why)
    coverage = await watched_coverage(snapshot.fleet, memory, past.history, snapshot.at)
    return snapshot, coverage


DAYS_BACK = timedelta(days=5)
"""A run of an earlier session may still be due: the attestation, over a long weekend."""


def claim_planned(
    settings: Settings,
    calendar: CalendarReader,
    clock: Clock,
    say: Callable[[str], None],
    jobs: Collection[Job],
) -> AbstractAsyncContextManager[RunOrigin]:
    """Claim the planned run of one of these jobs that is due, for the time of a block."""
    origin = beside_the_plan(settings, clock)
    offered = frozenset(job for job in Job if is_offered(settings, job))
    sources = CommandSources(
        lambda: runs_near(calendar, clock(), offered),
        ArtifactReader(settings.root, clock),
        run_sources_of(settings, calendar, clock, origin),
        say,
    )
    return claiming(jobs, sources)


def beside_the_plan(settings: Settings, clock: Clock) -> RunOrigin:
    """Give the origin of a command that claims no planned run; it is recorded whatever else is."""
    return replace(run_origin(settings, "command", clock()), beside=True)


def runs_near(
    calendar: CalendarReader, now: datetime, offered: Collection[Job]
) -> Sequence[PlannedRun]:
    """List every offered run that may be due at an instant, those of the days before included."""
    today = in_new_york(now).date()
    plans = (
        plan_session(on, calendar.session_at(instant_of(on, time(12))), offered)
        for on in days_between(today - DAYS_BACK, today)
    )
    return [run for plan in plans for run in plan.runs]
