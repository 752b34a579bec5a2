"""The writer for jobs: what it began to record is recorded when it ends, cancelled or not."""

import asyncio
import fcntl
import os
from datetime import UTC, datetime

import pytest

from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.model import Collection
from tests.records.runs import facts

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


async def test_a_cancelled_record_has_recorded_when_it_ends(tmp_path):
    """Once it is cancelled the run is in its place, not on its way there."""
    store = ArtifactStore(tmp_path)
    store.check()
    lock = os.open(tmp_path / "audit_artifacts/.ledger.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    writing = asyncio.ensure_future(
        RunWriter(store).record(Collection.OPS_RUNS, {"x.txt": b"x"}, facts(NOW))
    )
    await asyncio.sleep(0.1)
    writing.cancel()
    await asyncio.sleep(0.1)
    waits = not writing.done()
    os.close(lock)
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert waits
    assert (tmp_path / "audit_artifacts/ledger.jsonl").read_bytes().count(b"\n") == 1
