"""The store of artifacts: written once, recorded in the ledger, never touched again."""

import asyncio
import hashlib
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mission_control.documents.canonical_json import encode_json
from mission_control.errors import AlreadyRecordedError, StorageError
from mission_control.records.folder import Folder, check_name, storing
from mission_control.records.ledger import (
    CLAIMS,
    FOLDER,
    LOCK,
    PATH,
    Ledger,
    LockedLedger,
    Recorded,
)
from mission_control.records.marker import read_marker
from mission_control.records.model import (
    RUN_FILE,
    ArtifactFile,
    Collection,
    LedgerEntry,
    LedgerHead,
    RecordMarker,
    RunFacts,
    latest_view,
)
from mission_control.records.present import run_document
from mission_control.records.recovery import finish_files, place, recover_runs
from mission_control.records.root_check import refuse_pseudo, try_folder
from mission_control.records.run_draft import RunDraft, drafting, remove_abandoned
from mission_control.records.verification import NOTES

log = logging.getLogger(__name__)


def show_latest(root: Folder, collection: Collection, files: Mapping[str, bytes]) -> None:
    """
    Show those of a run's files that are latest views; called while the ledger's lock is held.

    So the views are those of the newest line that has any, and of one run, whatever is recorded at
    the same time. They are replaced in the order given, and none after one that was not: what names
    another file comes first. One that cannot be written is logged: what was recorded stays
    recorded.
    """
    for name, content in files.items():
        path = latest_view(collection, name)
        if path is None:
            continue
        try:
            with root.descend(path.rpartition("/")[0], create=True) as within:
                within.replace(name, content)
        except StorageError as error:
            log.warning("the latest view %s still shows an older run: %s", path, error)
            return


_ANOTHER = "this is not the record that was there: it is gone, was replaced, or its mount is lost"
_BRING_BACK = "bring back what was there; what is there now is left as it is"


@dataclass(frozen=True, slots=True)
class RunBeingWritten:
    """A run being written: files first, then `record` once."""

    draft: RunDraft
    root: Folder
    within: Folder
    ledger: Ledger
    collection: Collection
    follow: Callable[[LedgerHead], LedgerHead]

    def write(self, path: str, content: bytes) -> ArtifactFile:
        """Write a file of the run."""
        return self.draft.write(path, content)

    def record(
        self, facts: RunFacts, name: str, latest: Mapping[str, bytes] | None = None
    ) -> LedgerEntry:
        """
        Make the run what it is from now on: named, in its place, in the ledger, durable.

        `name` is its instant as `YYYYmmddTHHMMSSZ` with what the playbook adds; one that is
        taken gets `-2`, `-3`. `latest` are files to be shown as the latest views from now on.
        Raises StorageError; then nothing of the run is left. What may be recorded only once
        and is already is an AlreadyRecordedError.
        """
        check_name(name)
        with self.ledger.locked() as ledger:
            head = self.follow(ledger.head())
            facts = _allowed(facts, ledger)
            account = encode_json(run_document(facts, self.draft.files, head))
            own = self.draft.finish(account)
            free = _free_name(self.within, name)
            path = f"{self.collection.value}/{free}"
            with storing(path):
                self._move(self.draft.name, free)
            files = tuple(place(f, path) for f in (*own, *self.draft.files))
            session, corrects = facts.session_date, facts.corrects
            entry = Recorded(
                facts.finished, facts.job, path, session, files, corrects, once=facts.only_once
            )
            try:
                recorded = ledger.append(entry, head)
            except StorageError:
                with storing(path):  # unrecorded is not written: take it back
                    self._move(free, self.draft.name)
                raise
            show_latest(self.root, self.collection, latest or {})
            return recorded

    def _move(self, before: str, after: str) -> None:
        here = self.within.descriptor
        os.rename(before, after, src_dir_fd=here, dst_dir_fd=here)
        os.fsync(here)


def _allowed(facts: RunFacts, ledger: LockedLedger) -> RunFacts:
    """
    Return what may be recorded of a run now; the ledger's lock is held.

    So of several that ran the same planned run, whatever their clocks, leases and claims said,
    one alone is it.
    """
    once = facts.only_once
    if once is None or not ledger.holds(once):
        return facts
    if not facts.beside:
        raise AlreadyRecordedError(once)
    return replace(facts, planned=None, once="")


def _free_name(within: Folder, name: str) -> str:
    """Return the name, or with `-2`, `-3` the first that is free; the ledger's lock is held."""
    return _free_stem(within, name, ("",))


def _free_stem(within: Folder, stem: str, endings: Iterable[str]) -> str:
    """Return what is free with each of these endings; the ledger's lock is held."""
    number, free = 1, stem
    while any(within.exists(f"{free}{ending}") for ending in endings):
        number += 1
        free = f"{stem}-{number}"
    return free


class _Drafted(NamedTuple):
    """A file under a hidden name, whole and durable."""

    name: str
    file: ArtifactFile


@contextmanager
def _drafted(within: Folder, pieces: Iterable[bytes]) -> Generator[_Drafted]:
    """Hold a file under a hidden name, with the digest of what was written."""
    hashed, size = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for piece in pieces:
            hashed.update(piece)
            size += len(piece)
            yield piece

    with storing(within.path), within.temporary(counted()) as name:
        yield _Drafted(name, ArtifactFile(path=name, sha256=hashed.hexdigest(), size=size))


def _beside(
    collection: Collection, stem: str, drafts: Mapping[str, _Drafted], facts: RunFacts
) -> Recorded:
    """Return the line of files that lie beside each other; the first is what it is called."""
    files = tuple(
        replace(d.file, path=f"{collection.value}/{stem}{ending}") for ending, d in drafts.items()
    )
    session, corrects = facts.session_date, facts.corrects
    return Recorded(facts.finished, facts.job, files[0].path, session, files, corrects)


def stamp(instant: datetime) -> str:
    """Write an instant as artifacts' names do: `20261120T133000Z`."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


class ArtifactStore:
    """
    Everything recorded below one root. Raises StorageError and nothing else.

    It holds nothing open between calls, so that a file system that went away and came back is
    used again. But what is there instead, or a ledger that lost lines, is refused: a new
    record would begin in it without a word.
    """

    def __init__(self, root: Path) -> None:
        """Store below this folder, which is made when it is first needed."""
        self.root = root
        self._used: tuple[int, int] | None = None
        self._marker: RecordMarker | None = None
        self._head: LedgerHead | None = None

    def known_head(self) -> LedgerHead | None:
        """Return the ledger's head as it was seen last; nothing is looked at."""
        return self._head

    @contextmanager
    def _open(self) -> Generator[tuple[Folder, Folder]]:
        """Open the root and the folder of its records, which must be those of before."""
        known = self._used is not None
        opening = Folder.open_existing(self.root) if known else Folder.open(self.root)
        with opening as root:
            create = self._recognise(root)
            with root.descend(FOLDER, create=create) as records:
                yield root, records

    def _recognise(self, root: Folder) -> bool:
        """Refuse another root than that of before; returns whether a record may begin in it."""
        if self._used is None:
            refuse_pseudo(root)
        with storing(root.path):
            found = os.fstat(root.descriptor)
        here, marker = (found.st_dev, found.st_ino), read_marker(self.root)
        moved = self._used not in {None, here}
        if (self._marker is not None and marker != self._marker) or (moved and marker is None):
            raise StorageError(_ANOTHER, path=root.path, remedy=_BRING_BACK)
        self._used, self._marker = here, marker
        return marker is None

    def _follow(self, head: LedgerHead) -> LedgerHead:
        """Return the head of the ledger, which must not have gone back; its lock is held."""
        known = self._head
        if known is not None and head != known and head.seq <= known.seq:
            problem = f"the ledger went back from line {known.seq} to {head.seq}"
            raise StorageError(problem, path=PATH, remedy=_BRING_BACK)
        self._head = head
        return head

    @contextmanager
    def writing(self, collection: Collection) -> Generator[RunBeingWritten]:
        """Hold a run to be written; one that is not recorded when the block ends leaves nothing."""
        with (
            self._open() as (root, records),
            root.descend(collection.value, create=True) as within,
            drafting(within) as draft,
        ):
            ledger = Ledger(records)
            yield RunBeingWritten(draft, root, within, ledger, collection, self._follow)

    def write_files(
        self,
        collection: Collection,
        name: str,
        contents: Mapping[str, Iterable[bytes]],
        facts: RunFacts,
    ) -> LedgerEntry:
        """
        Record files beside each other, as a collection of files has them; raises StorageError.

        `name` is what all are called before their endings, the keys of `contents`, each with the
        pieces of its file: they are written as they come, so that no file has to fit into memory.
        The run's own account lies beside them, and the line's path is that of the first. The line
        is written before they get their names: after a crash between the two, `sweep` finds their
        bytes under hidden names by their digests.
        What may be recorded only once belongs into a folder of its own, and is refused.
        """
        if facts.only_once is not None:
            raise StorageError("files beside each other are no planned run", path=name)
        with (
            self._open() as (root, records),
            root.descend(collection.value, create=True) as within,
            ExitStack() as held,
        ):
            drafts = {e: held.enter_context(_drafted(within, c)) for e, c in contents.items()}
            with Ledger(records).locked() as ledger:
                head = self._follow(ledger.head())
                endings = (*drafts, f".{RUN_FILE}")
                free = _free_stem(within, check_name(name), endings)
                outputs = [replace(d.file, path=f"{free}{e}") for e, d in drafts.items()]
                account = encode_json(run_document(facts, outputs, head))
                drafts[endings[-1]] = held.enter_context(_drafted(within, [account]))
                os.fsync(within.descriptor)
                entry = ledger.append(_beside(collection, free, drafts, facts), head)
                for ending, draft in drafts.items():
                    within.name(draft.name, f"{free}{ending}")
                return entry

    def check(self) -> None:
        """Prove by trying that artifacts could be written now, as runs are."""
        with self._open() as (root, records):
            tried = {_device(records)}
            try_folder(records)
            for _, within in _collections(root):
                with within:
                    if _device(within) not in tried:  # mounted from elsewhere
                        tried.add(_device(within))
                        try_folder(within)
            with Ledger(records).locked() as ledger:
                self._follow(ledger.head())

    def sweep(self, now: datetime) -> tuple[list[str], list[LedgerEntry]]:
        """
        Tidy up after processes that died; returns what was removed, and what was recorded late.

        Half-written things are removed. A run that was whole and in its place, but whose writer
        died before its line in the ledger, gets its line now, marked as recovered.
        """
        removed = list[str]()
        with self._open() as (root, records):
            removed += [f"{FOLDER}/{name}" for name in remove_abandoned(records)]
            _keep_private(records)
            with Ledger(records).locked() as ledger:
                finish_files(root, Ledger(records))
                for collection, within in _collections(root):
                    with within:
                        gone = remove_abandoned(within)
                    removed += [f"{collection.value}/{name}" for name in gone]
                recovered = self._recover(root, records, ledger, now)
        return removed, recovered

    def _recover(
        self, root: Folder, records: Folder, ledger: LockedLedger, now: datetime
    ) -> list[LedgerEntry]:
        head = self._follow(ledger.head())
        recovered = list[LedgerEntry]()
        for recorded in recover_runs(root, Ledger(records), now):
            if recorded.once is not None and ledger.holds(recorded.once):
                recorded = replace(recorded, once=None)  # noqa: PLW2901  (it is beside what is recorded)
            entry = ledger.append(recorded, head)
            head = entry.head
            recovered.append(entry)
        return recovered


def _keep_private(records: Folder) -> None:
    """Tighten what an older version left readable for others and is no artifact."""
    for name, kind in records.entries():
        if name == LOCK or name.startswith(NOTES):
            records.keep_private(name)
        elif name == CLAIMS and kind == stat.S_IFDIR:
            with records.child(name) as claims:
                _keep_all_private(claims)


def _keep_all_private(folder: Folder) -> None:
    for name, kind in folder.entries():
        if kind == stat.S_IFDIR:
            with folder.child(name) as inner:
                _keep_all_private(inner)
        else:
            folder.keep_private(name)


def _device(folder: Folder) -> int:
    with storing(folder.path):
        return os.fstat(folder.descriptor).st_dev


def _collections(root: Folder) -> Iterator[tuple[Collection, Folder]]:
    for collection in Collection:
        try:
            yield collection, root.descend(collection.value)
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise


class RunWriter:
    """Writes runs to a store, off the event loop."""

    def __init__(self, store: ArtifactStore) -> None:
        """Write to this store."""
        self._store = store

    async def record(
        self,
        collection: Collection,
        files: Mapping[str, bytes],
        facts: RunFacts,
        *,
        is_latest: bool = False,
    ) -> LedgerEntry:
        """
        Record a run of these files, whole or not at all; raises StorageError.

        With `is_latest` the latest views show those of its files that they have, from the same
        moment on.

        One that is cancelled while it records has recorded when it ends: what a
        thread is still writing must not be taken for unrecorded.
        """
        latest: Mapping[str, bytes] = files if is_latest else {}
        return await _to_its_end(asyncio.to_thread(self._record, collection, files, facts, latest))

    async def record_beside(
        self, collection: Collection, contents: Mapping[str, Iterable[bytes]], facts: RunFacts
    ) -> LedgerEntry:
        """
        Record files beside each other, whole or not at all; raises StorageError.

        They are called by their instant and job, with these endings, and their pieces are taken
        as they are written, in a thread. One that is cancelled has recorded when it ends.
        """
        name = f"{stamp(facts.started)}_{facts.job}"
        write = self._store.write_files
        return await _to_its_end(asyncio.to_thread(write, collection, name, contents, facts))

    def _record(
        self,
        collection: Collection,
        files: Mapping[str, bytes],
        facts: RunFacts,
        latest: Mapping[str, bytes],
    ) -> LedgerEntry:
        name = stamp(facts.started)
        if collection is Collection.OPS_RUNS:
            name = f"{name}_{facts.folder or facts.job}"
        with self._store.writing(collection) as run:
            for path, content in sorted(files.items()):
                run.write(path, content)
            return run.record(facts, name, latest)


async def _to_its_end(work: Awaitable[LedgerEntry]) -> LedgerEntry:
    """Await what a thread records; cancelled or not, it has recorded when this ends."""
    recording = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(recording)
    except asyncio.CancelledError:
        await asyncio.wait({recording})
        raise
