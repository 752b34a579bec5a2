"""Reports read back: a GO is believed only where every word of it is as it was written."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mission_control.readiness.model import ReadinessVerdict
from mission_control.records.model import ArtifactFile, ArtifactQuery, LedgerEntry
from mission_control.records.recorded_reports import RecordedReport, recorded_verdict

ENTRY = LedgerEntry(
    seq=1,
    at="2026-11-18T13:31:00Z",
    job="readiness",
    path="audit_artifacts/ops_runs/run",
    session_date="2026-11-18",
    files=(ArtifactFile(path="audit_artifacts/ops_runs/run/x.json", size=1, sha256="a" * 64),),
    previous="0" * 64,
    hash="1" * 64,
)
WELL = {
    "verdict": "GO",
    "ready": True,
    "code": "",
    "evidence_utc": "2026-11-18T13:30:00Z",
    "session_date": "2026-11-18",
    "fleet_digest": "d",
}


@pytest.mark.parametrize(
    "name", ["readiness_report.json", "durable_copy.json", "retention_report.json", "run.json"]
)
def test_a_copy_of_another_runs_file_is_no_report_of_this_run(name):
    """A snapshot holds what the repository does, under whatever names: none of it is a report."""
    copied = ArtifactFile(path=f"{ENTRY.path}/repo_files/k8s/{name}", size=1, sha256="a" * 64)
    own = ArtifactFile(path=f"{ENTRY.path}/{name}", size=2, sha256="b" * 64)
    snapshot = replace(ENTRY, files=(copied,))
    report = replace(ENTRY, files=(copied, own))

    assert None is snapshot.file_named(name)
    assert own == report.file_named(name)
    assert (False, True) == tuple(
        ArtifactQuery(holding=name).wants(entry) for entry in (snapshot, report)
    )


def test_a_whole_go_is_read_back_as_one():
    """Its instant is that of the evidence, not that of the record."""
    verdict = recorded_verdict(RecordedReport(ENTRY, WELL))

    assert (ReadinessVerdict.GO, "d") == (verdict.verdict, verdict.fleet_digest)
    assert datetime(2026, 11, 18, 13, 30, tzinfo=UTC) == verdict.at


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "go"},
        {"verdict": ["GO"]},
        {"verdict": None},
        {"ready": "true"},
        {"ready": 1},
        {"ready": None},
        {"evidence_utc": None},
        {"evidence_utc": "soon"},
        {"evidence_utc": "2026-11-18T13:30:00"},
        {"evidence_utc": 1763472600},
    ],
    ids=str,
)
def test_an_odd_word_in_it_makes_it_no_go(change):
    """No truthy word, and no instant that could be any hour."""
    verdict = recorded_verdict(RecordedReport(ENTRY, {**WELL, **change}))

    assert ReadinessVerdict.NO_GO is verdict.verdict
    assert verdict.at.tzinfo is not None


@pytest.mark.parametrize(("name", "held"), [("x.json", True), ("json", False), ("run", False)])
def test_runs_are_found_by_a_file_that_they_hold(name, held):
    """The whole name counts, and only what lies directly in the run's folder."""
    assert held is ArtifactQuery(holding=name).wants(ENTRY)
