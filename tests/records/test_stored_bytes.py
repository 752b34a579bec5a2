"""The record's stored forms have the bytes that the version before wrote."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.records import present
from mission_control.records.ledger import Recorded, chain, read_line, write_line
from mission_control.records.marker import read_marker, write_marker
from mission_control.records.model import (
    GENESIS,
    ArtifactFile,
    Discrepancy,
    DiscrepancyKind,
    RecordMarker,
    SourceCoverage,
    Verification,
)
from mission_control.schedule.model import Job, PlannedRun
from tests.records.runs import NOW, facts

STORED = Path(__file__).parent / "stored"
FOLDER = "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample"
FILES = tuple(
    ArtifactFile(path=path, sha256=f"{number}" * 64, size=number)
    for number, path in enumerate(("posture.json", "logs/a.log", "run.json"), 1)
)
PLACED = tuple(replace(f, path=f"{FOLDER}/{f.path}") for f in FILES)
MARKER = RecordMarker("0123456789abcdef", NOW, continues=True)
PLAIN = chain(Recorded(NOW, "intraday_sample", FOLDER, date(2026, 11, 20), PLACED), GENESIS)
ONCE = chain(
    Recorded(NOW, "session_plan", FOLDER, None, PLACED, "ops/lkg/1", recovered=True, once="key"),
    PLAIN.head,
)
PLANNED = PlannedRun(NOW, Job.INTRADAY_SAMPLE, date(2026, 11, 20), NOW + timedelta(minutes=15))
BARE = facts()
RICH = facts(
    inputs=FILES[:1],
    coverage=(
        SourceCoverage("floor", 3, 1, (("strategy", "TIMEOUT"), ("gamma", "DENIED"))),
        SourceCoverage("logs", 600, 0, tuple((f"pod {n:03}", "GONE") for n in range(502))),
    ),
    corrects=FOLDER,
    notes={"status": "COMPLETE", "label": "DEMO"},
    planned=PLANNED,
    cluster=ClusterIdentity("test", "https://cluster.test:6443", "0f1e"),
)
FOUND = Verification(
    2,
    6,
    PLAIN.head,
    tuple(Discrepancy(f"{FOLDER}/{n}", DiscrepancyKind.ALTERED, "it is") for n in range(101)),
)
WRITTEN = {
    "line.json": lambda: write_line(PLAIN),
    "line_once.json": lambda: write_line(ONCE),
    "run_bare.json": lambda: encode_json(present.run_document(BARE, FILES, GENESIS)),
    "run.json": lambda: encode_json(present.run_document(RICH, FILES, PLAIN.head)),
    "entry.json": lambda: encode_json(present.run_entry_document(ONCE)),
    "verification.json": lambda: encode_json(present.verification_document(FOUND, NOW)),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_todays_bytes_are_those_of_before(name):
    """Lines of the ledger, runs' own accounts and answers have the very same bytes."""
    assert (STORED / name).read_bytes() == WRITTEN[name]()


@pytest.mark.parametrize(("name", "entry"), [("line.json", PLAIN), ("line_once.json", ONCE)])
def test_lines_of_before_are_read(name, entry):
    """A line that an older version wrote is read as what it says."""
    assert entry == read_line((STORED / name).read_bytes())


def test_the_marker_is_as_it_was(tmp_path):
    """The marker of a record has the same bytes, and is read again."""
    write_marker(tmp_path, MARKER)

    written = (tmp_path / "audit_artifacts/record.json").read_bytes()
    assert (STORED / "marker.json").read_bytes() == written
    assert MARKER == read_marker(tmp_path)
    assert ["began", "continues", "record_id"] == list(orjson.loads(written))
