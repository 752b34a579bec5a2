"""Whether everything is still as it was recorded: every file, every line, every pin."""

import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from mission_control.errors import StorageError
from mission_control.records.folder import TEMPORARY, Folder, is_name
from mission_control.records.ledger import CLAIMS, FOLDER, LOCK, NAME, PATH, TORN, Ledger, read_line
from mission_control.records.marker import MARKER
from mission_control.records.model import (
    GENESIS,
    LATEST_VIEWS,
    PLACEHOLDERS,
    RUN_FILE,
    ArtifactFile,
    Collection,
    Discrepancy,
    DiscrepancyKind,
    LedgerEntry,
    LedgerHead,
    Verification,
)
from mission_control.records.recovery import MAX_ACCOUNT_BYTES, RunAccount, hash_file, read_whole

_OURS_WITHOUT_RECORD = frozenset({NAME, LOCK, MARKER, CLAIMS, "README.md", ".gitignore"})
NOTES = "history_notes-"
"""What servers note of alarms that history does not hold yet has a name that begins so."""
Kind = DiscrepancyKind


def verify(root: Path) -> Verification:
    """
    Check every recorded file and the chain, and name whatever is not as it was recorded.

    Files are read piece by piece. What is recorded while we look at what is there is left out:
    the ledger is read before and after, each time under its lock, and only then: recording
    does not wait for us to look at years of runs. A tail that was cut off the ledger is
    found by the runs that follow a line it no longer has. Raises StorageError when the root
    itself cannot be read.
    """
    if not root.is_dir():
        return Verification(0, 0, GENESIS)
    with Folder.open_existing(root) as folder:
        look = _Look()
        with _locked(folder):
            look.read_ledger(folder)
        look.walk(folder)
        with _locked(folder):
            look.forgive_newer(folder)
        look.check_files(folder)
        look.check_pins(folder)
    found = tuple(sorted(set(look.found)))
    return Verification(len(look.entries), len(look.recorded), look.head, found)


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
    """What one verification has read and found so far."""

    entries: list[LedgerEntry] = field(default_factory=list[LedgerEntry])
    recorded: dict[str, ArtifactFile] = field(default_factory=dict[str, ArtifactFile])
    present: set[str] = field(default_factory=set[str])
    found: list[Discrepancy] = field(default_factory=list[Discrepancy])
    head: LedgerHead = GENESIS

    def say(self, path: str, kind: Kind, detail: str) -> None:
        self.found.append(Discrepancy(path, kind, detail))

    def read_ledger(self, root: Folder) -> None:
        try:
            records = root.descend(FOLDER)
        except StorageError:
            return
        with records:
            try:
                for number, line in enumerate(Ledger(records).lines(), 1):
                    self._read(number, line)
            except StorageError as error:
                self.say(PATH, Kind.UNREADABLE, str(error))

    def _read(self, number: int, line: bytes) -> None:
        entry = read_line(line)
        if entry is None:
            torn = not line.endswith(b"\n")
            kind = Kind.TRUNCATED if torn else Kind.ALTERED
            detail = "ends in the middle" if torn else "is not as it was written"
            self.say(PATH, kind, f"line {number} {detail}")
            return
        if (entry.seq, entry.previous) != (self.head.seq + 1, self.head.hash):
            after = f"line {self.head.seq}" if self.head.seq else "the beginning"
            self.say(PATH, Kind.CHAIN_BROKEN, f"line {entry.seq} does not follow {after}")
        self.head = entry.head
        self.entries.append(entry)
        self.recorded.update({f.path: f for f in entry.files})

    def walk(self, root: Folder) -> None:
        for collection in Collection:
            for path, kind in _below(root, collection.value):
                if _keeps_folder(root, collection.value, path, kind):
                    continue
                self.present.add(path)
                if kind != stat.S_IFREG:
                    what = "a symbolic link" if kind == stat.S_IFLNK else "no regular file"
                    self.say(path, Kind.UNRECORDED, f"it is {what}")
                elif path not in self.recorded and path not in LATEST_VIEWS:
                    self.say(path, Kind.UNRECORDED, "no line of the ledger names it")
        self._walk_top(root)

    def forgive_newer(self, root: Folder) -> None:
        """
        Leave out files that were recorded while we looked at the others: the next look takes them.

        Nor is anything said of the lines that they follow, which we have not read.
        """
        again = _Look()
        again.read_ledger(root)
        newer = again.recorded.keys() - self.recorded.keys()
        self.present -= newer
        unknown = (d for d in self.found if d.kind is Kind.UNRECORDED)
        self.found = [
            *(d for d in self.found if d.kind is not Kind.UNRECORDED),
            *(d for d in unknown if d.path not in newer),
        ]

    def _walk_top(self, root: Folder) -> None:
        """Name what is in the records' own folder and is none of ours."""
        collections = {c.value for c in Collection}
        with suppress(StorageError), root.descend(FOLDER) as records:
            for name, kind in records.entries():
                path = f"{FOLDER}/{name}"
                known = path in collections or path in LATEST_VIEWS or name in _OURS_WITHOUT_RECORD
                known = known or _keeps_folder(root, FOLDER, path, kind)
                if not known and not name.startswith((TEMPORARY, TORN, NOTES)):
                    self.say(path, Kind.UNRECORDED, "no line of the ledger names it")

    def check_files(self, root: Folder) -> None:
        for path, recorded in self.recorded.items():
            if not _is_artifact(path):
                self.say(path, Kind.OUTSIDE, "outside the record: no artifact can have this path")
                continue
            if path not in self.present:
                self.say(path, Kind.MISSING, "it is recorded and not there")
                continue
            try:
                sha256, size = _hash(root, path)
            except StorageError as error:
                self.say(path, Kind.UNREADABLE, error.problem)
                continue
            if size < recorded.size:
                detail = f"it has {size} of its {recorded.size} bytes"
                self.say(path, Kind.TRUNCATED, detail)
            elif (sha256, size) != (recorded.sha256, recorded.size):
                self.say(path, Kind.ALTERED, "its bytes are not those that were recorded")

    def check_pins(self, root: Folder) -> None:
        """Find a ledger that lost its tail by the runs that follow a line it does not have."""
        heads = {GENESIS.seq: GENESIS.hash, **{e.seq: e.hash for e in self.entries}}
        for path in sorted(filter(_is_account, self.present)):
            pinned = _read_pin(root, path)
            if pinned is not None and heads.get(pinned.seq) != pinned.hash:
                detail = f"{path} follows line {pinned.seq}, which is not there as it was"
                self.say(PATH, Kind.TRUNCATED, detail)


def _keeps_folder(root: Folder, collection: str, path: str, kind: int) -> bool:
    """Return whether a file only keeps a collection's own folder in git; within a run none does."""
    name = path.removeprefix(f"{collection}/")
    return name in PLACEHOLDERS and kind == stat.S_IFREG and _hash(root, path)[1] == 0


def _is_artifact(path: str) -> bool:
    """Return whether a path is one that an artifact can have, below one of our folders."""
    within = next((c.value for c in Collection if path.startswith(f"{c.value}/")), None)
    if within is None:
        return False
    return all(is_name(name) for name in path.removeprefix(f"{within}/").split("/"))


def _is_account(path: str) -> bool:
    """Return whether a path is a run's own account, and no copy of one that lies within a run."""
    folder, _, name = path.rpartition("/")
    return name == RUN_FILE and folder.rpartition("/")[0] in {c.value for c in Collection}


def _below(root: Folder, path: str) -> Iterator[tuple[str, int]]:
    """Return all that is below a folder and is no folder itself, and every empty folder."""
    try:
        folder = root.descend(path)
    except StorageError:
        return
    with folder:
        for name, kind in folder.entries():
            inner = f"{path}/{name}"
            if name.startswith(TEMPORARY):
                continue
            if kind != stat.S_IFDIR:
                yield inner, kind
                continue
            within = list(_below(root, inner))
            yield from within or [(inner, kind)]


def _hash(root: Folder, path: str) -> tuple[str, int]:
    folder, _, name = path.rpartition("/")
    with root.descend(folder) as within:
        return hash_file(within, name)


def _read_pin(root: Folder, path: str) -> LedgerHead | None:
    folder, _, name = path.rpartition("/")
    try:
        with root.descend(folder) as within:
            content = read_whole(within, name, MAX_ACCOUNT_BYTES)
        return RunAccount.model_validate_json(content).ledger_head
    except (StorageError, ValidationError):
        return None
