"""Record: a root, a ledger or a history that is not what it was is said at once, by every part."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest

from mission_control.errors import StorageError
from mission_control.history.database import SQLITE_NAME
from mission_control.model.reading import Seen, Unseen
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.model import ArtifactQuery, Collection
from mission_control.records.root_check import StoreCheck
from tests.floor.floor_of_values import NOW
from tests.history.starting import serve_once, serving
from tests.history.test_notes import ALARMS, keys, noted, wait_until
from tests.real_parts import lacking
from tests.records.runs import everything, facts, record

OPS_RUNS = Collection.OPS_RUNS
pytestmark = pytest.mark.anyio


@contextmanager
def mounted(path):
    """Mount a file system of its own; returns a way to lose it, as a mount is lost in use."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        lacking("mounting a small file system needs root (CAP_SYS_ADMIN)")
    unmount = ["umount", "-l", str(path)]
    try:
        yield lambda: subprocess.run(unmount, check=True)
    finally:
        subprocess.run(unmount, check=False, capture_output=True)


async def said_of(server):
    """Return what history's own check says."""
    found = await server.writer.check()
    return found.detail if isinstance(found, Unseen) else "well"


def delete(root):
    """Delete the history."""
    for file in root.glob(f"{SQLITE_NAME}*"):
        file.unlink()


def replace_by_copy(root):
    """Put a copy in the history's place."""
    shutil.copy(root / SQLITE_NAME, root / "copy")
    (root / "copy").rename(root / SQLITE_NAME)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(delete, "No such file", id="deleted"),
        pytest.param(replace_by_copy, "was replaced", id="replaced"),
    ],
)
async def test_a_history_that_is_gone_is_said_at_once_and_keeps_its_alarms(tmp_path, harm, said):
    """Its file is deleted or replaced while we serve: nothing is written where it would be lost."""
    with serving(tmp_path) as server:
        server.decide()
        server.settle()
        server.plan()
        before = await said_of(server)
        harm(tmp_path)
        after = await said_of(server)
        server.raise_alarm()
        wait_until(lambda: noted(tmp_path) == ALARMS)
    with serving(tmp_path) as again:
        latched = keys(again.writer.recalled())

    assert "well" == before
    assert said in after
    assert ALARMS == latched


async def test_a_deleted_history_is_a_loss_at_the_next_start(tmp_path):
    """What it held beside the noted alarms is not known any more."""
    with serving(tmp_path) as server:
        server.decide()
        server.settle()
        delete(tmp_path)

    assert "is empty" in serve_once(tmp_path)


async def test_a_lost_mount_is_said_by_store_and_history(tmp_path):
    """What is at the mount's place is no record of ours, and nothing is written to it."""
    disk = tmp_path / "disk"
    with mounted(disk) as lose, serving(disk) as server:
        server.decide()
        server.settle()
        server.plan()
        lose()
        said = await said_of(server)
        store = await StoreCheck(server.store, lambda: NOW).check()
        with pytest.raises(StorageError, match="its mount is lost"):
            server.plan()

    assert "No such file" in said
    assert isinstance(store, Unseen)
    assert "its mount is lost" in store.detail
    assert {} == everything(disk)


@pytest.mark.parametrize("place", [".", "audit_artifacts"], ids=["root", "records"])
async def test_a_record_that_is_deleted_is_said_and_not_begun_again(tmp_path, place):
    """A process that used it refuses what is there now, also where that is nothing."""
    root = tmp_path / "root"
    root.mkdir()
    serve_once(root)
    store, reader = ArtifactStore(root), ArtifactReader(root, lambda: NOW)
    store.check()
    before = (await reader.check()).found.runs
    shutil.rmtree(root / place)
    found = await StoreCheck(store, lambda: NOW).check()
    with pytest.raises(StorageError, match="what is there now is not that ledger"):
        await reader.check()
    with pytest.raises(StorageError, match="what is there now is not that ledger"):
        await reader.page(ArtifactQuery())

    assert 1 == before
    assert isinstance(found, Unseen)
    assert not (root / "audit_artifacts").exists()


async def test_a_root_that_comes_back_is_used_again(tmp_path):
    """A root with the same marker is the same record, on whatever device it is now."""
    root = tmp_path / "root"
    root.mkdir()
    serve_once(root)
    store, reader = ArtifactStore(root), ArtifactReader(root, lambda: NOW)
    store.check()
    await reader.check()
    root.rename(tmp_path / "aside")
    away = await StoreCheck(store, lambda: NOW).check()
    shutil.copytree(tmp_path / "aside", root)
    back = await StoreCheck(store, lambda: NOW).check()

    assert isinstance(away, Unseen)
    assert Seen(None, NOW) == back
    assert 1 == (await reader.check()).found.runs


@pytest.mark.parametrize("kept", [0, 1, 2], ids=["emptied", "cut", "cut by one"])
async def test_a_ledger_that_goes_back_is_said(tmp_path, kept):
    """Lines that were there are gone: neither store nor reader takes what is left for all."""
    for _ in range(3):
        record(tmp_path)
    store, reader = ArtifactStore(tmp_path), ArtifactReader(tmp_path, lambda: NOW)
    store.check()
    await reader.page(ArtifactQuery())
    ledger = tmp_path / "audit_artifacts/ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:kept]))
    with pytest.raises(StorageError, match=f"went back from line 3 to {kept}"):
        store.check()
    with pytest.raises(StorageError, match="went back"), store.writing(OPS_RUNS) as run:
        run.record(facts(), "20261120T133000Z_sample")
    if kept < 2:  # the newest line alone may have been taken back
        with pytest.raises(StorageError, match="had 3 lines"):
            await reader.page(ArtifactQuery())


async def test_another_ledger_in_its_place_is_said(tmp_path):
    """A ledger of as many lines that are others is not the one that was there."""
    for _ in range(3):
        record(tmp_path / "one")
        record(tmp_path / "two", job="another")
    store, reader = ArtifactStore(tmp_path / "one"), ArtifactReader(tmp_path / "one", lambda: NOW)
    store.check()
    await reader.page(ArtifactQuery())
    shutil.copy(
        tmp_path / "two/audit_artifacts/ledger.jsonl", tmp_path / "one/audit_artifacts/ledger.jsonl"
    )

    with pytest.raises(StorageError, match="went back from line 3 to 3"):
        store.check()
    with pytest.raises(StorageError, match="had 3 lines"):
        await reader.page(ArtifactQuery())


def test_another_folder_in_the_place_of_a_root_without_a_marker_is_said(tmp_path):
    """A record of before records had ids is known by its folder alone, while it is used."""
    root = tmp_path / "root"
    record(root)
    store = ArtifactStore(root)
    store.check()
    root.rename(tmp_path / "aside")
    root.mkdir()
    with pytest.raises(StorageError, match="not the record that was there"):
        store.check()

    assert {} == everything(root)
