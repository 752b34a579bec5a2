"""A folder of a mount, in which files are created once and never changed."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

from mission_control.durable_copy.model import LEDGER_FOLDER
from mission_control.durable_copy.patience import PatientThread
from mission_control.errors import StorageError
from mission_control.records.folder import TEMPORARY, Folder, storing
from mission_control.records.model import Collection

LISTING_SECONDS = 300.0
FILE_SECONDS = 120.0
"""For one file of any size that is copied."""
STEP = 1024 * 1024

ABANDONED_AFTER = timedelta(days=1)
"""What a writer of ours left half written is removed when it is older than this."""

HALF_WRITTEN = f"{TEMPORARY}mission-control-"
"""What we are writing there has a name that begins so; other things may live there too."""

NOT_MOUNTED = "nothing is mounted there: it lies on the disk of the machine that copies"
SAME_DISK = "it lies on the same file system as the record itself, and dies with it"


_NO_LINKS = "it needs hard links: mount a file system that has them, or copy to an S3 store"
_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there, or raise the quota",
    errno.EROFS: "mount it writable",
    errno.EACCES: "let this user write there",
    errno.EPERM: f"let this user write there; or, if that is so, {_NO_LINKS}",
    errno.EOPNOTSUPP: _NO_LINKS,
    errno.ENOSYS: _NO_LINKS,
    errno.EMLINK: _NO_LINKS,
    errno.ELOOP: "replace the symbolic link there by what it points to",
    errno.ENOTDIR: "something that is no folder, or a symbolic link, is where one belongs",
}

T = TypeVar("T")


class MountedFolder:
    """
    Keeps a copy below a mounted folder; a `CopyDestination`.

    The folder itself is never made: one that is not there is a mount that is not there, and
    making it would fill the disk below. For the same reason it must stay the folder that it was
    when it was first opened; one object is for one run.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        file_seconds: float = FILE_SECONDS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Copy the record below `root` into this folder; without a clock nothing is ever old."""
        self.name = str(folder)
        self._folder = folder
        self._root = root
        self._file_seconds = file_seconds
        self._clock = clock
        self._thread = PatientThread(self.name)
        self._identity: tuple[int, int] | None = None

    async def cautions(self) -> Sequence[str]:
        """Say whether the copy would be lost together with the record."""
        return await self._call(self._cautions, self._file_seconds)

    async def listing(self, wanted: Callable[[str], bool]) -> Mapping[str, int]:
        """Return everything there that is wanted; what a killed writer left is swept meanwhile."""

        def look() -> Mapping[str, int]:
            old = self._clock() - ABANDONED_AFTER if self._clock else None
            with self._open() as folder:
                return {path: size for path, size in _walk_all(folder, old) if wanted(path)}

        return await self._call(look, LISTING_SECONDS)

    async def exists(self, path: str) -> bool:
        """Return whether anything has this name, in a folder that is there."""
        return await self._call(lambda: self._exists(path), self._file_seconds)

    async def create(self, path: str, content: bytes) -> bool:
        """Create a file, whole and durable; False where anything has its name."""
        return await self._call(lambda: self._create(path, content), self._file_seconds)

    async def digest(self, path: str) -> tuple[str, int]:
        """Read a file back piece by piece."""
        return await self._call(lambda: self._digest(path), self._file_seconds)

    async def _call(self, work: Callable[[], T], seconds: float) -> T:
        """Do it with patience; a fault of this place is raised with a remedy for it."""
        try:
            return await self._thread.call(work, seconds)
        except StorageError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError):
                raise
            remedy = _REMEDIES.get(cause.errno or 0, "see whether it is still mounted, and whole")
            raise StorageError(error.problem, path=error.path, remedy=remedy) from cause

    def _open(self) -> Folder:
        try:
            folder = Folder.open_existing(self._folder)
        except StorageError as error:
            remedy = "mount it; the folder is never made here"
            raise StorageError(error.problem, path=self.name, remedy=remedy) from error
        found = os.fstat(folder.descriptor)
        self._identity = self._identity or (found.st_dev, found.st_ino)
        if self._identity != (found.st_dev, found.st_ino):
            folder.__exit__()
            remedy = "see whether it is still mounted"
            raise StorageError("another folder is there now", path=self.name, remedy=remedy)
        return folder

    def _exists(self, path: str) -> bool:
        within, _, name = path.rpartition("/")
        with self._open() as folder, folder.descend(within) as place:
            return place.exists(name)

    def _cautions(self) -> Sequence[str]:
        with self._open() as folder, Folder.open_existing(self._root) as root:
            there, here = os.fstat(folder.descriptor), os.fstat(root.descriptor)
        same = (SAME_DISK,) if there.st_dev == here.st_dev else ()
        return same if _is_mounted(self._folder) else (*same, NOT_MOUNTED)

    def _create(self, path: str, content: bytes) -> bool:
        within, _, name = path.rpartition("/")
        with self._open() as folder, folder.descend(within, create=True) as place:
            if place.exists(name):
                return False
            try:
                place.write_once(name, content, HALF_WRITTEN)
            except StorageError as error:
                if isinstance(error.__cause__, FileExistsError):
                    return False  # another process was quicker
                raise
            return True

    def _digest(self, path: str) -> tuple[str, int]:
        within, _, name = path.rpartition("/")
        with self._open() as folder, folder.descend(within) as place:
            descriptor = place.open_file(name)
            with os.fdopen(descriptor, "rb") as file, storing(f"{self.name}/{path}"):
                # What was just written would otherwise be read from memory.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                return _hash(file)


def _hash(file: BinaryIO) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    while piece := file.read(STEP):
        hashed.update(piece)
        size += len(piece)
    return hashed.hexdigest(), size


def _is_mounted(folder: Path) -> bool:
    """Return whether it, or a folder above it, is a mount; the disk below everything is none."""
    real = folder.resolve()
    return any(os.path.ismount(each) for each in (real, *real.parents) if each != each.parent)


def _walk_all(folder: Folder, old: datetime | None) -> Iterator[tuple[str, int]]:
    _sweep(folder, old)  # the marker is here, beside whatever else the mount holds
    for top in (LEDGER_FOLDER, *(c.value for c in Collection)):
        try:
            within = folder.descend(top)
        except StorageError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                continue
            raise
        with within:
            yield from _walk(within, top, old)


def _walk(folder: Folder, path: str, old: datetime | None) -> Iterator[tuple[str, int]]:
    _sweep(folder, old)
    for name, kind in folder.entries():
        if name.startswith(TEMPORARY):
            continue
        if kind == stat.S_IFDIR:
            with folder.child(name) as inner:
                yield from _walk(inner, f"{path}/{name}", old)
        else:
            with storing(f"{folder.path}/{name}"):
                found = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
            yield f"{path}/{name}", found.st_size


def _sweep(folder: Folder, old: datetime | None) -> None:
    """Remove what only we left half written in a folder before an instant."""
    if old is None:
        return
    for name, kind in folder.entries():
        if kind == stat.S_IFREG and name.startswith(HALF_WRITTEN):
            _remove_abandoned(folder, name, old)


def _remove_abandoned(folder: Folder, name: str, old: datetime) -> None:
    """Remove what we left half written long ago, unless its writer holds it locked."""
    with storing(f"{folder.path}/{name}"), suppress(FileNotFoundError, BlockingIOError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=folder.descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_mtime < old.timestamp():
                os.unlink(name, dir_fd=folder.descriptor)
        finally:
            os.close(descriptor)
