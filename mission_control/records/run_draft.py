"""A run while it is being written, in a hidden folder that counts as no run yet."""

import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from mission_control.errors import StorageError
from mission_control.records.folder import TEMPORARY, Folder, check_name, storing
from mission_control.records.model import RUN_FILE, SUMS_FILE, ArtifactFile, sums_text

MAX_DEPTH = 4
"""Folders within a run go no deeper than this."""


@dataclass(slots=True)
class RunDraft:
    """
    Collects the files of a run; each is written once, synced and read-only at once.

    Its folder is hidden and locked by us: one whose lock is free belongs to a process that died
    and is swept. `name` is the hidden name.
    """

    folder: Folder
    name: str
    files: list[ArtifactFile] = field(default_factory=list[ArtifactFile])

    def write(self, path: str, content: bytes) -> ArtifactFile:
        """Write a file of the run; `path` may name folders, raises StorageError for bad names."""
        *folders, name = path.split("/")
        if len(folders) > MAX_DEPTH:
            raise StorageError("it lies too deep", path=path[:200])
        if path in {RUN_FILE, SUMS_FILE}:
            raise StorageError("this file is written when the run is recorded", path=path)
        with self.folder.descend("/".join(map(check_name, folders)), create=True) as folder:
            folder.write_once(name, content)
        written = digest(path, content)
        self.files.append(written)
        return written

    def finish(self, account: bytes) -> tuple[ArtifactFile, ArtifactFile]:
        """
        Write the run's own account and the digests of all, and make the folder read-only.

        Gives both: the digests are its last file, and in no account but the ledger's.
        """
        own = digest(RUN_FILE, account)
        sums = sums_text((own, *self.files)).encode()
        self.folder.write_once(RUN_FILE, account)
        self.folder.write_once(SUMS_FILE, sums)
        with storing(self.folder.path):
            _close(self.folder)
        return own, digest(SUMS_FILE, sums)


def digest(path: str, content: bytes) -> ArtifactFile:
    """Return a file's path with the digest and size of its bytes."""
    return ArtifactFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


@contextmanager
def drafting(within: Folder) -> Generator[RunDraft]:
    """Return a draft in a hidden folder; what is left of it after the block is removed."""
    draft = _create_locked(within)
    try:
        yield draft
    finally:
        with draft.folder:  # locked until nothing is left of it, so that no other process sweeps it
            if within.exists(draft.name):
                with storing(within.path):
                    remove_tree(within, draft.name)


def _create_locked(within: Folder) -> RunDraft:
    """Create a hidden folder and lock it; one that was swept before that is created again."""
    while True:
        name = f"{TEMPORARY}{secrets.token_hex(8)}"
        with storing(within.path):
            os.mkdir(name, 0o755, dir_fd=within.descriptor)
            try:
                descriptor = _open_hidden(within, name)
            except FileNotFoundError:
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return RunDraft(Folder(descriptor, f"{within.path}/{name}"), name)
            os.close(descriptor)


def remove_abandoned(within: Folder) -> list[str]:
    """Remove what processes that died left half written; returns the names, sorted."""
    removed = list[str]()
    for name, _ in within.entries():
        if name.startswith(TEMPORARY) and _remove_unlocked(within, name):
            removed.append(name)
    return removed


def _remove_unlocked(within: Folder, name: str) -> bool:
    with storing(f"{within.path}/{name}"):
        try:
            descriptor = _open_hidden(within, name)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(within, name)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, BlockingIOError):
            return False  # its owner, or another sweep, was quicker or is at it
    return True


def _open_hidden(within: Folder, name: str) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    return os.open(name, flags, dir_fd=within.descriptor)


def remove_tree(within: Folder, name: str) -> None:
    """Remove a temporary file or folder and all that is in it, following no link."""
    if not name.startswith(TEMPORARY):
        raise StorageError("only what is temporary is ever removed", path=name)
    _remove(within.descriptor, name)


def _remove(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except IsADirectoryError:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=parent)
        try:
            with suppress(OSError):  # where modes cannot be set, they are in no way either
                os.fchmod(descriptor, 0o755)
            for inner in os.listdir(descriptor):  # noqa: PTH208  (by descriptor)
                _remove(descriptor, inner)
        finally:
            os.close(descriptor)
        os.rmdir(name, dir_fd=parent)


def _close(folder: Folder) -> None:
    """Make a finished folder and all folders in it read-only and durable."""
    for name, kind in folder.entries():
        if kind == stat.S_IFDIR:
            with folder.child(name) as inner:
                _close(inner)
    os.fchmod(folder.descriptor, 0o555)
    os.fsync(folder.descriptor)
