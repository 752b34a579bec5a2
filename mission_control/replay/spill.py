"""
Lines sorted in bounded memory: in runs, spilled to files that have no name.

Python has an external merge in its standard library (`heapq.merge` over sorted runs), and the
system one in `sort`; SQLite would do as well, but took thrice the time for lines that are read in
one order only. A run is a temporary file of mode 0600 that is unlinked as it is opened, so that
nothing is left behind however this process ends.
"""

import heapq
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from mission_control.errors import StorageError

MOST_HELD = 8 << 20
"""Bytes of lines that are sorted in memory, without what Python adds to each."""
MOST_RUNS = 48
"""So many runs are merged at a time, each with a buffer."""
_BUFFER = 1 << 15
_OF_A_LINE = 64
"""Bytes that a line takes beside its own."""


class _Run:
    """Sorted lines in a file without a name; closed when nothing reads it any more."""

    def __init__(self, folder: str | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER)  # noqa: SIM115  (kept)

    def write(self, lines: Iterable[bytes]) -> None:
        self._file.writelines(lines)
        self._file.flush()

    def __iter__(self) -> Iterator[bytes]:
        """Read from the beginning, at a place of its own."""
        at, rest = 0, b""
        while chunk := os.pread(self._file.fileno(), _BUFFER, at):
            at += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):  # where it could not be opened at all
            self._file.close()


class SortedLines:
    """
    Takes lines without line ends, and yields them sorted by their bytes, as often as asked.

    Nothing is added once it was read. Raises StorageError where there is no room to spill to.
    """

    def __init__(self, most_held: int = MOST_HELD, folder: str | None = None) -> None:
        """Begin empty; `most_held` bytes are kept in memory, all else in `folder` (TMPDIR)."""
        self._most, self._folder = most_held, folder
        self._held, self._size = list[bytes](), 0
        self._runs = list[list[_Run]]()

    def add(self, line: bytes) -> None:
        """Take a line."""
        self._held.append(line)
        self._size += len(line) + _OF_A_LINE
        if self._size >= self._most:
            self._spill()

    def add_all(self, lines: Sequence[bytes]) -> None:
        """Take some lines."""
        self._held += lines
        self._size += sum(map(len, lines)) + _OF_A_LINE * len(lines)
        if self._size >= self._most:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines, sorted."""
        if not self._runs:
            self._held.sort()
            return iter(self._held)
        self._settle()
        return heapq.merge(*self._runs[0])

    def _spill(self) -> None:
        self._held.sort()
        self._keep(0, self._written(self._held))
        self._held, self._size = [], 0

    def _keep(self, level: int, run: _Run) -> None:
        """Keep a run; as many as are merged at a time become one of the next level."""
        while level >= len(self._runs):
            self._runs.append([])
        self._runs[level].append(run)
        if len(self._runs[level]) == MOST_RUNS:
            runs, self._runs[level] = self._runs[level], []
            self._keep(level + 1, self._written(heapq.merge(*runs)))

    def _settle(self) -> None:
        """Merge runs, the smallest first, until few enough are left to be merged when read."""
        if self._held:
            self._spill()
        runs = [run for level in self._runs for run in level]
        while len(runs) > MOST_RUNS:
            some, runs = runs[:MOST_RUNS], runs[MOST_RUNS:]
            runs.append(self._written(heapq.merge(*some)))
        self._runs = [runs]

    def _written(self, lines: Iterable[bytes]) -> _Run:
        try:
            run = _Run(self._folder)
            run.write(line + b"\n" for line in lines)
        except OSError as error:
            folder = self._folder or tempfile.gettempdir()
            remedy = "set TMPDIR to a folder with room for the events that are replayed"
            problem = f"there is no room to sort in: {error.strerror or error}"
            raise StorageError(problem, path=folder, remedy=remedy) from error
        return run
