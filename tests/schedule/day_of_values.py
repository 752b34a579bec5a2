"""A scheduled day over a real root, and what jobs are run with, as a test wants them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mission_control.floor.model import FloorSnapshot
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.reading import Seen
from mission_control.readiness.model import PollCoverage
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.root_check import StoreCheck
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.claims import RunClaims
from mission_control.schedule.day import ScheduledDay
from mission_control.schedule.job import JobParts, RunSources
from mission_control.schedule.model import Job
from tests.floor.floor_of_values import FLEET, NOW

ORIGIN = RunOrigin("schedule", ("mission-control", "serve"), {"python": "3.11.7"}, "1" * 64, NOW)
Work = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Do nothing at all."""


def run_sources(root: Path, clock: Callable[[], datetime], owner: str = "host:1") -> RunSources:
    """Give what claiming and recording leans on, below a real root."""
    calendar = MarketCalendar()

    def ground(now: datetime) -> Ground:
        return Ground.unseen(calendar.session_at(now), FLEET)

    writer = RunWriter(ArtifactStore(root))
    return RunSources(clock, RunClaims(root, owner), writer, ORIGIN, ground)


class WritableStore(StoreCheck):
    """A store that could be written."""

    def __init__(self) -> None:
        """Try nothing."""

    async def check(self) -> Seen[None]:
        """Return that it could."""
        return Seen(None, NOW)


def job_parts(root: Path, snapshot: FloorSnapshot, **changes: Any) -> JobParts:
    """Return what jobs work with, over one look at a floor and below a real root."""
    clock = changes.pop("clock", lambda: NOW)

    async def look() -> tuple[FloorSnapshot, PollCoverage]:
        return snapshot, PollCoverage(900.0, 900.0)

    artifacts, writer = ArtifactReader(root, clock), RunWriter(ArtifactStore(root))
    parts = JobParts(clock, look, writer, artifacts, MarketCalendar(), WritableStore())
    return replace(parts, **changes)


def recording(sources: RunSources, work: Work = nothing, **more: Any) -> Any:
    """Give a job that does its work and records a file."""

    async def run(origin: RunOrigin) -> LedgerEntry:
        await work()
        now = sources.clock()
        facts = origin.facts("a_job", sources.ground(now), now, **more)
        return await sources.writer.record(Collection.OPS_RUNS, {"evidence.txt": b"x"}, facts)

    return run


def a_day(
    root: Path,
    clock: Callable[[], datetime],
    works: Mapping[Job, Any] | None = None,
    *,
    owner: str = "host:1",
    calendar: Any = None,
) -> ScheduledDay:
    """Give a day whose jobs are these works, each recorded once it is done."""
    sources = run_sources(root, clock, owner)
    runners = {
        job: recording(sources, work)
        for job, work in (works or dict.fromkeys(Job, nothing)).items()
    }
    artifacts = ArtifactReader(root, clock)
    return ScheduledDay(calendar or MarketCalendar(), artifacts, runners, sources)
