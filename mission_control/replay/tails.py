"""
Log tails within our own bundles: sections by container, and how they overlap.

Two tails of one container's log overlap where the earlier one ends with the lines that the later
one begins with. Those are counted once; equal lines within a tail are repeats, and stay.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from mission_control.replay.read_bytes import LongLine

_BUNDLE = re.compile(r"\d{8}T\d{6}Z(?:[_-].*)?")
_FILE = re.compile(r"logs\..+\.txt(?:\.gz|\.zst)?")
_HEADING = re.compile(rb"==> (\S{1,253}) (\S{1,253}/\S{1,253}?)( \(previous\))? <==\r?")
WHOLE_TAIL = 200
"""Lines that a bundle takes of each log: a tail with fewer begins where its log does."""
_MOST_LINES = 1_000
_MOST_BYTES = 4 << 20
_MOST_LOGS = 4_096
_WIDTH = 8


def bundle_of(path: Path) -> str:
    """Return the name of the bundle whose log tails a file holds; empty where it is none."""
    inside = bool(_FILE.fullmatch(path.name) and _BUNDLE.fullmatch(path.parent.name))
    return path.parent.name if inside else ""


class Section(NamedTuple):
    """
    A part of a tail: whose log it is, and its lines; a line that is too long stands alone.

    `begins` says that its heading stands before it.
    """

    container: str
    previous: bool
    lines: Sequence[bytes] | LongLine
    begins: bool


def sections_of(blocks: Iterator[bytes | LongLine]) -> Iterator[Section]:
    """Yield the sections of a file of tails; a very long one comes in parts."""
    container, previous, begins = "", False, False
    held, size = list[bytes](), 0
    for block in blocks:
        if isinstance(block, LongLine):
            if held or begins:
                yield Section(container, previous, held, begins)
                held, size, begins = [], 0, False
            yield Section(container, previous, block, begins=False)
            continue
        for line in block.removesuffix(b"\n").split(b"\n"):
            heading = _HEADING.fullmatch(line)
            full = len(held) >= _MOST_LINES or size >= _MOST_BYTES
            if (heading and (held or begins)) or full:
                yield Section(container, previous, held, begins)
                held, size, begins = [], 0, False
            if heading:
                container = b" ".join(heading.group(1, 2)).decode(errors="replace")
                previous, begins = bool(heading[3]), True
            else:
                held.append(line)
                size += len(line)
    if held or begins:
        yield Section(container, previous, held, begins)


@dataclass(slots=True)
class TailsSeen:
    """The ends of the logs that tails showed, as digests of their lines."""

    _logs: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])

    def overlap(self, container: str, lines: Sequence[bytes]) -> tuple[int, bool]:
        """
        Return how many lines of a tail an earlier one ended with, and whether lines lie between.

        The tail is remembered, so tails have to come in the order in which they were taken.
        """
        end = len(lines)
        while end and not lines[end - 1].strip():
            end -= 1
        new = b"".join(blake2b(line, digest_size=_WIDTH).digest() for line in lines[:end])
        known = self._logs.setdefault(container, [])
        shared, number = max(
            ((_shared(log, new), n) for n, log in enumerate(known)), default=(0, 0)
        )
        if shared:
            known[number] = (known[number] + new[shared * _WIDTH :])[-_MOST_LINES * _WIDTH :]
            return shared, False
        gap = bool(known) and end >= WHOLE_TAIL
        if new:
            known.append(new[-_MOST_LINES * _WIDTH :])
        while len(self._logs) > _MOST_LOGS:
            del self._logs[next(iter(self._logs))]
        return 0, gap


def _shared(log: bytes, new: bytes) -> int:
    """Return how many lines a log ends with that another tail begins with."""
    for count in range(min(len(log), len(new)) // _WIDTH, 0, -1):
        if log.endswith(new[: count * _WIDTH]):
            return count
    return 0
