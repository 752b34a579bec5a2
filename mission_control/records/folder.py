"""A folder held open, in which files are written once and no symlink is followed."""

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mission_control.errors import StorageError

TEMPORARY = ".tmp-"
"""What is being written has a name that begins so; after a crash it is swept."""

RECORDED, PRIVATE = 0o444, 0o600
"""The modes of what is recorded, readable for all, and of all else, for this user alone."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_REMEDIES = {
    errno.ENOSPC: "free some space on that file system",
    errno.EDQUOT: "free some space, or raise the quota",
    errno.EROFS: "mount that file system writable, or choose another --root",
    errno.EACCES: "let this user write there, or choose another --root",
    errno.EPERM: "let this user write there, or choose another --root",
    errno.ELOOP: "replace the symbolic link by what it points to",
    errno.ENOTDIR: "something that is no folder, or a symbolic link, is where one belongs",
}


_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What `link` says on vfat, exfat, and some FUSE and network file systems."""
_LINKS = "put the root on a file system that has hard links, as ext4 or xfs: not vfat, exfat or SMB"


def is_name(name: str) -> bool:
    """Return whether a name is one that an artifact, or a folder of them, can have."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return a name that is safe below any folder; raises StorageError for any other."""
    if not is_name(name):
        remedy = "names hold letters, digits, dots, dashes and underscores, and begin with one"
        raise StorageError("this is no name for an artifact", path=repr(name[:80]), remedy=remedy)
    return name


@contextmanager
def storing(path: str) -> Generator[None]:
    """Turn what the operating system says into a StorageError that names path and remedy."""
    if "\0" in path:
        raise StorageError("no path holds a NUL", path=repr(path[:80]))
    try:
        yield
    except OSError as error:
        text = error.strerror or type(error).__name__
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise StorageError(text, path=path, remedy=remedy) from error


@dataclass(frozen=True, slots=True)
class Folder:
    """
    A folder that is held open: whatever happens to its name meanwhile, we stay where we are.

    `path` is for people only. Names are checked, symbolic links are refused. Raises StorageError.
    """

    descriptor: int
    path: str

    @classmethod
    def open(cls, path: Path) -> "Folder":
        """Open the root, which is made if it is not there; it alone may be a symbolic link."""
        with storing(str(path)):
            path.mkdir(parents=True, exist_ok=True)
            return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), str(path))

    @classmethod
    def open_existing(cls, path: Path) -> "Folder":
        """Open the root to read below it; it is not made."""
        with storing(str(path)):
            return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), str(path))

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        os.close(self.descriptor)

    def child(self, name: str, *, create: bool = False) -> "Folder":
        """Open a folder within, one step down; made and made durable where that is asked for."""
        if create or name in {"", ".", ".."}:
            check_name(name)
        where = f"{self.path}/{name}"
        with storing(where):
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=self.descriptor)
                    os.fsync(self.descriptor)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            return Folder(os.open(name, flags, dir_fd=self.descriptor), where)

    def descend(self, path: str, *, create: bool = False) -> "Folder":
        """Open a folder any number of steps down, each of them checked."""
        folder = Folder(os.dup(self.descriptor), self.path)
        for name in path.split("/") if path else ():
            with folder:
                inner = folder.child(name, create=create)
            folder = inner
        return folder

    def write_once(
        self, name: str, content: bytes, hidden: str = TEMPORARY, mode: int = RECORDED
    ) -> None:
        """
        Write a file that must not exist yet: whole and durable under its name, or not at all.

        Until then it has a name that begins with `hidden`. What is no artifact is PRIVATE.
        """
        where = f"{self.path}/{check_name(name)}"
        with storing(where), self.temporary((content,), hidden, mode) as temporary:
            self.name(temporary, name)

    def name(self, temporary: str, name: str) -> None:
        """Return a hidden file its name, which must be free, and make that durable."""
        here = self.descriptor
        with storing(f"{self.path}/{check_name(name)}"):
            try:
                os.link(temporary, name, src_dir_fd=here, dst_dir_fd=here)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                problem = f"this file system takes no hard link: {error.strerror}"
                raise StorageError(problem, path=self.path, remedy=_LINKS) from error
            os.fsync(here)

    def replace(self, name: str, content: bytes, mode: int = RECORDED) -> None:
        """Replace a latest view: readers see the old bytes or the new ones, nothing between."""
        here = self.descriptor
        with storing(f"{self.path}/{check_name(name)}"):
            with self.temporary((content,), mode=mode) as temporary:
                os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=here)
            os.fsync(here)

    def open_file(self, name: str) -> int:
        """Open a regular file for reading; returns its descriptor."""
        where = f"{self.path}/{name}"
        with storing(where):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(name, flags, dir_fd=self.descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise StorageError("this is no regular file", path=where)
        return descriptor

    def entries(self) -> list[tuple[str, int]]:
        """
        List what is in it: names and file types (`stat.S_IFMT`), sorted; links unfollowed.

        What is gone before it was looked at, as another process's temporary file, is not listed.
        """
        listed = list[tuple[str, int]]()
        with storing(self.path), os.scandir(self.descriptor) as found:
            for each in found:
                with suppress(FileNotFoundError):
                    kind = stat.S_IFMT(each.stat(follow_symlinks=False).st_mode)
                    listed.append((each.name, kind))
        return sorted(listed)

    def keep_private(self, name: str) -> None:
        """See that a file which is no artifact, perhaps of an older version, is for us alone."""
        with suppress(FileNotFoundError), storing(f"{self.path}/{name}"):
            found = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
            if (
                stat.S_ISREG(found.st_mode)
                and found.st_uid == os.geteuid()
                and found.st_mode & 0o077
            ):
                os.chmod(name, PRIVATE, dir_fd=self.descriptor)

    def exists(self, name: str) -> bool:
        """Return whether anything has this name."""
        with storing(f"{self.path}/{name}"):
            try:
                os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return False
            return True

    @contextmanager
    def temporary(
        self, pieces: Iterable[bytes], hidden: str = TEMPORARY, mode: int = RECORDED
    ) -> Generator[str]:
        """Return the hidden name of a durable file with these bytes; gone after the block."""
        name, descriptor = self._create_locked(hidden)
        try:
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[os.write(descriptor, view) :]
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
            yield name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.descriptor)
            os.close(descriptor)

    def _create_locked(self, hidden: str) -> tuple[str, int]:
        """
        Create a hidden file and lock it; a sweep takes an unlocked one for abandoned.

        One that was swept before we held its lock is created again.
        """
        while True:
            name = f"{hidden}{secrets.token_hex(8)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, PRIVATE, dir_fd=self.descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return name, descriptor
            os.close(descriptor)
