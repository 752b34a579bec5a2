"""Jobs: the capture of the last known good as a planned run makes it, or is refused it."""

from collections.abc import Awaitable, Callable

from mission_control.jobs.artifact_ports import ArtifactWriter
from mission_control.jobs.capture_lkg import (
    JOB,
    REFUSED,
    BuildFacts,
    LkgSources,
    capture_lkg,
    record_lkg,
)
from mission_control.jobs.day_sources import DaySources
from mission_control.jobs.ports import CalendarReader, Clock
from mission_control.jobs.recorded_runs import NO_EVIDENCE
from mission_control.jobs.run_origin import Ground, RunOrigin
from mission_control.model.artifact import Collection, LedgerEntry
from mission_control.model.lkg import LkgRefused
from mission_control.model.snapshot import FloorSnapshot


class CaptureRefused(Exception):  # noqa: N818  (a planned run's way to say that there is none)
    """Nothing was captured, and nothing was touched; says why."""


FindBuild = Callable[[], Awaitable[BuildFacts]]


async def run_lkg(
    sources: DaySources, origin: RunOrigin, *, calendar: CalendarReader, find_build: FindBuild
) -> LedgerEntry:
    """
    Capture and record once a session has closed, as its planned run does.

    Raises CaptureRefused where there can be no capture, StorageError where none can be recorded.
    """
    read = sources.readiness
    if read.artifacts is None:
        raise CaptureRefused("nothing is recorded here, so nothing can be compared")
    snapshot, _ = await sources.look()
    known = LkgSources(read.clock, read.artifacts, read.further, sources.past, calendar)
    made = await capture_lkg(snapshot, known, await find_build())
    if isinstance(made, LkgRefused):
        raise CaptureRefused("; ".join(made.reasons))
    return await record_lkg(made, snapshot, sources.writer, read.clock, origin)


async def record_refusal(
    refused: LkgRefused,
    snapshot: FloorSnapshot,
    writer: ArtifactWriter,
    clock: Clock,
    origin: RunOrigin,
) -> LedgerEntry:
    """
    Record that a planned capture was refused, with every reason; nothing of the LKG is touched.

    Its notes tell the plan that it produced no evidence, for its exit code is no error's. Raises
    StorageError.
    """
    notes = NO_EVIDENCE | {"detail": "; ".join(refused.reasons)[:300]}
    facts = origin.facts(JOB, Ground.of(snapshot), clock(), exit_code=REFUSED, notes=notes)
    files = {"refused.txt": "".join(f"REFUSED: {r}\n" for r in refused.reasons).encode()}
    return await writer.record(Collection.OPS_RUNS, files, facts)
