"""Record: whatever happens to a writer, there is never half an artifact nor a broken chain."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from mission_control.errors import StorageError
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.model import DiscrepancyKind
from mission_control.records.verification import verify
from tests.real_parts import lacking
from tests.records.runs import NOW, everything, record

WRITER = Path(__file__).with_name("writer.py")
KILLS = 300


@pytest.fixture
def nursery(tmp_path):
    """Return a process that forks writers below a root (`writer.py`)."""
    command = [sys.executable, str(WRITER), str(tmp_path / "root")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        yield process
        if process.stdin is not None:
            process.stdin.close()


def lines_of(root):
    """Return the ledger's lines as documents."""
    ledger = root / "audit_artifacts/ledger.jsonl"
    return [orjson.loads(line) for line in ledger.read_bytes().splitlines()]


@pytest.mark.slow
def test_killing_a_writer_anywhere_loses_nothing_acknowledged(tmp_path, nursery):
    """
    After SIGKILL at 300 random points: no half artifact, a whole chain, a clean next run (R9.2).

    What was acknowledged is there; a run that had no line yet gets it, or was never there.
    """
    chance = random.Random(20261120)
    root, acknowledged = tmp_path / "root", set()
    for kill in range(KILLS):
        print("1000000", file=nursery.stdin, flush=True)
        while not (told := nursery.stdout.readline()).startswith("writer"):
            acknowledged.add(told.split()[1])
        if kill % 5 == 0:  # however slow the machine is, some are killed after a run
            acknowledged.add(nursery.stdout.readline().split()[1])
        time.sleep(chance.uniform(0, 0.03))
        os.kill(int(told.split()[1]), signal.SIGKILL)
        if kill % 10 == 9:
            assert [] == [d for d in verify(root).discrepancies if not _is_only_late(d)]
            ArtifactStore(root).sweep(NOW)
            assert () == verify(root).discrepancies
    nursery.stdin.close()
    acknowledged.update(line.split()[1] for line in nursery.stdout)
    ArtifactStore(root).sweep(NOW)
    record(root)

    recorded = {line["path"] for line in lines_of(root)}
    assert acknowledged <= recorded
    assert len(acknowledged) > KILLS / 10
    assert [] == [name for name in everything(root) if "/.tmp-" in name]
    assert verify(root).intact


def _is_only_late(discrepancy):
    """Tell what a crash may leave until the next start: a run or file half way, a torn line."""
    torn = discrepancy.kind is DiscrepancyKind.TRUNCATED and "in the middle" in discrepancy.detail
    unnamed = discrepancy.kind is DiscrepancyKind.MISSING and "/replays/" in discrepancy.path
    return torn or unnamed or discrepancy.kind is DiscrepancyKind.UNRECORDED


def test_writers_that_race_never_share_a_name(tmp_path, nursery):
    """Four processes that record in the same seconds get a run each, all of them chained."""
    for _ in range(4):
        print("30", file=nursery.stdin, flush=True)
    nursery.stdin.close()
    told = [line.split() for line in nursery.stdout]

    paths = [path for what, path in told if what == "run"]
    seqs = [line["seq"] for line in lines_of(tmp_path / "root")]
    assert 4 == sum(what == "done" for what, _ in told)
    assert len(paths) == len(set(paths)) == 4 * (30 + 6)
    assert list(range(1, len(seqs) + 1)) == seqs
    assert verify(tmp_path / "root").intact


@contextmanager
def small_disk(path, size):
    """Mount a small file system; returns a way to remount it."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        lacking("mounting a small file system needs root (CAP_SYS_ADMIN)")
    try:
        yield lambda how: subprocess.run(
            ["mount", "-o", f"remount,{how}", str(path)], check=True, capture_output=True
        )
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_fails_loudly_and_touches_nothing(tmp_path):
    """
    When the disk is full the run fails, what exists is as it was, and room makes it work (R9.6).
    """
    root = tmp_path / "disk"
    with small_disk(root, "256k"):
        record(root, files={"a.json": b"{}"})
        before = everything(root)
        with pytest.raises(StorageError, match="free some space"):
            record(root, files={"large.bin": b"x" * 400_000})
        assert before == everything(root)

        filler = root / "audit_artifacts/ops_runs/.tmp-filler"
        room = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
        filler.write_bytes(b"x" * room)
        with pytest.raises(StorageError, match="free some space"):
            record(root)
        with pytest.raises(StorageError, match="free some space"):
            ArtifactStore(root).check()
        filler.unlink()
        assert before == everything(root)

        record(root, files={"b.json": b"{}"})
        assert verify(root).intact


def test_every_point_at_which_a_disk_can_fill_leaves_nothing_half_done(tmp_path):
    """Wherever the space ends, the store is as it was, or holds the whole run (R9.2, R9.6)."""
    outcomes = set()
    for pages in range(1, 14):
        root = tmp_path / f"disk{pages}"
        with small_disk(root, f"{pages * 4}k"):
            try:
                record(root, files={"a.json": b"a" * 5000, "b/c.json": b"c" * 5000})
            except StorageError:
                outcomes.add("failed")
                assert [] == [n for n in everything(root) if "ledger.lock" not in n]
            else:
                outcomes.add("recorded")
            assert verify(root).intact

    assert {"failed", "recorded"} == outcomes


def test_a_read_only_root_fails_loudly(tmp_path):
    """A root that is mounted read-only is named with its remedy, and can still be verified."""
    root = tmp_path / "disk"
    with small_disk(root, "1m") as remount:
        record(root)
        remount("ro")
        with pytest.raises(StorageError, match="mount that file system writable"):
            record(root)
        with pytest.raises(StorageError, match="mount that file system writable"):
            ArtifactStore(root).check()

        assert verify(root).intact


def test_a_root_that_is_a_file_is_named(tmp_path):
    """A root that is no folder is an error that names it, not a traceback."""
    root = tmp_path / "root"
    root.write_bytes(b"")

    with pytest.raises(StorageError, match="root"):
        ArtifactStore(root).check()


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from mission_control.errors import StorageError
from tests.records.runs import record
from tests.real_parts import lacking
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
root, recorded = Path(sys.argv[1]), 0
try:
    while True:
        record(root, files={"a.json": b"{}"})
        recorded += 1
except StorageError as error:
    print(recorded, "ledger.jsonl" in str(error))
"""


def test_a_line_that_did_not_fit_is_taken_back(tmp_path):
    """Where only a part of a line can be written, none of it stays, nor anything of its run."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path), str(Path(__file__).parents[2])]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    lines = (tmp_path / "audit_artifacts/ledger.jsonl").read_bytes().splitlines(keepends=True)
    assert [str(len(lines)), "True"] == told
    assert lines[-1].endswith(b"\n")
    assert verify(tmp_path).intact
