"""What was recorded, and whether it is still as it was, as JSON-ready documents."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from mission_control.cluster.present import cluster_document
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.records.model import (
    ArtifactFile,
    LedgerEntry,
    LedgerHead,
    RunFacts,
    SourceCoverage,
    Verification,
)
from mission_control.schedule.model import PlannedRun

ARTIFACTS = "/api/v1/artifacts"
SHOWN_DISCREPANCIES = 100
MOST_GAPS = 500
"""Of each source; more of them are counted, so that no hurt floor outgrows its own account."""


class ArtifactsDocument(TypedDict):
    """A page of what was recorded, newest first; `next_cursor` asks for the page after."""

    ts: str
    total: int
    head: dict[str, Any]
    next_cursor: str | None
    verification: dict[str, Any]
    durable_copy: dict[str, Any]
    retention: dict[str, Any]
    runs: list[dict[str, Any]]
    label: NotRequired[str]


def run_entry_document(entry: LedgerEntry) -> dict[str, Any]:
    """Return one line of the ledger, with where to read each of its files."""
    return document(entry, "files", "once", "previous") | {
        "at_et": new_york_text(datetime.fromisoformat(entry.at)),
        "files": [_placed_file(file, entry.path) for file in entry.files],
    }


def _placed_file(file: ArtifactFile, below: str) -> dict[str, Any]:
    within = file.path.startswith(f"{below}/")
    name = file.path.removeprefix(f"{below}/") if within else file.path.rpartition("/")[2]
    return document(file) | {"name": name, "url": f"{ARTIFACTS}/{file.path}"}


def verification_document(found: Verification, at: datetime) -> dict[str, Any]:
    """Return what a verification found; at most 100 discrepancies are listed."""
    return {
        "at": utc_text(at),
        "at_et": new_york_text(at),
        "intact": found.intact,
        **document(found, "head", "discrepancies"),
        "head": document(found.head),
        "discrepancies_found": len(found.discrepancies),
        "discrepancies": document(found.discrepancies[:SHOWN_DISCREPANCIES]),
    }


def run_document(
    facts: RunFacts, outputs: Iterable[ArtifactFile], head: LedgerHead
) -> Mapping[str, Any]:
    """Return a run's own account; its outputs are named below its folder, sorted."""
    own = ("inputs", "coverage", "planned", "folder", "once", "beside", "cluster")
    return {
        **document(facts, *own),
        "started_et": new_york_text(facts.started),
        "finished_et": new_york_text(facts.finished),
        "inputs": document(facts.inputs),
        "coverage": [document(c, "gaps") | {"gaps": _gaps(c)} for c in facts.coverage],
        "outputs": document(sorted(outputs, key=lambda f: f.path)),
        "cluster_identity": facts.cluster and cluster_document(facts.cluster),
        "planned": facts.planned and planned_document(facts.planned),
        "once": facts.only_once,
        "ledger_head": document(head),
    }


def planned_document(run: PlannedRun) -> dict[str, Any]:
    """Return a planned run as its own account and every plan write it."""
    added = {
        "key": run.key,
        "planned_at_et": new_york_text(run.planned_at),
        "deadline_et": new_york_text(run.deadline),
    }
    return document(run, "skipped") | added


def _gaps(coverage: SourceCoverage) -> list[dict[str, str]]:
    """Return the gaps, sorted; of very many the first and how many more there are."""
    gaps = sorted(coverage.gaps)
    shown = [{"what": what, "reason": reason} for what, reason in gaps[:MOST_GAPS]]
    if len(gaps) > MOST_GAPS:
        more = f"and {len(gaps) - MOST_GAPS} more gaps"
        shown.append({"what": coverage.source, "reason": more})
    return shown
