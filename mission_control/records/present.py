"""What was recorded, and whether it is still as it was, as JSON-ready documents."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from mission_control.cluster.present import cluster_document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.durable_copy.present import DurableCopyDocument
from mission_control.records.model import (
    ArtifactFile,
    Discrepancy,
    LedgerEntry,
    LedgerHead,
    RunFacts,
    SourceCoverage,
    Verification,
)
from mission_control.retention.present import RetentionStateDocument
from mission_control.schedule.model import PlannedRun

ARTIFACTS = "/api/v1/artifacts"
SHOWN_DISCREPANCIES = 100


class ArtifactFileDocument(TypedDict):
    """One recorded file, with where to read it."""

    path: str
    name: str
    sha256: str
    size: int
    url: str


class RunEntryDocument(TypedDict):
    """One line of the ledger."""

    seq: int
    at: str
    at_et: str
    job: str
    session_date: str | None
    path: str
    corrects: str | None
    recovered: bool
    hash: str
    files: list[ArtifactFileDocument]


class HeadDocument(TypedDict):
    """Where the chain ends."""

    seq: int
    hash: str


class DiscrepancyDocument(TypedDict):
    """One thing that is not as it was recorded."""

    path: str
    kind: str
    detail: str


class VerificationDocument(TypedDict):
    """What checking every file and the chain found; at most 100 discrepancies are listed."""

    at: str
    at_et: str
    intact: bool
    runs: int
    files: int
    head: HeadDocument
    discrepancies_found: int
    discrepancies: list[DiscrepancyDocument]


class ArtifactsDocument(TypedDict):
    """A page of what was recorded, newest first; `next_cursor` asks for the page after."""

    ts: str
    total: int
    head: HeadDocument
    next_cursor: str | None
    verification: VerificationDocument
    durable_copy: DurableCopyDocument
    retention: RetentionStateDocument
    runs: list[RunEntryDocument]
    label: NotRequired[str]


class KeptDocuments(TypedDict):
    """How all that was recorded fares: verified, copied, kept."""

    verification: VerificationDocument
    durable_copy: DurableCopyDocument
    retention: RetentionStateDocument


def artifacts_document(
    entries: Iterable[LedgerEntry],
    head: LedgerHead,
    total: int,
    next_before: int | None,
    kept: KeptDocuments,
    now: datetime,
) -> ArtifactsDocument:
    """Give a page of the ledger."""
    return {
        "ts": utc_text(now),
        "total": total,
        "head": head_document(head),
        "next_cursor": None if next_before is None else str(next_before),
        **kept,
        "runs": [run_entry_document(entry) for entry in entries],
    }


def run_entry_document(entry: LedgerEntry) -> RunEntryDocument:
    """Give one line of the ledger."""
    at = datetime.fromisoformat(entry.at)
    return {
        "seq": entry.seq,
        "at": entry.at,
        "at_et": new_york_text(at),
        "job": entry.job,
        "session_date": entry.session_date,
        "path": entry.path,
        "corrects": entry.corrects,
        "recovered": entry.recovered,
        "hash": entry.hash,
        "files": [_file(file, entry.path) for file in entry.files],
    }


def verification_document(found: Verification, at: datetime) -> VerificationDocument:
    """Give what a verification found."""
    return {
        "at": utc_text(at),
        "at_et": new_york_text(at),
        "intact": found.intact,
        "runs": found.runs,
        "files": found.files,
        "head": head_document(found.head),
        "discrepancies_found": len(found.discrepancies),
        "discrepancies": [_discrepancy(each) for each in found.discrepancies[:SHOWN_DISCREPANCIES]],
    }


def head_document(head: LedgerHead) -> HeadDocument:
    """Give the head of the chain."""
    return {"seq": head.seq, "hash": head.hash}


def _file(file: ArtifactFile, below: str) -> ArtifactFileDocument:
    single = file.path == below
    return {
        "path": file.path,
        "name": below.rpartition("/")[2] if single else file.path.removeprefix(f"{below}/"),
        "sha256": file.sha256,
        "size": file.size,
        "url": f"{ARTIFACTS}/{file.path}",
    }


def _discrepancy(each: Discrepancy) -> DiscrepancyDocument:
    return {"path": each.path, "kind": each.kind.value, "detail": each.detail}


MOST_GAPS = 500
"""Of each source; more of them are counted, so that no hurt floor outgrows its own account."""


class FileDocument(TypedDict):
    """One file with its digest."""

    path: str
    sha256: str
    size: int


class GapDocument(TypedDict):
    """What a source did not give, and why."""

    what: str
    reason: str


class CoverageDocument(TypedDict):
    """What one source was asked for and gave."""

    source: str
    asked: int
    obtained: int
    gaps: list[GapDocument]


class PlannedDocument(TypedDict):
    """The planned run that a run claimed, when it was to begin and by when to have ended."""

    key: str
    job: str
    session_date: str
    planned_at: str
    planned_at_et: str
    deadline: str
    deadline_et: str


class RunDocument(TypedDict):
    """A run: what it was, what it stood on, what it wrote, and after which line of the ledger."""

    job: str
    session_date: str | None
    trigger: str
    command_line: list[str]
    exit_code: int
    started: str
    started_et: str
    finished: str
    finished_et: str
    versions: dict[str, str | None]
    config_digest: str
    fleet_digest: str
    inputs: list[FileDocument]
    coverage: list[CoverageDocument]
    outputs: list[FileDocument]
    corrects: str | None
    notes: dict[str, str]
    cluster_identity: dict[str, Any] | None
    planned: PlannedDocument | None
    once: str | None
    ledger_head: dict[str, int | str]


def run_document(facts: RunFacts, outputs: Iterable[ArtifactFile], head: LedgerHead) -> RunDocument:
    """Give a run's own account; its outputs are named below its folder, sorted."""
    return {
        "job": facts.job,
        "session_date": facts.session_date.isoformat() if facts.session_date else None,
        "trigger": facts.trigger,
        "command_line": list(facts.command_line),
        "exit_code": facts.exit_code,
        "started": utc_text(facts.started),
        "started_et": new_york_text(facts.started),
        "finished": utc_text(facts.finished),
        "finished_et": new_york_text(facts.finished),
        "versions": dict(facts.versions),
        "config_digest": facts.config_digest,
        "fleet_digest": facts.fleet_digest,
        "inputs": [_file_run_document(f) for f in facts.inputs],
        "coverage": [_coverage(c) for c in facts.coverage],
        "outputs": [_file_run_document(f) for f in sorted(outputs, key=lambda f: f.path)],
        "corrects": facts.corrects,
        "notes": dict(facts.notes),
        "cluster_identity": facts.cluster and cluster_document(facts.cluster),
        "planned": planned_document(facts.planned) if facts.planned else None,
        "once": facts.only_once,
        "ledger_head": {"seq": head.seq, "hash": head.hash},
    }


def planned_document(run: PlannedRun) -> PlannedDocument:
    """Give a planned run as its own account and every plan write it."""
    return {
        "key": run.key,
        "job": run.job.value,
        "session_date": run.session_date.isoformat(),
        "planned_at": utc_text(run.planned_at),
        "planned_at_et": new_york_text(run.planned_at),
        "deadline": utc_text(run.deadline),
        "deadline_et": new_york_text(run.deadline),
    }


def _file_run_document(file: ArtifactFile) -> FileDocument:
    return {"path": file.path, "sha256": file.sha256, "size": file.size}


def _coverage(coverage: SourceCoverage) -> CoverageDocument:
    return {
        "source": coverage.source,
        "asked": coverage.asked,
        "obtained": coverage.obtained,
        "gaps": _gaps(coverage),
    }


def _gaps(coverage: SourceCoverage) -> list[GapDocument]:
    """Give the gaps, sorted; of very many the first and how many more there are."""
    gaps = sorted(coverage.gaps)
    shown: list[GapDocument] = [{"what": w, "reason": r} for w, r in gaps[:MOST_GAPS]]
    if len(gaps) > MOST_GAPS:
        more = f"and {len(gaps) - MOST_GAPS} more gaps"
        shown.append({"what": coverage.source, "reason": more})
    return shown
