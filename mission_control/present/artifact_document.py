"""Present: what was recorded, and whether it is still as it was, as JSON-ready documents."""

from collections.abc import Iterable
from datetime import datetime
from typing import NotRequired, TypedDict

from mission_control.model.artifact import (
    ArtifactFile,
    Discrepancy,
    LedgerEntry,
    LedgerHead,
    Verification,
)
from mission_control.present.copy_document import DurableCopyDocument
from mission_control.present.instants import new_york_text, utc_text
from mission_control.present.retention_document import RetentionStateDocument

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
