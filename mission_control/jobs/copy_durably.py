"""Jobs: the durable copy: what the ledger names, copied to another place and read back."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mission_control.decide.copy_memory import remember, still_doubted
from mission_control.decide.copy_segments import Line, is_segment
from mission_control.decide.durable_copy import plan_copy, reach_of
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactQuery, ArtifactsReader
from mission_control.jobs.copy_marking import mark_ours, see_whose
from mission_control.jobs.copy_ports import CopyDestination, KeepingParts
from mission_control.jobs.copying import Copying, Interrupted
from mission_control.jobs.earlier_copies import (
    JSON_NAME,
    MARKDOWN_NAME,
    MEMORY_NAME,
    remembered,
)
from mission_control.jobs.run_origin import Ground, RunOrigin
from mission_control.model.artifact import Collection, LedgerEntry, LedgerHead, SourceCoverage
from mission_control.model.durable_copy import (
    CopyMemory,
    CopyPlan,
    CopyProblemKind,
    CopyReport,
)
from mission_control.present.canonical_json import encode_json
from mission_control.present.copy_document import (
    MOST_PROBLEMS,
    CopyDocument,
    copy_document,
    copy_markdown,
)
from mission_control.present.copy_memory_document import memory_document
from mission_control.present.ledger_text import write_line

JOB = "durable_copy"

RUN_SECONDS = 1800.0
"""A run ends after this; what is left is for the next one. One that reads back all takes longer."""

DONE, FAILED, CONTRADICTED = 0, 1, 4
"""What a run ends with: copied; not everything; bytes here or there are not those recorded."""
_STATUS = {DONE: "COMPLETE", FAILED: "INCOMPLETE", CONTRADICTED: "CONTRADICTED"}

EVERYTHING = 2**31


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """A run of copying: what it did, the line that records it, and what it ends with."""

    report: CopyReport
    document: CopyDocument
    entry: LedgerEntry
    exit_code: int


async def copy_durably(
    parts: KeepingParts,
    destination: CopyDestination,
    origin: RunOrigin,
    *,
    everything: bool = False,
    run_seconds: float | None = None,
) -> CopiedRun:
    """
    Copy what is not at the destination yet, verify it, and record what was done.

    `everything` also reads back all that was copied before, however long that takes; otherwise a
    thirtieth of it, and what earlier runs had no time for comes first. `run_seconds` is another
    limit. What the destination does, or does not, is in the report; raises StorageError only where
    our own record can be neither read nor written. The run's own record is copied by the next run.
    """
    if run_seconds is None:
        run_seconds = math.inf if everything else RUN_SECONDS
    started = parts.clock()
    ledger = await _read_ledger(parts.artifacts)
    copying = Copying(parts.artifacts, destination, ledger.numbered, _patience(run_seconds))
    failure, cautions = "", ()
    before = await remembered(parts.artifacts, destination.name)
    try:
        cautions = tuple(await destination.cautions())
        await _look_and_copy(copying, ledger, before, None if everything else started.toordinal())
    except (StorageError, Interrupted) as error:
        failure = str(error)
    of = (copying, before, destination.name, ledger.head, started, parts.clock())
    report = await asyncio.to_thread(_report, *of)
    return await _record(parts, replace(report, failure=failure, cautions=cautions), origin)


@dataclass(frozen=True, slots=True)
class _Ledger:
    """Our own ledger as it was once read, oldest line first."""

    head: LedgerHead
    lines: Sequence[Line]

    @property
    def numbered(self) -> dict[int, Line]:
        """Give its lines by their numbers."""
        return {line.entry.seq: line for line in self.lines}


async def _read_ledger(artifacts: ArtifactsReader) -> _Ledger:
    page = await artifacts.page(ArtifactQuery(limit=EVERYTHING))
    # A ledger of years is long: whatever goes through all of it does so off the event loop.
    return _Ledger(page.head, await asyncio.to_thread(_lines, page.entries))


def _lines(newest_first: Sequence[LedgerEntry]) -> list[Line]:
    return [Line(entry, write_line(entry)) for entry in reversed(newest_first)]


def _paths(lines: Sequence[Line]) -> frozenset[str]:
    return frozenset(file.path for line in lines for file in line.entry.files)


def _patience(seconds: float) -> Callable[[], bool]:
    now = asyncio.get_running_loop().time
    end = now() + seconds
    return lambda: now() < end


async def _look_and_copy(
    copying: Copying, ledger: _Ledger, before: CopyMemory, day: int | None
) -> None:
    """
    See what is there, mark it as ours where it is nobody else's, and copy.

    What stands there and is not known here may have been recorded, and copied by another run,
    after our ledger was read. So a contradiction is believed only of a ledger that stood still
    while the place was looked at.
    """
    plan = await _look(copying, ledger, before, day)
    while plan.refused:
        read = await _read_ledger(copying.artifacts)
        if read.head == ledger.head:
            break
        ledger, copying.lines = read, read.numbered
        plan = await _look(copying, ledger, before, day)
    if ledger.lines and not plan.refused:
        await mark_ours(copying, ledger.lines[0].entry)
    await copying.run(plan)


async def _look(copying: Copying, ledger: _Ledger, before: CopyMemory, day: int | None) -> CopyPlan:
    """See whose copy it is and what is there, and plan; writes nothing."""
    if ledger.lines:
        await see_whose(copying, ledger.lines[0].entry, before)
    wanted = await asyncio.to_thread(_paths, ledger.lines)
    listing = await copying.destination.listing(lambda path: path in wanted or is_segment(path))
    return await asyncio.to_thread(plan_copy, ledger.lines, listing, day, before)


def _report(
    copying: Copying,
    before: CopyMemory,
    name: str,
    head: LedgerHead,
    started: datetime,
    finished: datetime,
) -> CopyReport:
    verified, plan = copying.verified(), copying.plan
    reach = None if verified is None else reach_of(copying.lines, verified)
    doubts = before.doubts if plan is None or plan.refused else plan.doubts
    told = (*copying.problems, *still_doubted(doubts, copying.problems, copying.equal))
    worst_first = list(CopyProblemKind)
    return CopyReport(
        name,
        started,
        finished,
        head,
        reach,
        copying.sent,
        copying.found,
        copying.reread,
        tuple(sorted(told, key=lambda p: (worst_first.index(p.kind), p))),
        memory=remember(before, plan, copying.problems, copying.equal, reach),
    )


async def _record(parts: KeepingParts, report: CopyReport, origin: RunOrigin) -> CopiedRun:
    document = copy_document(report, parts.label)
    files = {
        JSON_NAME: encode_json(document),
        MARKDOWN_NAME: copy_markdown(document).encode(),
        MEMORY_NAME: encode_json(memory_document(report)),
    }
    code = CONTRADICTED if report.contradicted else DONE if report.complete else FAILED
    session = parts.calendar.session_at(report.started)
    ground = Ground(session, parts.fleet, _coverage(report), parts.label)
    notes = {"status": _STATUS[code]}
    facts = origin.facts(JOB, ground, parts.clock(), exit_code=code, notes=notes)
    entry = await parts.writer.record(Collection.OPS_RUNS, files, facts)
    return CopiedRun(report, document, entry, code)


def _coverage(report: CopyReport) -> SourceCoverage:
    """
    Count lines: asked for is the whole ledger, obtained what is verified at the destination.

    What another run copied of lines that were recorded meanwhile is verified too.
    """
    gaps = tuple((p.path, p.kind.value) for p in report.problems[:MOST_PROBLEMS])
    if report.failure:
        gaps = (("destination", report.failure), *gaps)
    runs = report.reach.runs if report.reach else 0
    return SourceCoverage("durable copy", max(report.head.seq, runs), runs, gaps)
