"""What runs of copying record has the bytes that the version before wrote."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.durable_copy import present
from mission_control.durable_copy.model import (
    CopyMemory,
    CopyProblem,
    CopyProblemKind,
    CopyReach,
    CopyReport,
    CopyState,
    CopyStatus,
    Tally,
)
from mission_control.records.model import GENESIS, LedgerHead
from tests.durable_copy.ledger_of_values import NOW

STORED = Path(__file__).parent / "stored"
PROBLEMS = tuple(
    CopyProblem(f"ops/lkg/{n:03}", CopyProblemKind.CONFLICT, "it has | 7 bytes") for n in range(203)
)
MEMORY = CopyMemory(7, 6, frozenset({"ledger/b", "ledger/a"}), PROBLEMS, ("z", "y"), lost=True)
WRONG = CopyReport(
    "s3://bucket/prefix",
    NOW,
    NOW + timedelta(seconds=90.0625),
    LedgerHead(seq=9, hash="a" * 64),
    CopyReach(6, 7, Tally(14, 1400), 2, 7, "2026-11-20T21:00:00.000Z"),
    Tally(2, 200),
    Tally(1, 100),
    Tally(3, 300),
    PROBLEMS,
    ("it lies on the same disk",),
    "no answer within 120 s",
    MEMORY,
)
FINE = CopyReport(
    "/mnt/copy",
    NOW,
    NOW,
    GENESIS,
    CopyReach(0, 0, Tally(), 0),
    Tally(),
    Tally(),
    Tally(),
)
STATE = CopyState(CopyStatus.LAGGING, "line 7 is not copied", NOW)
DOCUMENT = {**present.copy_document(WRONG), "path": "audit_artifacts/ops_runs/1"}


def label_of(report):
    """Return the label that a report of the demo bears."""
    return "DEMO" if report is WRONG else ""


def both(name, report):
    """Return the JSON and the Markdown of a report."""
    document, label = present.copy_document(report), label_of(report)
    return {
        f"{name}.json": encode_json(document, label),
        f"{name}.md": present.copy_markdown(document, label).encode(),
        f"{name}_memory.json": encode_json(present.memory_document(report)),
    }


WRITTEN = {
    **both("wrong", WRONG),
    **both("fine", FINE),
    **both("unreached", replace(WRONG, reach=None, problems=())),
    "state.json": encode_json(present.durable_copy_document(STATE, "/mnt/copy", 9, DOCUMENT)),
    "state_of_none.json": encode_json(
        present.durable_copy_document(replace(STATE, since=None), "", 0, None)
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_todays_bytes_are_those_of_before(name):
    """Reports, memories and states have the very same bytes."""
    assert (STORED / name).read_bytes() == WRITTEN[name]


def test_a_memory_of_before_is_read():
    """What an older version told the next run is read whole."""
    stored = orjson.loads((STORED / "wrong_memory.json").read_bytes())

    assert MEMORY == present.read_memory(stored)
