"""Whether everything is still as it was recorded: every file, every line, every pin."""

import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mission_control.errors import StorageError
from mission_control.records.folder import TEMPORARY, Folder, is_name
from mission_control.records.ledger import CLAIMS, FOLDER, LOCK, NAME, PATH, TORN, Ledger, read_line
from mission_control.records.marker import MARKER
from mission_control.records.model import (
    GENESIS,
    LATEST_VIEWS,
    PLACEHOLDERS,
    RUN_FILE,
    Collection,
    Discrepancy,
    DiscrepancyKind,
    LedgerHead,
    Verification,
)
from mission_control.records.recovery import hash_file, read_account

_OURS_WITHOUT_RECORD = frozenset({NAME, LOCK, MARKER, CLAIMS, "README.md", ".gitignore"})
NOTES = "history_notes-"
"""What servers note of alarms that history does not hold yet has a name that begins so."""
Kind = DiscrepancyKind


def verify(root: Path) -> Verification:
    """
    Check every recorded file and the chain, and name whatever is not as it was recorded.

    Files are read piece by piece, each where it is come upon. What is recorded while we look is
    left out: the ledger is read before, and on after, each time under its lock, and only then:
    recording does not wait for us to look at years of runs. A tail that was cut off the ledger is
    found by the runs that follow a line it no longer has. Raises StorageError when the root
    itself cannot be read.
    """
    if not root.is_dir():
        return Verification(0, 0, GENESIS)
    with Folder.open_existing(root) as folder:
        look = _Look()
        with _locked(folder):
            look.read_ledger(folder)
        files = len(look.recorded)
        look.walk(folder)
        with _locked(folder):
            newer = look.read_newer(folder)
        look.say_what_is_left(newer)
    found = tuple(sorted(set(look.found)))
    return Verification(look.runs, files, look.head, found)


@contextmanager
def _locked(root: Folder) -> Generator[None]:
    """Hold the ledger's lock while its lines are read, if this user may lock it."""
    with ExitStack() as stack:
        with suppress(StorageError):
            records = stack.enter_context(root.descend(FOLDER))
            stack.enter_context(Ledger(records).locked())
        yield


@dataclass(slots=True)
class _Look:
    """
    What one verification has read and found so far.

    `recorded` are digest and size of the files that were not come upon yet. `unrecorded` are those
    that no line named when they were, and what a run's account among them follows. `heads` are the
    hashes of all lines by their numbers.
    """

    runs: int = 0
    read_bytes: int = 0
    head: LedgerHead = GENESIS
    heads: dict[int, str] = field(default_factory=lambda: {GENESIS.seq: GENESIS.hash})
    recorded: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    unrecorded: dict[str, LedgerHead | None] = field(default_factory=dict[str, "LedgerHead | None"])
    found: list[Discrepancy] = field(default_factory=list[Discrepancy])

    def say(self, path: str, kind: Kind, detail: str) -> None:
        self.found.append(Discrepancy(path, kind, detail))

    def read_ledger(self, root: Folder) -> None:
        try:
            for number, line in enumerate(_lines(root), 1):
                self._read(number, line)
        except StorageError as error:
            self.say(PATH, Kind.UNREADABLE, str(error))

    def _read(self, number: int, line: bytes) -> None:
        entry = read_line(line)
        if line.endswith(b"\n"):
            self.read_bytes += len(line)
        if entry is None:
            torn = not line.endswith(b"\n")
            kind = Kind.TRUNCATED if torn else Kind.ALTERED
            detail = "ends in the middle" if torn else "is not as it was written"
            self.say(PATH, kind, f"line {number} {detail}")
            return
        if (entry.seq, entry.previous) != (self.head.seq + 1, self.head.hash):
            after = f"line {self.head.seq}" if self.head.seq else "the beginning"
            self.say(PATH, Kind.CHAIN_BROKEN, f"line {entry.seq} does not follow {after}")
        self.head, self.runs = entry.head, self.runs + 1
        self.heads[entry.seq] = entry.hash
        self.recorded.update({f.path: (f.sha256, f.size) for f in entry.files})

    def walk(self, root: Folder) -> None:
        for collection in Collection:
            for folder, name, path, kind in _below(root, collection.value):
                if not _keeps_folder(folder, name, kind, is_own=path == _own(collection, name)):
                    self._look_at(folder, name, path, kind)
        self._walk_top(root)

    def _look_at(self, folder: Folder, name: str, path: str, kind: int) -> None:
        if kind != stat.S_IFREG:
            what = "a symbolic link" if kind == stat.S_IFLNK else "no regular file"
            self.say(path, Kind.UNRECORDED, f"it is {what}")
        pinned = _read_pin(folder, name) if _is_account(path) else None
        if path not in self.recorded:
            if kind == stat.S_IFREG and path not in LATEST_VIEWS:
                self.unrecorded[path] = pinned
            return
        self._follow(path, pinned)
        if _is_artifact(path):
            self._compare(path, *self.recorded.pop(path), folder, name)

    def _compare(self, path: str, sha256: str, size: int, folder: Folder, name: str) -> None:
        try:
            now, has = hash_file(folder, name)
        except StorageError as error:
            self.say(path, Kind.UNREADABLE, error.problem)
            return
        if has < size:
            self.say(path, Kind.TRUNCATED, f"it has {has} of its {size} bytes")
        elif (now, has) != (sha256, size):
            self.say(path, Kind.ALTERED, "its bytes are not those that were recorded")

    def _follow(self, path: str, pinned: LedgerHead | None) -> None:
        """Find a ledger that lost its tail by a run that follows a line it does not have."""
        if pinned is not None and self.heads.get(pinned.seq) != pinned.hash:
            detail = f"{path} follows line {pinned.seq}, which is not there as it was"
            self.say(PATH, Kind.TRUNCATED, detail)

    def _walk_top(self, root: Folder) -> None:
        """Name what is in the records' own folder and is none of ours."""
        collections = {c.value for c in Collection}
        with suppress(StorageError), root.descend(FOLDER) as records:
            for name, kind in records.entries():
                path = f"{FOLDER}/{name}"
                known = path in collections or path in LATEST_VIEWS or name in _OURS_WITHOUT_RECORD
                known = known or _keeps_folder(records, name, kind)
                if not known and not name.startswith((TEMPORARY, TORN, NOTES)):
                    self.say(path, Kind.UNRECORDED, _UNNAMED)

    def read_newer(self, root: Folder) -> frozenset[str]:
        """Return the files that the lines name which were recorded since the others were read."""
        newer = set[str]()
        with suppress(StorageError):
            for entry in filter(None, map(read_line, _lines(root, self.read_bytes))):
                newer.update(file.path for file in entry.files)
        return frozenset(newer)

    def say_what_is_left(self, newer: frozenset[str]) -> None:
        """
        Name what no line names, and what is named and was not come upon.

        Files that were recorded while we looked at the others are left out: the next look takes
        them. Nor is anything said of the lines that they follow, which we have not read.
        """
        for path in self.unrecorded.keys() - newer:
            self.say(path, Kind.UNRECORDED, _UNNAMED)
            self._follow(path, self.unrecorded[path])
        for path in self.recorded:
            if _is_artifact(path):
                self.say(path, Kind.MISSING, "it is recorded and not there")
            else:
                self.say(path, Kind.OUTSIDE, "outside the record: no artifact can have this path")


_UNNAMED = "no line of the ledger names it"


def _lines(root: Folder, start: int = 0) -> Iterator[bytes]:
    """Return the ledger's lines from a byte on; none where its folder cannot be opened."""
    with ExitStack() as stack:
        try:
            records = stack.enter_context(root.descend(FOLDER))
        except StorageError:
            return
        yield from Ledger(records).lines(start)


def _own(collection: Collection, name: str) -> str:
    return f"{collection.value}/{name}"


def _keeps_folder(folder: Folder, name: str, kind: int, *, is_own: bool = True) -> bool:
    """Return whether a file only keeps a collection's own folder in git; within a run none does."""
    keeps = is_own and name in PLACEHOLDERS and kind == stat.S_IFREG
    return keeps and hash_file(folder, name)[1] == 0


def _is_artifact(path: str) -> bool:
    """Return whether a path is one that an artifact can have, below one of our folders."""
    within = next(filter(path.startswith, _COLLECTIONS), None)
    return within is not None and all(map(is_name, path.removeprefix(within).split("/")))


_COLLECTIONS = tuple(f"{c.value}/" for c in Collection)


def _is_account(path: str) -> bool:
    """Return whether a path is a run's own account, and no copy of one that lies within a run."""
    folder, _, name = path.rpartition("/")
    if name == RUN_FILE:
        folder = folder.rpartition("/")[0]
    elif not name.endswith(f".{RUN_FILE}"):
        return False
    return f"{folder}/" in _COLLECTIONS


def _below(root: Folder, path: str) -> Iterator[tuple[Folder, str, str, int]]:
    """
    Return all that is below a folder and is no folder itself, and every empty folder.

    Of each the folder in which it is, open until the next is asked for, its name, its path and
    what it is.
    """
    try:
        folder = root.descend(path)
    except StorageError:
        return
    with folder:
        yield from _within(folder, path)


def _within(folder: Folder, path: str) -> Iterator[tuple[Folder, str, str, int]]:
    for name, kind in folder.entries():
        inner = f"{path}/{name}"
        if name.startswith(TEMPORARY):
            continue
        child = _open(folder, name) if kind == stat.S_IFDIR else None
        is_empty = True
        if child is not None:
            with child:
                for each in _within(child, inner):
                    is_empty = False
                    yield each
        if is_empty:
            yield folder, name, inner, kind


def _open(folder: Folder, name: str) -> Folder | None:
    try:
        return folder.child(name)
    except StorageError:
        return None


def _read_pin(run: Folder, name: str) -> LedgerHead | None:
    try:
        return read_account(run, name)[0].ledger_head
    except StorageError:
        return None
