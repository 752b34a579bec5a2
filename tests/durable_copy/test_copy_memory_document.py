"""Present: what a run of copying passes to the next one is read again, or not at all."""

from datetime import UTC, datetime

import orjson
import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.durable_copy.model import (
    CopyMemory,
    CopyProblem,
    CopyProblemKind,
    CopyReport,
    Tally,
)
from mission_control.durable_copy.present import memory_document, read_memory
from mission_control.records.model import GENESIS

NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)
DOUBTS = tuple(CopyProblem(f"a/{n:03}", CopyProblemKind.CONFLICT, "other") for n in range(300))
MEMORY = CopyMemory(7, 6, frozenset({"ledger/b", "ledger/a"}), DOUBTS, ("z", "y"), lost=True)
NOTHING = Tally()
TOLD = memory_document(
    CopyReport("/mnt", NOW, NOW, GENESIS, None, NOTHING, NOTHING, NOTHING, memory=MEMORY)
)


def test_what_is_told_is_read_again_whole():
    """Every doubt is there, however many there are, and the order of what waits is kept."""
    assert MEMORY == read_memory(orjson.loads(encode_json(TOLD)))
    assert (["ledger/a", "ledger/b"], "/mnt", 0) == (
        TOLD["proven"],
        TOLD["destination"],
        TOLD["head_seq"],
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"runs": None}, id="missing"),
        pytest.param({"through": True}, id="no number"),
        pytest.param({"lost": 0}, id="no boolean"),
        pytest.param({"proven": [7]}, id="no name"),
        pytest.param({"overdue": [None]}, id="no path"),
        pytest.param({"doubts": [7]}, id="no doubt"),
        pytest.param({"doubts": [{"kind": "CONFLICT", "detail": "x"}]}, id="a doubt of nothing"),
        pytest.param({"doubts": [{"kind": "FINE", "path": "a"}]}, id="another kind"),
        pytest.param({"destination": 7}, id="no destination"),
        pytest.param({"head_seq": "7"}, id="no head"),
    ],
)
def test_what_is_of_another_shape_is_not_read_at_all(change):
    """Half a memory might leave out the one thing that is wrong."""
    assert read_memory({**TOLD, **change}) is None


@pytest.mark.parametrize("key", sorted(TOLD))
def test_what_is_not_there_is_not_read_at_all(key):
    """A memory without one of its fields counts as lost."""
    assert read_memory({k: v for k, v in TOLD.items() if k != key}) is None
