"""The durable copy: what the ledger names, copied to another place and read back."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mission_control.documents.canonical_json import encode_json
from mission_control.durable_copy.copying import CopyDestination, Copying, Interrupted, KeepingParts
from mission_control.durable_copy.decide import (
    FIRST_RUN,
    Line,
    is_segment,
    judge_copy,
    judge_marker,
    marker_of,
    merge,
    plan_copy,
    reach_of,
    remember,
    still_doubted,
)
from mission_control.durable_copy.model import (
    MARKER,
    CopyMemory,
    CopyPlan,
    CopyProblem,
    CopyProblemKind,
    CopyReport,
    CopyState,
    CopyStatus,
    Pending,
)
from mission_control.durable_copy.present import (
    MOST_PROBLEMS,
    copy_document,
    copy_markdown,
    durable_copy_document,
    memory_document,
    read_memory,
)
from mission_control.errors import StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.ledger import write_line
from mission_control.records.model import (
    ArtifactQuery,
    Collection,
    LedgerEntry,
    LedgerHead,
    SourceCoverage,
)
from mission_control.records.recorded_reports import MOST_COMPARED, list_reports, read_report
from mission_control.records.run_origin import Ground, RunOrigin


async def see_whose(copying: Copying, first: LedgerEntry, before: CopyMemory) -> None:
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


async def mark_ours(copying: Copying, first: LedgerEntry) -> None:
    """
    Mark it as the copy of this record, and prove that nothing there is ever overwritten.

    Only once no other record's segments were seen there: a marker cannot be taken back, and would
    lock out the record that the place belongs to.
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


JSON_NAME, MARKDOWN_NAME = "durable_copy.json", "durable_copy.md"
MEMORY_NAME = "durable_copy_memory.json"

Document = Mapping[str, Any]


async def remembered(artifacts: ArtifactReader, destination: str) -> CopyMemory:
    """
    Return what the newest run of copying knew of a destination; nothing where none ever went there.

    A run that was recorded while that one went on could not be known to it, and counts too. One
    whose memory cannot be read may have known anything: then everything is in doubt.
    """
    newest: CopyMemory | None = None
    began, lost = 0, False
    entries = await list_reports(artifacts, JSON_NAME)
    for entry in entries:
        if newest is not None and entry.seq <= began:
            break
        document = await _read(artifacts, entry)
        memory = None if document is None else read_memory(document)
        if document is None or memory is None:
            lost = True
        elif document["destination"] == destination:
            if newest is None:
                began = document["head_seq"]
            newest = memory if newest is None else merge(newest, memory)
    lost = lost or (newest is None and len(entries) >= MOST_COMPARED)
    known = newest or FIRST_RUN
    return replace(known, lost=known.lost or lost)


async def _read(artifacts: ArtifactReader, entry: LedgerEntry) -> Document | None:
    try:
        return (await read_report(artifacts, entry, MEMORY_NAME)).document
    except StorageError:
        return None


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
    document: Document
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
        """Return its lines by their numbers."""
        return {line.entry.seq: line for line in self.lines}


async def _read_ledger(artifacts: ArtifactReader) -> _Ledger:
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
    See what is there, mark it as ours where it is no other record's, and copy.

    What is there and is not known here may have been recorded, and copied by another run,
    after our ledger was read. So a contradiction is believed only of a ledger that did not grow
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
    problems = (*copying.problems, *still_doubted(doubts, copying.problems, copying.equal))
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
        tuple(sorted(problems, key=lambda p: (worst_first.index(p.kind), p))),
        memory=remember(before, plan, copying.problems, copying.equal, reach),
    )


async def _record(parts: KeepingParts, report: CopyReport, origin: RunOrigin) -> CopiedRun:
    document = copy_document(report)
    files = {
        JSON_NAME: encode_json(document, parts.label),
        MARKDOWN_NAME: copy_markdown(document, parts.label).encode(),
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


LOOKED_BACK = 30
"""So many runs of copying are looked through for one that says how far the copy reaches."""

_REACH = ("verified_through", "runs_copied", "copied", "pending_seq")


async def copy_state(
    artifacts: ArtifactReader, destination: str, head: LedgerHead, now: datetime
) -> dict[str, Any]:
    """Return the state of the durable copy; `destination` is as configured, empty for none."""
    try:
        newest = await _newest_report(artifacts, destination)
        pending = await _oldest_pending(artifacts, newest, head)
    except StorageError as error:
        detail = f"the newest report cannot be read: {error.problem}"
        state = CopyState(CopyStatus.UNKNOWN, detail)
        return durable_copy_document(state, destination, head.seq, None)
    state = judge_copy(destination, newest, pending, now)
    return durable_copy_document(state, destination, head.seq, newest)


async def _newest_report(artifacts: ArtifactReader, destination: str) -> Document | None:
    """
    Return the newest report, and how far the copy reached when that was last known.

    A run that could not reach the destination does not know; then an earlier one says it.
    """
    entries = await list_reports(artifacts, JSON_NAME, LOOKED_BACK)
    newest: dict[str, Any] | None = None
    for entry in entries:
        document = (await read_report(artifacts, entry, JSON_NAME)).document
        if newest is None:
            newest = {**document, **dict.fromkeys(_REACH), "path": entry.path}
        if document.get("destination") != destination:
            break  # it says how far another copy reaches
        if isinstance(document.get("verified_through"), int):
            newest.update({name: document.get(name) for name in _REACH})
            break
    return newest


async def _oldest_pending(
    artifacts: ArtifactReader, newest: Document | None, head: LedgerHead
) -> Pending | None:
    """Return the oldest line that is not copied; of one that cannot be read no age is known."""
    through = newest.get("verified_through") if newest else None
    after = through if isinstance(through, int) else 0
    if head.seq <= after:
        return None
    page = await artifacts.page(ArtifactQuery(limit=1, before=after + 2))
    found = [e for e in page.entries if e.seq == after + 1]
    return Pending(after + 1, datetime.fromisoformat(found[0].at) if found else None)
