"""A root is tried as runs use it, and whose its files are is told, before a run meets it."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mission_control.errors import StorageError
from mission_control.records import root_check
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.folder import Folder
from mission_control.records.root_check import (
    holds_record,
    look_at_owners,
    other_records,
    tell_new_record,
    try_folder,
)
from tests.real_parts import lacking
from tests.records.runs import record

UNPRIVILEGED = 65534


def test_a_root_that_works_is_left_as_it_was(tmp_path):
    """All is tried, and nothing is left of it."""
    with Folder.open(tmp_path) as folder:
        try_folder(folder)

    assert [] == list(tmp_path.iterdir())


def refusing(number):
    """Return what a file system says that has no such thing."""

    def refuse(*_given, **_how):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_root_without_hard_links_fails_when_it_is_checked(tmp_path, monkeypatch, number):
    """Vfat says EPERM, SMB EOPNOTSUPP, FUSE ENOSYS: told before any run, with the remedy."""
    monkeypatch.setattr(os, "link", refusing(number))
    with pytest.raises(StorageError, match="no hard link") as told:
        ArtifactStore(tmp_path).check()

    assert "vfat" in told.value.remedy
    assert ["audit_artifacts"] == [p.name for p in tmp_path.iterdir()]
    assert [] == list((tmp_path / "audit_artifacts").iterdir())


@pytest.mark.parametrize("call", ["fchmod", "rename", "fsync", "mkdir"])
def test_whatever_a_run_needs_is_tried(tmp_path, monkeypatch, call):
    """Modes, renaming and syncing of folders are no less needed than writing."""
    (tmp_path / "audit_artifacts").mkdir()
    monkeypatch.setattr(os, call, refusing(errno.EINVAL))
    with pytest.raises(StorageError, match="Invalid argument"):
        ArtifactStore(tmp_path).check()
    monkeypatch.undo()

    assert [] == list((tmp_path / "audit_artifacts").iterdir())


def test_a_collection_on_another_file_system_is_tried_as_well(tmp_path):
    """What is mounted below a root may be full, or read-only, by itself."""
    record(tmp_path)
    lkg = tmp_path / "ops/lkg"
    lkg.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(lkg)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        lacking("mounting a small file system needs root (CAP_SYS_ADMIN)")
    try:
        ArtifactStore(tmp_path).check()
        subprocess.run(["mount", "-o", "remount,ro", str(lkg)], check=True, capture_output=True)
        with pytest.raises(StorageError, match="ops/lkg"):
            ArtifactStore(tmp_path).check()
    finally:
        subprocess.run(["umount", "-l", str(lkg)], check=True)


@pytest.mark.parametrize("root", ["/proc", "/proc/self", "/sys", "/dev/pts"])
def test_a_file_system_of_the_kernels_is_no_root(root):
    """Nothing is kept there, whatever it says of writing."""
    if not Path(root).is_dir():
        lacking(f"there is no {root} here")
    with pytest.raises(StorageError, match="file system of the kernel's"):
        ArtifactStore(Path(root)).check()


def test_a_file_system_that_is_not_told_is_tried_all_the_same(tmp_path, monkeypatch):
    """Where the system does not list its mounts, trying is what is left."""
    monkeypatch.setattr(root_check, "MOUNTS", tmp_path / "none")
    ArtifactStore(tmp_path / "root").check()

    assert (tmp_path / "root/audit_artifacts").is_dir()


def test_a_record_of_one_user_is_in_order(tmp_path):
    """Nothing is named where all is the root's own."""
    record(tmp_path)
    seen = look_at_owners(tmp_path)

    assert (os.geteuid(), (), False) == (seen.owner, seen.found, seen.as_root_elsewhere)
    assert None is look_at_owners(tmp_path / "none").owner


def test_what_another_user_left_is_named(tmp_path):
    """
    A ledger that root's cron made is in the service user's way, and so is its history.

    A run of another user's is told although it can be read.
    """
    if os.geteuid():
        lacking("giving files to another user needs root")
    entry = record(tmp_path)
    history = tmp_path / "history.sqlite3"
    history.write_bytes(b"")
    history.chmod(0o600)
    (tmp_path / "not ours.txt").write_bytes(b"")
    for path in (tmp_path, tmp_path / "audit_artifacts"):
        os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
    for parent in tmp_path.parents:
        if not stat.S_IMODE(parent.stat().st_mode) & 0o005 and parent != Path("/"):
            parent.chmod(stat.S_IMODE(parent.stat().st_mode) | 0o055)
    ours = look_at_owners(tmp_path)
    looked = subprocess.run(
        [sys.executable, "-c", _AS_ANOTHER, str(tmp_path)],
        check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    found = dict(line.split("\t") for line in looked.stdout.splitlines())

    assert ours.as_root_elsewhere
    assert {"belongs to another user than the root"} == {f.why for f in ours.found}
    assert "cannot be written" == found["audit_artifacts/ledger.jsonl"]
    assert "cannot be read" == found["audit_artifacts/.ledger.lock"]
    assert "cannot be read" == found["history.sqlite3"]
    assert "belongs to another user than the root" == found[f"{entry.path}/run.json"]
    assert "not ours.txt" not in found


_AS_ANOTHER = f"""
import os, sys
from pathlib import Path
from mission_control.records.root_check import look_at_owners
os.setgid({UNPRIVILEGED}); os.setuid({UNPRIVILEGED})
for each in look_at_owners(Path(sys.argv[1])).found:
    print(each.path, each.why, sep="\\t")
"""


def test_a_large_record_is_looked_at_so_far(tmp_path, monkeypatch):
    """A doctor's patient is not kept waiting for years of runs."""
    monkeypatch.setattr(root_check, "MOST_LOOKED_AT", 3)
    record(tmp_path)

    assert look_at_owners(tmp_path).beyond


def test_a_root_without_a_record_is_told_with_what_may_be_meant(tmp_path):
    """A typo begins a second ledger; the one beside it is named."""
    record(tmp_path / "records")
    (tmp_path / "other").mkdir()
    typo = tmp_path / "recrods"

    assert holds_record(tmp_path / "records")
    assert not holds_record(typo)
    assert [tmp_path / "records"] == other_records(typo)
    assert [tmp_path / "records"] == other_records(tmp_path / "records" / "audit")
    assert [] == other_records(tmp_path / "other")
    assert [tmp_path / "records"] == other_records(tmp_path)
    assert f"did you mean {tmp_path / 'records'}?" in tell_new_record(typo)
    assert "did you mean" not in tell_new_record(tmp_path / "records")
