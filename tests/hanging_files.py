"""Files whose opening hangs, as on a mount that went away, until they are well again."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_parts import lacking

_CLASS_CONTENT, _ADD, _OPEN_PERM, _HERE = 0x4, 0x1, 0x10000, -100


@contextmanager
def hanging(path: Path) -> Iterator[None]:
    """
    Have every opening of a file wait, in the kernel, for a permission that comes at the end.

    The kernel asks a listener of fanotify before it lets anybody open the file, and this one
    does not answer. It needs root; the file is a regular one, as that of a hung mount is.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    listener = libc.fanotify_init(_CLASS_CONTENT, os.O_RDONLY)
    if listener < 0:
        lacking("having a file hang needs root and fanotify")
    os.set_inheritable(listener, False)  # noqa: FBT003  (a positional-only argument)
    try:
        asked = ctypes.c_uint64(_OPEN_PERM)
        if libc.fanotify_mark(listener, _ADD, asked, _HERE, os.fsencode(path)):
            lacking("having a file hang needs fanotify with permissions")
        yield
    finally:
        os.close(listener)
