"""Present: what a run tells of itself, as its `run.json` (semantics, section 9)."""

from collections.abc import Iterable
from typing import TypedDict

from mission_control.model.artifact import ArtifactFile, LedgerHead, RunFacts, SourceCoverage
from mission_control.model.schedule import PlannedRun
from mission_control.present.cluster_identity import ClusterDocument, cluster_document
from mission_control.present.instants import new_york_text, utc_text

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
    cluster_identity: ClusterDocument | None
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
        "inputs": [_file(f) for f in facts.inputs],
        "coverage": [_coverage(c) for c in facts.coverage],
        "outputs": [_file(f) for f in sorted(outputs, key=lambda f: f.path)],
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


def _file(file: ArtifactFile) -> FileDocument:
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
