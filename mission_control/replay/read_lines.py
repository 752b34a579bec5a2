"""Lines that may hold an event, out of blocks of lines; every line is counted."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import orjson

from mission_control.replay.decide.marks import MARKS, find_claim, find_marked, is_marked
from mission_control.replay.model import Skip
from mission_control.replay.read_bytes import LONGEST_LINE, LongLine

_FIRST, _DENSE = 8_192, 8
"""Where of a block's first bytes every eighth line is marked, each line is looked at."""


class MarkedLine(NamedTuple):
    """A line that may hold an event, by its number from 1; `too_long` is only looked through."""

    number: int
    text: bytes
    too_long: bool = False


class DenseLines(NamedTuple):
    """A block in which most lines are marked; `began` lines stand before its first."""

    began: int
    block: bytes
    lines: list[bytes]


@dataclass(slots=True)
class LineReader:
    """
    Finds the lines of one source that may hold an event, and counts all others.

    Lines that a container runtime split are joined (CRI's partial lines, and docker's JSON whose
    `log` does not end its line): `containerd` and `docker` split at 16 KiB.
    """

    lines: int = 0
    skipped: Counter[Skip] = field(default_factory=Counter[Skip])
    _parts: dict[bytes, list[bytes]] = field(default_factory=dict[bytes, list[bytes]])
    _long: tuple[bool, bytes] | None = None

    def read(self, blocks: Iterator[bytes | LongLine]) -> Iterator[MarkedLine | DenseLines]:
        """
        Yield every line that may hold an event, in order; the others are counted.

        Of a block in which most are marked all lines are given: what looks at them counts those
        that have no mark.
        """
        for block in blocks:
            if isinstance(block, LongLine):
                yield from self._of_long_line(block)
            elif self._parts or _may_be_split(block):
                yield from self._one_by_one(block)
            elif block.count(MARKS[0], 0, _FIRST) * _DENSE > block.count(b"\n", 0, _FIRST):
                yield self._of_each(block)
            else:
                yield from self._marked(block)
        yield from self._left_over()

    def _of_each(self, block: bytes) -> DenseLines:
        """Give the lines of a block in which most are marked, to be looked at one by one."""
        lines = block.removesuffix(b"\n").split(b"\n")
        began = self.lines
        self.lines += len(lines)
        return DenseLines(began, block, lines)

    def _marked(self, block: bytes) -> Iterator[MarkedLine]:
        at = found = 0
        begins = number = self.lines
        for start, end in find_marked(block):
            number += block.count(b"\n", at, start)
            at, found = start, found + 1
            self.lines = number + 1
            text = block[start:end]
            yield MarkedLine(number + 1, text, len(text) > LONGEST_LINE)
        self.lines = number + block.count(b"\n", at) + (not block.endswith(b"\n"))
        self.skipped[Skip.NO_EVENT] += self.lines - begins - found

    def _one_by_one(self, block: bytes) -> Iterator[MarkedLine]:
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            self.lines += 1
            whole = self._joined(line)
            if whole is None:
                self.skipped[Skip.JOINED] += 1
            else:
                yield from self._whole(whole)

    def _whole(self, text: bytes) -> Iterator[MarkedLine]:
        if is_marked(text):
            yield MarkedLine(self.lines, text, len(text) > LONGEST_LINE)
        else:
            self.skipped[Skip.NO_EVENT] += 1

    def _joined(self, line: bytes) -> bytes | None:
        """Return a line as it was before it was split; None where more of it has to come."""
        part = _part_of(line)
        if part is None:
            return line
        stream, ends, head, text = part
        parts = self._parts.setdefault(stream, [])
        if not parts and ends:
            del self._parts[stream]
            return line
        parts += [text] if parts else [head, text]
        if not ends and sum(map(len, parts)) <= LONGEST_LINE:
            return None
        return _put_together(stream, self._parts.pop(stream))

    def _left_over(self) -> Iterator[MarkedLine]:
        """Yield split lines whose last part never came, as far as they go."""
        for stream in sorted(self._parts):
            self.skipped[Skip.JOINED] -= 1
            yield from self._whole(_put_together(stream, self._parts[stream]))
        self._parts.clear()

    def _of_long_line(self, line: LongLine) -> Iterator[MarkedLine]:
        """Keep of a long line whether it has a mark, and the part of it that tells most."""
        marked, told = self._long or (False, b"")
        if find_claim(told) < 0 and is_marked(line.part):
            told = line.part if find_claim(line.part) >= 0 or not told else told
            marked = True
        self._long = (marked, told)
        if line.last:
            self.lines += 1
            self._long = None
            if marked:
                yield MarkedLine(self.lines, told, too_long=True)
            else:
                self.skipped[Skip.NO_EVENT] += 1


_CRI = re.compile(rb"(\S{10,40} (stdout|stderr) )([PF])((?::\S*)? )(.*)", re.DOTALL)
_DOCKER = b'{"log":"'
_DOCKER_STREAM = b'","stream":"std'


def _may_be_split(block: bytes) -> bool:
    if b"std" not in block:
        return False
    if b" stdout P" in block or b" stderr P" in block:
        return True
    streams = block.count(_DOCKER_STREAM)
    return bool(streams) and streams != block.count(b"\\n" + _DOCKER_STREAM)


def _part_of(line: bytes) -> tuple[bytes, bool, bytes, bytes] | None:
    """Return a line's stream, whether it ends there, what is before its text, and that text."""
    found = _CRI.fullmatch(line)
    if found:
        return b"cri " + found[2], found[3] == b"F", found[1] + b"F" + found[4], found[5]
    if not line.startswith(_DOCKER):
        return None
    try:
        read: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    log, stream = read.get("log"), read.get("stream")
    if not isinstance(log, str) or not isinstance(stream, str):
        return None
    head = orjson.dumps({k: v for k, v in cast("dict[str, object]", read).items() if k != "log"})
    return b"docker " + stream.encode(), log.endswith("\n"), head, log.encode()


def _put_together(stream: bytes, parts: list[bytes]) -> bytes:
    head, *texts = parts
    if stream.startswith(b"cri "):
        return head + b"".join(texts)
    return orjson.dumps({**orjson.loads(head), "log": b"".join(texts).decode()})
