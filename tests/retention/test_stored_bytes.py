"""The retention report has the bytes that the version before wrote."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.records.model import Collection
from mission_control.retention import present
from mission_control.retention.model import KeptCollection, RetentionReport

STORED = Path(__file__).parent / "stored"
NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)
BEYOND = tuple(f"ops/lkg/{n:03}" for n in range(202))
KEPT = KeptCollection(
    Collection.LKG,
    232,
    464,
    9_000,
    "2026-01-05T22:00:00.000Z",
    "2026-11-20T22:00:00.000Z",
    BEYOND,
    8_000,
)
EMPTY = KeptCollection(Collection.REPLAYS, 0, 0, 0, None, None, (), 0)
MIND = RetentionReport(
    NOW,
    date(2026, 1, 5),
    date(2026, 10, 8),
    28,
    (date(2026, 11, 3), date(2026, 11, 4)),
    tuple(f"audit_artifacts/ops_runs/{n:03}/run.json" for n in range(201)),
    (KEPT, EMPTY),
    ("nothing is recorded of 2 trading days: 2026-11-03, 2026-11-04", "a second | one"),
)
FINE = RetentionReport(NOW, None, None, 30, (), (), (EMPTY,), ())


def both(name, report, label=""):
    """Return the JSON and the Markdown of a report."""
    document = present.retention_document(report)
    return {
        f"{name}.json": encode_json(document, label),
        f"{name}.md": present.retention_markdown(document, label).encode(),
    }


STATES = {
    "mind": {**present.retention_document(MIND), "path": "audit_artifacts/ops_runs/1"},
    "fine": {**present.retention_document(FINE), "path": "audit_artifacts/ops_runs/2"},
    "unreadable": {"unreadable": "it cannot be read: gone"},
    "none": None,
}
WRITTEN = {
    **both("mind", MIND, "DEMO"),
    **both("fine", FINE),
    **{
        f"state_{name}.json": encode_json(present.retention_state_document(newest))
        for name, newest in STATES.items()
    },
}


@pytest.mark.parametrize("name", WRITTEN)
def test_todays_bytes_are_those_of_before(name):
    """Reports and states have the very same bytes."""
    assert (STORED / name).read_bytes() == WRITTEN[name]
