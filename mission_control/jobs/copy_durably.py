"""Jobs: the durable copy: what the ledger names, copied to another place and read back."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mission_control.decide.copy_memory import remember, still_doubted
from mission_control.decide.copy_segments import Line, is_segment
from mission_control.decide.durable_copy import judge_marker, marker_of, plan_copy, reach_of
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactQuery
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
    MARKER,
    CopyMemory,
    CopyProblem,
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
    page = await parts.artifacts.page(ArtifactQuery(limit=EVERYTHING))
    # A ledger of years is long: whatever goes through all of it does so off the event loop.
    lines = await asyncio.to_thread(_lines, page.entries)
    copying = Copying(
        parts.artifacts,
        destination,
        {line.entry.seq: line for line in lines},
        _patience(run_seconds),
    )
    failure, cautions = "", ()
    before = await remembered(parts.artifacts, destination.name)
    try:
        cautions = tuple(await destination.cautions())
        await _look_and_copy(copying, lines, before, None if everything else started.toordinal())
    except (StorageError, Interrupted) as error:
        failure = str(error)
    of = (copying, before, destination.name, page.head, started, parts.clock())
    report = await asyncio.to_thread(_report, *of)
    return await _record(parts, replace(report, failure=failure, cautions=cautions), origin)


def _lines(newest_first: Sequence[LedgerEntry]) -> list[Line]:
    return [Line(entry, write_line(entry)) for entry in reversed(newest_first)]


def _paths(lines: Sequence[Line]) -> frozenset[str]:
    return frozenset(file.path for line in lines for file in line.entry.files)


def _patience(seconds: float) -> Callable[[], bool]:
    now = asyncio.get_running_loop().time
    end = now() + seconds
    return lambda: now() < end


async def _look_and_copy(
    copying: Copying, lines: Sequence[Line], before: CopyMemory, day: int | None
) -> None:
    """See what is there, mark it as ours where it is nobody else's, and copy."""
    if lines:
        await _see_whose(copying, lines[0].entry, before)
    wanted = await asyncio.to_thread(_paths, lines)
    listing = await copying.destination.listing(lambda path: path in wanted or is_segment(path))
    plan = await asyncio.to_thread(plan_copy, lines, listing, day, before)
    if lines and not plan.refused:
        await _mark_ours(copying, lines[0].entry)
    await copying.run(plan)


async def _see_whose(copying: Copying, first: LedgerEntry, before: CopyMemory) -> None:
    """
    See whose copy it is, if it is marked, and write nothing yet.

    A place that held a copy and is empty now is most likely a mount that is not there: filling
    the disk below it would look like a copy and be none.
    """
    if await copying.destination.exists(MARKER):
        await _judge_marker(copying, first)
    elif before.runs:
        detail = f"{before.runs} runs were copied there, and it is empty: is it what was mounted?"
        copying.problems.append(CopyProblem(MARKER, CopyProblemKind.GONE, detail))
        raise Interrupted("the copy is gone: nothing was sent; mount it, or name another place")


async def _mark_ours(copying: Copying, first: LedgerEntry) -> None:
    """
    Mark it as the copy of this record, and prove that nothing there is ever overwritten.

    Only once no other record's segments were seen there: a marker cannot be taken back, and would
    lock out whom the place belongs to.
    """
    destination = copying.destination
    _, content = marker_of(first)
    # The second try must be refused; should the place overwrite, then equal bytes by equal ones.
    await destination.create(MARKER, content)
    if await destination.create(MARKER, content):
        raise Interrupted(f"{destination.name} overwrites what is there: nothing is sent to it")
    await _judge_marker(copying, first)


async def _judge_marker(copying: Copying, first: LedgerEntry) -> None:
    marker, _ = marker_of(first)
    foreign = judge_marker(marker, *await copying.destination.digest(MARKER))
    if foreign is not None:
        copying.problems.append(foreign)
        raise Interrupted("the copy there is not of this record: nothing was sent")


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
    facts = origin.facts(JOB, ground, report.started, parts.clock(), exit_code=code)
    entry = await parts.writer.record(Collection.OPS_RUNS, files, facts)
    return CopiedRun(report, document, entry, code)


def _coverage(report: CopyReport) -> SourceCoverage:
    """Count lines: asked for is the whole ledger, obtained what is verified at the destination."""
    gaps = tuple((p.path, p.kind.value) for p in report.problems[:MOST_PROBLEMS])
    if report.failure:
        gaps = (("destination", report.failure), *gaps)
    runs = report.reach.runs if report.reach else 0
    return SourceCoverage("durable copy", report.head.seq, runs, gaps)
