"""What was recorded, read back: the ledger page by page, files by their digests."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from mission_control.documents.canonical_json import encode_json
from mission_control.errors import StorageError
from mission_control.model.clock import Clock
from mission_control.records.folder import Folder
from mission_control.records.ledger import FOLDER, PATH, Ledger, read_line, read_own_line
from mission_control.records.marker import read_marker
from mission_control.records.model import (
    GENESIS,
    ArtifactFile,
    ArtifactPage,
    ArtifactQuery,
    Checked,
    LedgerEntry,
    LedgerHead,
    RecordedArtifact,
    RecordMarker,
)
from mission_control.records.recovery import read_whole
from mission_control.records.verification import verify

CHECK_KEEPS_SECONDS = 300.0

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class _Index:
    """
    The ledger as read so far: only what was appended since is read again.

    Lines are kept as they were read, once it was seen that they are ours: values of all of them
    would take five times the memory. `last` is the newest line, ours or not: one that could not be
    made durable is taken back, and another is in its place. `by_date` and `by_job` hold the lines
    of each, oldest first, as positions.
    """

    inode: int = 0
    read_bytes: int = 0
    last: bytes = b""
    lines: tuple[bytes, ...] = ()
    by_date: Mapping[str | None, tuple[int, ...]] = field(
        default_factory=dict[str | None, tuple[int, ...]]
    )
    by_job: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    @property
    def head(self) -> LedgerHead:
        """Return the head of the chain."""
        return read_own_line(self.lines[-1]).head if self.lines else GENESIS

    def candidates(self, query: ArtifactQuery) -> Iterator[LedgerEntry]:
        """Return the lines that a query may want, newest first, as few as is cheap to know."""
        positions: Sequence[int] = range(len(self.lines))
        if query.session_date is not None:
            positions = self.by_date.get(query.session_date.isoformat(), ())
        elif query.job is not None:
            positions = self.by_job.get(query.job, ())
        lines = (self.lines[n] for n in reversed(positions))
        if query.holding is not None:
            named = query.holding.encode()
            lines = (line for line in lines if named in line)
        return map(read_own_line, lines)

    def naming(self, path: str) -> Iterator[LedgerEntry]:
        """Return the lines that name this path, or a text like it, newest first."""
        named = encode_json(path)
        return map(read_own_line, (line for line in reversed(self.lines) if named in line))


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

    async def marker(self) -> RecordMarker | None:
        """Return whose record it is; None where it has no marker yet."""
        return await asyncio.to_thread(read_marker, self._root)

    async def lines(self, first: int, last: int) -> Sequence[bytes]:
        """Return the ledger's lines from one number to another, both included, as they are."""
        return await asyncio.to_thread(self._lines, first, last)

    async def find(self, path: str) -> ArtifactFile | None:
        """Return what the ledger says of a file; None where it names none such."""
        return await asyncio.to_thread(self._find, path)

    async def read(self, file: ArtifactFile, limit: int) -> RecordedArtifact:
        """Read a recorded file's bytes and say whether they are still those recorded."""
        content = await asyncio.to_thread(self._read, file.path, limit)
        intact = hashlib.sha256(content).hexdigest() == file.sha256
        return RecordedArtifact(file, content, intact)

    async def check(self) -> Checked:
        """Verify everything; what was found is kept for five minutes or until the next run."""
        async with self._one_at_a_time:
            head = (await asyncio.to_thread(self._refresh)).head
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

    def _find(self, path: str) -> ArtifactFile | None:
        entries = self._refresh().naming(path)
        return next((file for e in entries for file in e.files if file.path == path), None)

    def _lines(self, first: int, last: int) -> Sequence[bytes]:
        numbered = ((read_own_line(line).seq, line) for line in self._refresh().lines)
        return [line for seq, line in numbered if first <= seq <= last]

    def _page(self, query: ArtifactQuery) -> ArtifactPage:
        index = self._refresh()
        wanted = (e for e in index.candidates(query) if query.wants(e))
        shown = tuple(islice(wanted, query.limit))
        more = shown and next(wanted, None) is not None
        return ArtifactPage(shown, shown[-1].seq if more else None, len(index.lines), index.head)

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
    durable, found = known.lines[:-1], index.lines
    last = len(durable) - 1
    read_on = last >= 0 and len(found) > last and found[last] is durable[last]
    same = read_on or durable == found[: len(durable)]
    if (known.lines and not found) or not same:
        raise StorageError(
            f"the ledger had {len(known.lines)} lines, and what is there now is not that ledger",
            path=PATH,
            remedy="bring back the root that was there; its mount may be lost",
        )


def _read_on(ledger: Ledger, known: _Index) -> _Index:
    inode = ledger.inode()
    if inode != known.inode or not _stands(ledger, known):
        known = _Index(inode)
    read, last, first = known.read_bytes, known.last, len(known.lines)
    fresh, ours = list[tuple[str | None, str]](), list[bytes]()
    for line in ledger.lines(read):
        if not line.endswith(b"\n"):
            break  # it is being written, or torn: either way it is no line yet
        read, last = read + len(line), line
        entry = read_line(line)
        if entry is not None:
            fresh.append((entry.session_date, entry.job))
            ours.append(line)
    if read == known.read_bytes:
        return known
    by_date = _more(known.by_date, first, [session_date for session_date, _ in fresh])
    by_job = _more(known.by_job, first, [job for _, job in fresh])
    return _Index(inode, read, last, known.lines + tuple(ours), by_date, by_job)


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
