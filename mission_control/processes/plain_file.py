"""The beginning of a regular file; nothing that could hang for its nature is opened."""

import os
import stat
from pathlib import Path, PurePosixPath

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_INSIDE = _READ | os.O_NOFOLLOW
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


class NotRegularError(OSError):
    """What has this name is there, and is no regular file; the text says what it is."""


def read_regular(path: Path, limit: int) -> bytes:
    """
    Read at most `limit` bytes of a file, following links, as a mounted ConfigMap needs it.

    Raises OSError, for what is no regular file before it is opened: opening a FIFO waits for a
    writer, and opening a device can do anything.
    """
    _refuse_other(os.stat(path).st_mode)  # noqa: PTH116  (as the descriptor below)
    with os.fdopen(os.open(path, _READ), "rb") as file:
        _refuse_other(os.fstat(file.fileno()).st_mode)
        return file.read(limit)


def _refuse_other(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_it, name in _KINDS if is_it(mode)), "something else")
        raise NotRegularError(f"it is {kind}, not a regular file")


def read_plain_file(root: Path, name: str, limit: int) -> bytes | None:
    """
    Read at most `limit` bytes of a file below a root, refusing a link at every step.

    None for what is no regular file; raises OSError.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *parents, last = PurePosixPath(name).parts
        for part in parents:
            inner = os.open(part, _INSIDE | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        if not stat.S_ISREG(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        with os.fdopen(os.open(last, _INSIDE, dir_fd=folder), "rb") as file:
            return file.read(limit) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    finally:
        os.close(folder)
