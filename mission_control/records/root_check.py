"""Whether a root can hold a record, tried as a run uses it, and whose its files are."""

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, Protocol

from mission_control.errors import StorageError
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.records.folder import TEMPORARY, Folder, storing
from mission_control.records.ledger import CLAIMS, FOLDER, LOCK, NAME
from mission_control.records.model import Collection
from mission_control.records.run_draft import drafting

CHECK_SECONDS = 3.0
MOUNTS = Path("/proc/self/mountinfo")
PSEUDO = frozenset(
    {
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    }
)
"""The kernel's own: nothing that is written there is kept."""
MOST_LOOKED_AT = 50_000
MOST_TOLD = 5
ALIKE = 0.75
"""Of 1, how much a name has to be like another to be taken for a slip of it."""


def try_folder(folder: Folder) -> None:
    """
    Do all that a run does, and leave nothing of it; raises StorageError with the remedy.

    A hidden folder is made, locked and synced, a file in it is written, made read-only and given
    its name by a hard link, and the folder is closed and renamed. So what a file system cannot do
    is reported before a run meets it.
    """
    refuse_pseudo(folder)
    other = f"{TEMPORARY}{secrets.token_hex(8)}"
    with drafting(folder) as draft:
        draft.write("tried", b"?")
        draft.finish(b"{}")
        with storing(folder.path):
            here = folder.descriptor
            os.rename(draft.name, other, src_dir_fd=here, dst_dir_fd=here)
            draft.name = other
            os.fsync(here)


def refuse_pseudo(folder: Folder) -> None:
    """Refuse a file system that is the kernel's own; raises StorageError."""
    kind = file_system_of(folder)
    if kind in PSEUDO:
        problem = f"this is {kind}, a file system of the kernel's that keeps nothing"
        raise StorageError(problem, path=folder.path, remedy="choose another --root")


def file_system_of(folder: Folder) -> str:
    """Return the type of the file system that a folder lies on; empty where that is unknown."""
    with storing(folder.path):
        device = os.fstat(folder.descriptor).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError), MOUNTS.open(errors="replace") as mounts:
        for line in mounts:
            about, mark, how = line.partition(" - ")
            if mark and about.split()[2:3] == [wanted]:
                return how.split(" ", 1)[0]
    return ""


class NotOurs(NamedTuple):
    """A file or folder of a root that this process cannot use as it must, and why."""

    path: str
    owner: int
    why: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """
    Whose a root is (user ids), and what in it is in the way.

    `beyond` says that there was more than is looked at. `owner` is None where there is no root.
    """

    user: int
    owner: int | None = None
    found: tuple[NotOurs, ...] = ()
    beyond: bool = False

    @property
    def as_root_elsewhere(self) -> bool:
        """Return whether we are root in what is another user's: what we make they cannot use."""
        return self.user == 0 and self.owner not in {None, 0}


def look_at_root(root: Path) -> Ownership:
    """Say whose a root is, without looking at what is in it."""
    try:
        return Ownership(os.geteuid(), root.stat().st_uid)
    except OSError:
        return Ownership(os.geteuid())


def look_at_owners(root: Path) -> Ownership:
    """
    Say what of a root this user, or another, cannot use; nothing is changed.

    What belongs to another user than the root itself is named even where it can be read: it was
    left by a command that ran as another user, often root's cron.
    """
    seen, found = look_at_root(root), list[NotOurs]()
    if seen.owner is None:
        return seen
    for number, (path, status) in enumerate(_below(root)):
        if number >= MOST_LOOKED_AT:
            return replace(seen, found=tuple(found), beyond=True)
        why = _why_not(path, status, seen.owner)
        if why:
            found.append(NotOurs(str(path.relative_to(root)), status.st_uid, why))
    return replace(seen, found=tuple(found))


def _why_not(path: Path, status: os.stat_result, owner: int) -> str:
    folder = stat.S_ISDIR(status.st_mode)
    wanted = os.R_OK | (os.X_OK if folder else 0)
    if not os.access(path, wanted, effective_ids=True, follow_symlinks=False):
        return "cannot be read"
    # What is recorded is read-only for all; what is added to has to be writable for us.
    added_to = (folder and path.name in _GROWING) or path.name in _WRITTEN
    if added_to and not os.access(path, os.W_OK, effective_ids=True):
        return "cannot be written"
    return "" if status.st_uid == owner else "belongs to another user than the root"


_HISTORY = "history.sqlite3"
_WRITTEN = frozenset({NAME, LOCK, _HISTORY, f"{_HISTORY}-wal", f"{_HISTORY}-shm"})
_GROWING = frozenset({FOLDER, CLAIMS, *(c.value.rpartition("/")[2] for c in Collection)})
_OURS = (FOLDER, "ops")


def _below(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Return what we keep below a root, links unfollowed, folders before what is in them."""
    for each in _listed(root):
        ours = each[0].name in _OURS or each[0].name.startswith(_HISTORY)
        if ours:
            yield from _walk(each)


def _walk(start: tuple[Path, os.stat_result]) -> Iterator[tuple[Path, os.stat_result]]:
    waiting = [start]
    while waiting:
        path, status = waiting.pop()
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            waiting += reversed(_listed(path))


def _listed(folder: Path) -> Sequence[tuple[Path, os.stat_result]]:
    found = list[tuple[Path, os.stat_result]]()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                found.append((Path(entry.path), entry.stat(follow_symlinks=False)))
    return sorted(found)


def other_records(root: Path) -> Sequence[Path]:
    """
    Name what holds a record and may be meant by a root that holds none.

    That is the folder above it, one in it, or one beside it that is called much the same.
    """
    beside = {p.name: p for p in _folders(root.parent) if p != root}
    alike = get_close_matches(root.name, beside, MOST_TOLD, ALIKE)
    near = (*(beside[name] for name in alike), root.parent, *_folders(root))
    return [p for p in near if holds_record(p)][:MOST_TOLD]


def _folders(folder: Path) -> Sequence[Path]:
    return [p for p, status in _listed(folder) if stat.S_ISDIR(status.st_mode)]


def holds_record(root: Path) -> bool:
    """Return whether a root holds a record, or that is unknown."""
    try:
        (root / FOLDER / NAME).lstat()
    except OSError as error:
        return error.errno not in {errno.ENOENT, errno.ENOTDIR}
    return True


def tell_new_record(root: Path) -> str:
    """Say that a root holds no record, so that a new one begins, and which may be meant instead."""
    near = ", ".join(map(str, other_records(root)))
    meant = f"; did you mean {near}?" if near else ""
    return f"there is no record in {root} yet: the next run begins a new one there{meant}"


class Tried(Protocol):
    """A place that can be tried: the store of artifacts, or history's file."""

    @property
    def root(self) -> Path:
        """Return where it is."""
        ...

    def check(self) -> None:
        """Raise StorageError where it cannot be used."""
        ...


class StoreCheck:
    """
    Tries the store within a deadline; one that cannot be written to is `Unseen`.

    A try that hangs, as on a network mount that went away, is not joined by another: there is
    never more than one thread that waits for it.
    """

    def __init__(self, store: Tried, clock: Clock) -> None:
        """Try this store by this clock."""
        self._store = store
        self._clock = clock
        self._trying: asyncio.Future[None] | None = None

    async def check(self) -> Seen[None] | Unseen:
        """Try once, or wait a little more for the try that has not ended yet."""
        if self._trying is None:
            self._trying = asyncio.ensure_future(asyncio.to_thread(self._store.check))
        trying = self._trying
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await asyncio.shield(trying)
        except TimeoutError:
            detail = f"no answer within {CHECK_SECONDS:g} s from {self._store.root}"
            return Unseen(UnseenReason.TIMEOUT, self._clock(), CHECK_SECONDS, detail)
        except StorageError as error:
            return Unseen(UnseenReason.UNREADABLE, self._clock(), detail=str(error))
        finally:
            # Another that waited for this try too may have begun the next one already.
            if self._trying is trying and trying.done():
                self._trying = None
        return Seen(None, self._clock())
