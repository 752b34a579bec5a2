"""Record: the ledger's lock, and what readers see of lines while others write them."""

import fcntl
import os
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mission_control.errors import StorageError
from mission_control.records import ledger as ledger_module
from mission_control.records import verification as verification_module
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery
from mission_control.records.verification import verify
from tests.records.runs import NOW, everything, record

LOCK = "audit_artifacts/.ledger.lock"
SECOND = timedelta(seconds=1)


@contextmanager
def held(root):
    """Hold the ledger's lock, as a process does that hangs."""
    lock = os.open(root / LOCK, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def test_a_lock_that_is_never_given_back_fails_the_run_and_hangs_nothing(tmp_path, monkeypatch):
    """Who records is told what to look for, and nothing is left; afterwards all is as before."""
    record(tmp_path)
    before = everything(tmp_path)
    monkeypatch.setattr(ledger_module, "LOCK_SECONDS", 0.1)
    with held(tmp_path), pytest.raises(StorageError, match=r"held the ledger's lock for 0\.1 s"):
        record(tmp_path, NOW + SECOND)

    assert before == everything(tmp_path)
    assert 2 == record(tmp_path, NOW + SECOND).seq


def test_a_lock_that_is_held_for_a_moment_is_waited_for(tmp_path, monkeypatch):
    """A run that records a moment later is recorded."""
    record(tmp_path)
    with ExitStack() as holding:
        holding.enter_context(held(tmp_path))
        monkeypatch.setattr(ledger_module.time, "sleep", lambda _seconds: holding.close())

        assert 2 == record(tmp_path, NOW + SECOND).seq


def jobs_of(page):
    """Name the jobs of a page's runs, oldest first."""
    return [entry.job for entry in reversed(page.entries)]


@pytest.mark.anyio
@pytest.mark.parametrize("looks_between", [True, False])
@pytest.mark.parametrize("name", ["a_job", "the_phantom_job", "a_job_of_a_longer_name"])
async def test_a_line_that_was_taken_back_is_not_remembered(
    tmp_path, monkeypatch, name, looks_between
):
    """Read between an append and its failed sync, it gives way to what is in its place."""
    record(tmp_path)
    reader, real, seen = ArtifactReader(tmp_path, lambda: NOW), os.fsync, list[str]()

    def fails(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "ledger.jsonl" and not seen:
            seen.extend(jobs_of(reader._page(ArtifactQuery())))  # noqa: SLF001  (we are in a loop)
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageError, match="Input/output"):
        record(tmp_path, NOW + SECOND, job="the_phantom_job")
    if looks_between:
        assert ["intraday_sample"] == jobs_of(await reader.page(ArtifactQuery(limit=9)))
    record(tmp_path, NOW + SECOND, job=name)
    record(tmp_path, NOW + 2 * SECOND, job="third")

    assert ["intraday_sample", "the_phantom_job"] == seen
    assert ["intraday_sample", name, "third"] == jobs_of(await reader.page(ArtifactQuery(limit=9)))


@pytest.mark.parametrize("case", ["the first run", "the lock is denied", "the lock is free"])
def test_a_run_that_is_recorded_while_others_are_looked_at_is_no_discrepancy(
    tmp_path, monkeypatch, case
):
    """And recording does not wait for that; an unrecorded file is named all the same."""
    monkeypatch.setattr(ledger_module, "LOCK_SECONDS", 1.0)
    if case != "the first run":
        record(tmp_path)
    if case == "the lock is denied":
        (tmp_path / LOCK).unlink()
        (tmp_path / LOCK).mkdir()
    looks = verification_module._Look  # noqa: SLF001  (between its two readings)
    real = looks.walk

    def walk(look, folder):
        if case == "the lock is denied":
            (tmp_path / LOCK).rmdir()
        for number in (1, 2):  # the second one follows a line that was not there before
            record(tmp_path, NOW + number * SECOND)
        (tmp_path / "audit_artifacts/ops_runs/forged").mkdir()
        (tmp_path / "audit_artifacts/ops_runs/forged/x").write_bytes(b"")
        real(look, folder)

    monkeypatch.setattr(looks, "walk", walk)
    found = verify(tmp_path).discrepancies

    assert [("audit_artifacts/ops_runs/forged/x", "UNRECORDED")] == [
        (d.path, d.kind.value) for d in found
    ]


def test_a_ledger_of_years_is_read_once_to_verify_it(tmp_path, monkeypatch):
    """Under the lock only what was recorded since is read; who records does not wait for more."""
    for number in range(5):
        record(tmp_path, NOW + number * SECOND)
    read, real = list[bytes](), verification_module.read_line
    walk = verification_module._Look.walk  # noqa: SLF001  (between its two readings)

    def read_line(line):
        read.append(line)
        return real(line)

    def record_and_walk(look, folder):
        record(tmp_path, NOW + 9 * SECOND)
        walk(look, folder)

    monkeypatch.setattr(verification_module, "read_line", read_line)
    monkeypatch.setattr(verification_module._Look, "walk", record_and_walk)  # noqa: SLF001
    found = verify(tmp_path)

    assert (5, True) == (found.runs, found.intact)
    assert (tmp_path / "audit_artifacts/ledger.jsonl").read_bytes() == b"".join(read)
