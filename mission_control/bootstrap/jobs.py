"""The jobs connected: for a server's day, for a command that looks once, for the demo."""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from pathlib import Path
from typing import cast

from mission_control.alerts.load import load_waivers
from mission_control.alerts.model import Waiver
from mission_control.alerts.store import AlertStore
from mission_control.bootstrap.connect import Edges, reading
from mission_control.bootstrap.keeping import copy_destination, keeping_parts
from mission_control.bootstrap.record import require_record, run_origin
from mission_control.brief.expiring import ExpiryReader
from mission_control.brief.run import BriefCache, BriefSources
from mission_control.config_snapshot.run import InForce
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.floor import observe as floor_sources
from mission_control.floor.board import FloorBoard
from mission_control.floor.coverage import watched_coverage
from mission_control.floor.decide.start import all_asked
from mission_control.floor.model import NOTHING_LATCHED, FloorSnapshot, Latched
from mission_control.floor.observe import Looking, observe_rounds
from mission_control.history.alert_rows import AlertRows
from mission_control.history.continuity import recall_latched
from mission_control.history.database import SQLITE_NAME, open_engine, refuse_newer_tables
from mission_control.history.past_floor import PastFloor
from mission_control.history.reader import HistoryReader
from mission_control.history.remember import FloorMemory
from mission_control.last_known_good.recorded import CaptureCache
from mission_control.last_known_good.run import BuildFacts
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.readiness.model import PollCoverage
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.marker import refuse_newer_record
from mission_control.records.root_check import StoreCheck
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.redaction.redact import redact_document, redact_text
from mission_control.repository.files import RepositoryCopier, RepositorySurveyor, copy_one
from mission_control.repository.read import RepositoryReader
from mission_control.runbooks.library import RunbookLibrary
from mission_control.schedule.claims import RunClaims
from mission_control.schedule.day import ScheduledDay
from mission_control.schedule.decide import plan_session
from mission_control.schedule.job import JobParts, Look, RunSources
from mission_control.schedule.jobs import job_runners
from mission_control.schedule.model import Job, PlannedRun
from mission_control.schedule.planned_run import CommandSources, claiming
from mission_control.schedule.recorded import days_between

FIRST_LOOK_SECONDS = 60.0
AGAIN_SECONDS = 0.25
DAYS_BACK = timedelta(days=5)
"""A run of an earlier session may still be due: the attestation, over a long weekend."""
BUILD_VARIABLES = ("BUILD_ID", "CLOUD_BUILD_ID", "CLOUDBUILD_BUILD_ID", "GCB_BUILD_ID")
"""Where builders say which build this is."""
MOST_OF_A_BUILD, _BEYOND = 200, 2_048


def job_parts(
    settings: Settings,
    edges: Edges,
    look: Look,
    clock: Clock,
    store: ArtifactStore,
    past: PastFloor | None,
) -> JobParts:
    """Connect what the jobs read and write; all of it is recorded through the one store."""
    path, lints = settings.repository, settings.fleet.repository_lints
    artifacts = ArtifactReader(settings.root, clock)
    alerts = AlertStore(AlertRows(past.history.engine, settings.replica)) if past else None
    brief = BriefSources(
        edges.calendar,
        artifacts,
        BriefCache(CaptureCache(clock)),
        past,
        alerts,
        RunbookLibrary(settings.runbooks),
        partial(_waivers, settings.alert_waivers_file),
        ExpiryReader(),
    )
    return JobParts(
        clock,
        look,
        RunWriter(store),
        artifacts,
        edges.calendar,
        StoreCheck(store, clock),
        edges.further,
        RepositoryReader(path, clock, lints) if path else None,
        past,
        alerts,
        brief,
    )


def _waivers(file: Path | None) -> Sequence[Waiver]:
    """Read the waivers in force; raises ConfigurationError for a file that cannot be used."""
    return load_waivers(file)[1] if file is not None else ()


def is_offered(settings: Settings, job: Job) -> bool:
    """Return whether a job is planned: what was not configured is not promised."""
    if job is Job.DURABLE_COPY:
        return settings.durable_copy is not None
    return job is not Job.LKG_CAPTURE or settings.fleet.access is not None


def make_day(
    settings: Settings,
    edges: Edges,
    parts: JobParts,
    clock: Clock,
    label: str,
    store: ArtifactStore,
) -> ScheduledDay:
    """Connect the scheduled day of a server, whose jobs work with these parts."""
    every = job_runners(
        parts,
        keeping_parts(settings, clock, label, store, edges.calendar),
        parts.past.history if parts.past else None,
        partial(find_build, settings, os.environ, clock),
        partial(copy_destination, settings),
    )
    runners = {job: run for job, run in every.items() if is_offered(settings, job)}
    origin = run_origin(settings, "schedule", clock())
    sources = run_sources(settings, edges.calendar, clock, origin, label, store)
    day = ScheduledDay(edges.calendar, parts.artifacts, runners, sources)
    day.since = clock() if label else None  # a simulated floor was not there before
    return day


def run_sources(
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

    claims = RunClaims(settings.root, claim_owner())
    writer = RunWriter(store or ArtifactStore(settings.root))
    return RunSources(clock, claims, writer, origin, ground)


def claim_owner() -> str:
    """Name this process as no other is named, also after a restart with the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


async def look_at_board(
    board: FloorBoard, past: PastFloor | None, memory: FloorMemory | None, clock: Clock
) -> tuple[FloorSnapshot, PollCoverage | Unseen]:
    """
    Return the floor as it is decided next, with how it was watched lately.

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


@asynccontextmanager
async def ready_to_run(
    settings: Settings, clock: Clock, looking: Looking
) -> AsyncGenerator[JobParts]:
    """Connect what a command's job reads and writes; it looks at the floor for itself."""
    require_record(settings)
    store = ArtifactStore(settings.root)
    async with reading(settings, clock) as edges:
        await edges.find_cluster()

        async def look() -> tuple[FloorSnapshot, PollCoverage | Unseen]:
            latched, known = await recall(settings)
            sources = edges.sources
            return await observe_rounds(
                settings.fleet, sources, looking, latched, alarms_known=known
            )

        with history_to_read(settings) as history:
            first = floor_sources.first_snapshot(settings.fleet, edges.sources, "")
            board = FloorBoard(first, clock, time.monotonic)
            past = PastFloor(history, None, edges.calendar, board) if history else None
            yield job_parts(settings, edges, look, clock, store, past)


async def recall(settings: Settings) -> tuple[Latched, bool]:
    """
    Return what was latched when a server decided last, and whether that is known.

    Where no server ever kept a history nothing is latched. One that cannot be read, or is lost,
    older or of another record, is not known, which halts: an alarm of there may not be forgotten
    here.
    """
    url = settings.database_url
    known = url is not None or _exists(settings.root / SQLITE_NAME)
    engine = open_engine(settings.root, url) if known else None
    try:
        latched, lost = await asyncio.to_thread(recall_latched, settings.root, engine)
    except StorageError:
        return NOTHING_LATCHED, False
    finally:
        if engine is not None:
            engine.dispose()
    return latched, not lost


@contextmanager
def history_to_read(settings: Settings) -> Generator[HistoryReader | None]:
    """
    Open the history that a server keeps, for the time of the block; None where none ever did.

    Raises ConfigurationError where a newer version wrote it, or what the root records.
    """
    refuse_newer_record(settings.root)
    if settings.database_url is None and not _exists(settings.root / SQLITE_NAME):
        yield None
        return
    engine = open_engine(settings.root, settings.database_url)
    try:
        refuse_newer_tables(engine)
        yield HistoryReader(engine)
    finally:
        engine.dispose()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it cannot be told, so it is tried


def claim_planned(
    settings: Settings,
    calendar: CalendarReader,
    clock: Clock,
    say: Callable[[str], None],
    jobs: Collection[Job],
    unplanned: str = "",
) -> AbstractAsyncContextManager[RunOrigin]:
    """
    Claim the planned run of one of these jobs that is due, for the time of a block.

    `unplanned` names the job whose failure is recorded where none is.
    """
    origin = beside_the_plan(settings, clock)
    offered = frozenset(job for job in Job if is_offered(settings, job))
    sources = CommandSources(
        lambda: runs_near(calendar, clock(), offered),
        ArtifactReader(settings.root, clock),
        run_sources(settings, calendar, clock, origin),
        say,
    )
    return claiming(jobs, sources, unplanned)


def beside_the_plan(settings: Settings, clock: Clock) -> RunOrigin:
    """Return the origin of a command that claims no planned run; it is recorded in any case."""
    return replace(run_origin(settings, "command", clock()), beside=True)


def runs_near(
    calendar: CalendarReader, now: datetime, offered: Collection[Job]
) -> Sequence[PlannedRun]:
    """List every offered run that may be due at an instant, those of the days before included."""
    today = in_new_york(now).date()
    plans = (
        plan_session(on, calendar.session_at(instant_of(on, time_of_day(12))), offered)
        for on in days_between(today - DAYS_BACK, today)
    )
    return [run for plan in plans for run in plan.runs]


async def find_build(settings: Settings, environ: Mapping[str, str], clock: Clock) -> BuildFacts:
    """Return which build is deployed: the repository's commit, and the builder's own number."""
    sha = ""
    if settings.repository is not None:
        head = await RepositoryReader(settings.repository, clock).head()
        sha = head.value.git_sha if isinstance(head, Seen) else ""
    build = next((environ[name] for name in BUILD_VARIABLES if environ.get(name)), "")
    return BuildFacts(sha, redact_text(build[:_BEYOND])[:MOST_OF_A_BUILD])


async def in_force(settings: Settings) -> InForce:
    """Return the inventory file and every setting, redacted."""
    shown = cast("dict[str, str]", redact_document(settings.shown()))
    return InForce(await copy_one(Path(settings.fleet.source)), shown)


def repository_copier(settings: Settings, clock: Clock) -> RepositoryCopier | None:
    """Connect what copies of the fleet's repository; None where none is configured."""
    path = settings.repository
    return None if path is None else RepositoryCopier(path, RepositoryReader(path, clock))


def repository_surveyor(settings: Settings, clock: Clock) -> RepositorySurveyor | None:
    """Connect what looks over the fleet's repository; None where none is configured."""
    path = settings.repository
    return None if path is None else RepositorySurveyor(path, RepositoryReader(path, clock))
