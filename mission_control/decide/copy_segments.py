"""Decide: lines of the ledger as they stand at the destination of a durable copy: in segments."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mission_control.model.artifact import ArtifactFile, LedgerEntry
from mission_control.model.durable_copy import LEDGER_FOLDER, Segment

_SEGMENT = re.compile(LEDGER_FOLDER + r"/([0-9]{10})-([0-9]{10})-([0-9a-f]{64})\.jsonl")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger: what it says, and its bytes."""

    entry: LedgerEntry
    content: bytes


def segment_of(lines: Sequence[Line]) -> Segment:
    """
    Give consecutive lines as a segment, which vouches for every file that they name.

    It is named by its first and last number and by the last one's hash, so that the names alone
    tell what was copied of which record; sorted by name the segments give the ledger again.
    """
    first, last = lines[0].entry, lines[-1].entry
    content = b"".join(line.content for line in lines)
    path = f"{LEDGER_FOLDER}/{first.seq:010}-{last.seq:010}-{last.hash}.jsonl"
    sha256 = hashlib.sha256(content).hexdigest()
    file = ArtifactFile(path=path, sha256=sha256, size=len(content))
    return Segment(file, content, first.seq, last.seq)


def numbers_of(path: str) -> tuple[int, int, str] | None:
    """Give a segment's first and last number and its last hash by its name; None for others."""
    named = _SEGMENT.fullmatch(path)
    return None if named is None else (int(named[1]), int(named[2]), named[3])


def is_segment(path: str) -> bool:
    """Tell whether a name at the destination is that of a segment."""
    return _SEGMENT.fullmatch(path) is not None
