"""What was recorded, read back: the ledger page by page, files by their digests."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mission_control.errors import StorageError
from mission_control.model.clock import Clock
from mission_control.records.folder import Folder
from mission_control.records.ledger import FOLDER, PATH, Ledger, read_line
from mission_control.records.model import (
    GENESIS,
    ArtifactFile,
    ArtifactPage,
    ArtifactQuery,
    Checked,
    LedgerEntry,
    LedgerHead,
    RecordedArtifact,
)
from mission_control.records.recovery import read_whole
from mission_control.records.verification import verify

CHECK_KEEPS_SECONDS = 300.0

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class _Index:
    """
    The ledger as read so far: only what was appended since is read again.

    `last` is the newest line as it was read: one that could not be made durable is taken back,
    and another is in its place. `by_date` and `by_job` hold the lines of each, oldest first,
    as positions.
    """

    inode: int = 0
    read_bytes: int = 0
    last: bytes = b""
    entries: tuple[LedgerEntry, ...] = ()
    by_date: Mapping[str | None, tuple[int, ...]] = field(
        default_factory=dict[str | None, tuple[int, ...]]
    )
    by_job: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    def candidates(self, query: ArtifactQuery) -> Iterator[LedgerEntry]:
        """Return the lines that a query may want, newest first, as few as is cheap to know."""
        positions: Iterable[int] = range(len(self.entries))
        if query.session_date is not None:
            positions = self.by_date.get(query.session_date.isoformat(), ())
        elif query.job is not None:
            positions = self.by_job.get(query.job, ())
        return (self.entries[n] for n in reversed(tuple(positions)))


class ArtifactReader:
    """
    Reads what is recorded below a root, off the event loop.

    Raises StorageError where the root cannot be read. A line of the ledger that is not ours is
    left out here; `verify` names it.
    """

    def __init__(self, root: Path, clock: Clock) -> None:
        """Read below this root, whether or not it is there yet."""
        self._root = root
        self._clock = clock
        self._index = _Index()
        self._checked: Checked | None = None
        self._one_at_a_time = asyncio.Lock()

    async def page(self, query: ArtifactQuery) -> ArtifactPage:
        """Return a page of runs, newest first."""
        return await asyncio.to_thread(self._page, query)

    async def find(self, path: str) -> ArtifactFile | None:
        """Return what the ledger says of a file; None where it names none such."""
        for entry in reversed(await self._entries()):
            for file in entry.files:
                if file.path == path:
                    return file
        return None

    async def read(self, file: ArtifactFile, limit: int) -> RecordedArtifact:
        """Read a recorded file's bytes and say whether they are still those recorded."""
        content = await asyncio.to_thread(self._read, file.path, limit)
        intact = hashlib.sha256(content).hexdigest() == file.sha256
        return RecordedArtifact(file, content, intact)

    async def check(self) -> Checked:
        """Verify everything; what was found is kept for five minutes or until the next run."""
        async with self._one_at_a_time:
            entries = await self._entries()
            head = entries[-1].head if entries else GENESIS
            known, now = self._checked, self._clock()
            if known is None or self._is_old(known, head):
                known = self._checked = Checked(await asyncio.to_thread(verify, self._root), now)
            return known

    def _is_old(self, known: Checked, head: LedgerHead) -> bool:
        age = (self._clock() - known.at).total_seconds()
        return known.found.head != head or not 0 <= age < CHECK_KEEPS_SECONDS

    def _read(self, path: str, limit: int) -> bytes:
        folder, _, name = path.rpartition("/")
        with Folder.open_existing(self._root) as root, root.descend(folder) as within:
            return read_whole(within, name, limit)

    def _page(self, query: ArtifactQuery) -> ArtifactPage:
        index = self._refresh()
        found = [e for e in index.candidates(query) if query.wants(e)]
        shown = tuple(found[: query.limit])
        more = len(found) > query.limit
        head = index.entries[-1].head if index.entries else GENESIS
        return ArtifactPage(shown, shown[-1].seq if more else None, len(index.entries), head)

    async def _entries(self) -> tuple[LedgerEntry, ...]:
        return (await asyncio.to_thread(self._refresh)).entries

    def _refresh(self) -> _Index:
        """Read on; returns what was read here, whatever another thread reads meanwhile."""
        try:
            with Folder.open_existing(self._root) as root, root.descend(FOLDER) as records:
                index = _read_on(Ledger(records), self._index)
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            index = _Index()
        _refuse_loss(self._index, index)
        self._index = index
        return index


def _refuse_loss(known: _Index, index: _Index) -> None:
    """
    Raise StorageError where lines are gone that were there: what is left would look intact.

    The newest line alone may have been taken back, as one is that could not be made durable.
    """
    durable, found = known.entries[:-1], index.entries
    last = len(durable) - 1
    read_on = last >= 0 and len(found) > last and found[last] is durable[last]
    same = read_on or [e.hash for e in durable] == [e.hash for e in found[: len(durable)]]
    if (known.entries and not found) or not same:
        raise StorageError(
            f"the ledger had {len(known.entries)} lines, and what is there now is not that ledger",
            path=PATH,
            remedy="bring back the root that was there; its mount may be lost",
        )


def _read_on(ledger: Ledger, known: _Index) -> _Index:
    inode = ledger.inode()
    if inode != known.inode or not _stands(ledger, known):
        known = _Index(inode)
    read, last, first = known.read_bytes, known.last, len(known.entries)
    fresh = list[LedgerEntry]()
    for line in ledger.lines(read):
        if not line.endswith(b"\n"):
            break  # it is being written, or torn: either way it is no line yet
        read, last = read + len(line), line
        entry = read_line(line)
        if entry is not None:
            fresh.append(entry)
    if read == known.read_bytes:
        return known
    by_date = _more(known.by_date, first, [entry.session_date for entry in fresh])
    by_job = _more(known.by_job, first, [entry.job for entry in fresh])
    return _Index(inode, read, last, known.entries + tuple(fresh), by_date, by_job)


def _more(
    known: Mapping[K, tuple[int, ...]], first: int, keys: Iterable[K]
) -> Mapping[K, tuple[int, ...]]:
    """Add what lines say from the `first` position on; each key's positions are joined once."""
    found = dict[K, list[int]]()
    for position, key in enumerate(keys, first):
        found.setdefault(key, []).append(position)
    return {**known, **{key: (*known.get(key, ()), *more) for key, more in found.items()}}


def _stands(ledger: Ledger, known: _Index) -> bool:
    """Return whether what was read is there still, to the end of its newest line."""
    lines = ledger.lines(known.read_bytes - len(known.last))
    return not known.last or next(lines, b"") == known.last
