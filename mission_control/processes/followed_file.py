"""A file that is taken again when it changes: whole, valid and settled, or not at all."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from mission_control.errors import ConfigurationError
from mission_control.model.reload import Taken
from mission_control.processes.own_process import DaemonWork

T = TypeVar("T")

SETTLED_SECONDS = 2.0
"""Changed files are read when they have not changed for so long: they may be half written."""
HANGS_AFTER_SECONDS = 30.0
"""A look at files that has not ended after so long is said to hang."""
SETTLES_WITHIN_SECONDS = 30.0
"""A file that keeps changing for longer is said to."""
AGAIN_SECONDS = 10.0
"""What was refused is tried again after so long, although it did not change."""
PATIENCE_SECONDS = 0.5
"""A look waits so long for the file system; then it is for the next look."""
MOST_BYTES = 1024 * 1024

State = tuple[int, ...] | None


class _Loaded(NamedTuple, Generic[T]):
    """What was loaded, and how the file was before and after that."""

    before: State
    digest: str
    value: T | None
    trouble: str
    after: State


class FollowedFile(Generic[T]):
    """
    Follows one file: `look` about once a second, and it says when something came of it.

    A file that changed is loaded once it has not changed for two seconds, and taken where it is
    valid; otherwise what was taken before stays, and the trouble is told once. What a link leads
    to counts, so one that is swapped is a change. It is read in a daemon thread: a mount that
    hangs holds up nothing. Belongs to one event loop.
    """

    def __init__(self, path: Path, load: Callable[[Path], tuple[str, T]], digest: str) -> None:
        """
        Follow `path` from what was loaded of it before, whose SHA-256 is `digest`.

        `load` gives the digest of the bytes that it read and what they mean, or raises
        ConfigurationError.
        """
        self.name = str(path)
        self._path = path
        self._load = load
        self._digest = digest
        self._work = DaemonWork[str, "tuple[State] | _Loaded[T]"](f"followed-{path.name}", 1)
        self._known: State | str = "never looked at"
        self._pending: State | str = ""
        self._pending_since = self._changing_since = self._refused_at = 0.0
        self._asked_since: float | None = None
        self._trouble = ""

    async def look(self) -> Taken[T] | None:
        """Look once; gives what was taken, or why it was not, and None for no news."""
        found = await self._ask()
        if found is None:
            return None
        if isinstance(found, Taken):
            return found
        if isinstance(found, _Loaded):
            return self._take(found)
        return self._wait_for(found[0])

    async def _ask(self) -> "_Loaded[T] | tuple[State] | Taken[T] | None":
        """Read how the file is, or load it where it has settled; None while that takes longer."""
        now = asyncio.get_running_loop().time()
        settled = self._pending != "" and now - self._pending_since >= SETTLED_SECONDS
        if settled:
            asked = self._work.ask(self.name, partial(_load, self._path, self._load))
        else:
            asked = self._work.ask(self.name, partial(_state, self._path))
        self._asked_since = now if self._asked_since is None else self._asked_since
        await asyncio.wait({asked}, timeout=PATIENCE_SECONDS)
        if not asked.done():
            hangs = now - self._asked_since > HANGS_AFTER_SECONDS
            return self._refuse("reading hangs", "") if hangs else None
        self._asked_since = None
        return asked.result()

    def _wait_for(self, state: State) -> Taken[T] | None:
        now = asyncio.get_running_loop().time()
        if state == self._known and self._pending == "" and not self._is_tried_again():
            return None
        if self._pending == "":
            self._changing_since = now
        if state != self._pending:
            self._pending, self._pending_since = state, now
        if now - self._changing_since > SETTLES_WITHIN_SECONDS:
            return self._refuse("it keeps changing", "")
        return None

    def _take(self, loaded: _Loaded[T]) -> Taken[T] | None:
        now = asyncio.get_running_loop().time()
        if not self._pending == loaded.before == loaded.after:  # it changed meanwhile: wait again
            self._pending, self._pending_since = loaded.after, now
            return None
        self._known, self._pending = loaded.after, ""
        if loaded.value is None:
            return self._refuse(loaded.trouble, loaded.digest)
        before, self._digest = self._digest, loaded.digest
        if before == loaded.digest and not self._trouble:
            return None
        self._trouble = ""
        return Taken(before, loaded.digest, loaded.value)

    def _refuse(self, trouble: str, digest: str) -> Taken[T] | None:
        self._refused_at = asyncio.get_running_loop().time()
        if trouble == self._trouble:
            return None
        self._trouble = trouble
        return Taken(self._digest, digest, None, trouble)

    def _is_tried_again(self) -> bool:
        """Return whether what was refused is due to be loaded again: the cause may be elsewhere."""
        since = asyncio.get_running_loop().time() - self._refused_at
        return self._trouble != "" and since >= AGAIN_SECONDS


def state_of(path: str) -> tuple[int, ...] | None:
    """Return what changes with a file, of what a link leads to; None where it cannot be read."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    changed = found.st_mtime_ns, found.st_ctime_ns
    return *changed, found.st_size, found.st_dev, found.st_ino


def _state(path: Path) -> tuple[State]:
    return (state_of(str(path)),)


def _load(path: Path, load: Callable[[Path], tuple[str, T]]) -> _Loaded[T]:
    """Load the file between two looks at its state; runs in a thread."""
    before = state_of(str(path))
    try:
        digest, value = load(path)
    except ConfigurationError as error:
        trouble = str(error.problems[0])
        return _Loaded(before, _digest_of(path), None, trouble, state_of(str(path)))
    return _Loaded(before, digest, value, "", state_of(str(path)))


def _digest_of(path: Path) -> str:
    """Return the SHA-256 of what is there; empty where it cannot be read, or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return ""
    return "" if len(content) > MOST_BYTES else hashlib.sha256(content).hexdigest()
