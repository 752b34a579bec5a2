"""The durable copy of the record: where it lies, what a run did, and its state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.records.model import ArtifactFile, LedgerEntry, LedgerHead

MARKER = "durable_copy.json"
"""Says at the destination whose copy it is: the hash of the record's first line."""

LEDGER_FOLDER = "ledger"
"""Holds the ledger at the destination, in segments whose every file was read back."""


@dataclass(frozen=True, slots=True)
class S3Address:
    """A place in an S3-compatible store; `prefix` has no slash at either end."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        """Write it as it is configured."""
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"


class CopyProblemKind(StrEnum):
    """
    What is wrong with one thing that was to be copied; worst first.

    `CONFLICT`: other bytes are under its name, and stay. `CORRUPTED`: what was sent reads back
    otherwise. `GONE`: it was copied and is not there any more; it is sent again. `ALTERED_HERE`
    and `MISSING_HERE`: our own file is not as it was recorded, and is not sent.
    `ANOTHER_RECORD`: the copy there is of another record, or ours was rewritten. `CHAIN_BROKEN`:
    our own ledger does not hold together. `NOT_COPIED`: it could not be sent or read back.
    """

    ANOTHER_RECORD = "ANOTHER_RECORD"
    CONFLICT = "CONFLICT"
    CORRUPTED = "CORRUPTED"
    GONE = "GONE"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    ALTERED_HERE = "ALTERED_HERE"
    MISSING_HERE = "MISSING_HERE"
    NOT_COPIED = "NOT_COPIED"

    @property
    def contradicts(self) -> bool:
        """Return whether bytes are not those recorded, rather than that nothing could be done."""
        return self is not CopyProblemKind.NOT_COPIED


@dataclass(frozen=True, slots=True, order=True)
class CopyProblem:
    """One thing that is not copied and verified as it should be."""

    path: str
    kind: CopyProblemKind
    detail: str


@dataclass(frozen=True, slots=True)
class CopyMemory:
    """
    What runs of copying know of a destination, passed on; it never clears a doubt.

    `runs` were there, and `through` is the line up to which all of them. `proven` are the segments
    that were read back equal. `doubts` are what was wrong with files that were not read back equal
    since. `overdue` are files whose turn to be read back once more has passed, the longest waiting
    first. `lost` says that what an earlier run knew cannot be read: then everything is in doubt.
    """

    runs: int = 0
    through: int = 0
    proven: frozenset[str] = frozenset()
    doubts: tuple[CopyProblem, ...] = ()
    overdue: tuple[str, ...] = ()
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """Lines of the ledger as they are at the destination: under this name, with these bytes."""

    file: ArtifactFile
    content: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """
    What a run of copying is to do, in the order of the ledger.

    `covered` are the numbers of the lines that segments at the destination cover; `lines` the
    others. `again` are files of covered lines that are gone there, `reread` those that are to be
    read back once more: the ones in doubt first. `segments` are there, and only those that are
    `proven`, or that are read back equal in this run, vouch for their lines. `doubts` are what
    is wrong with a file until it is read back equal. `refused` means that nothing may be sent.
    """

    covered: frozenset[int]
    lines: tuple[LedgerEntry, ...]
    again: tuple[ArtifactFile, ...] = ()
    reread: tuple[ArtifactFile, ...] = ()
    problems: tuple[CopyProblem, ...] = ()
    refused: bool = False
    segments: tuple[Segment, ...] = ()
    proven: frozenset[str] = frozenset()
    doubts: tuple[CopyProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """How many files, of how many bytes."""

    files: int = 0
    bytes: int = 0

    def plus(self, file: ArtifactFile) -> "Tally":
        """Count one more file."""
        return Tally(self.files + 1, self.bytes + file.size)


def tally(files: Sequence[ArtifactFile]) -> Tally:
    """Count files and their bytes."""
    return Tally(len(files), sum(f.size for f in files))


@dataclass(frozen=True, slots=True)
class CopyReach:
    """
    How far the copy reaches: what is there, read back and vouched for.

    `through` is the newest line up to which every line is; `runs` and `copied` count all that
    are. `pending` counts those that are not, `pending_seq` and `pending_since` name the oldest.
    """

    through: int
    runs: int
    copied: Tally
    pending: int
    pending_seq: int | None = None
    pending_since: str | None = None


@dataclass(frozen=True, slots=True)
class CopyReport:
    """
    What one run of copying found and did; instants are UTC.

    `reach` is None where the destination did not say what it holds. `sent` counts what was sent
    now, `found` what was there already and `reread` what was read back once more. `failure` is why
    it stopped early, empty if it did not. `memory` is passed to the next run.
    """

    destination: str
    started: datetime
    finished: datetime
    head: LedgerHead
    reach: CopyReach | None
    sent: Tally
    found: Tally
    reread: Tally
    problems: tuple[CopyProblem, ...] = ()
    cautions: tuple[str, ...] = ()
    failure: str = ""
    memory: CopyMemory = CopyMemory()

    @property
    def complete(self) -> bool:
        """Return whether every line there was is copied and verified, and nothing was wrong."""
        reached = self.reach is not None and not self.reach.pending
        return reached and not self.problems and not self.failure

    @property
    def contradicted(self) -> bool:
        """Return whether any bytes, here or there, are not those that were recorded."""
        return any(p.kind.contradicts for p in self.problems)


class CopyStatus(StrEnum):
    """The state of the durable copy; only COPIED is well, and only while it keeps up."""

    NOT_CONFIGURED = "NOT_CONFIGURED"
    NEVER_RUN = "NEVER_RUN"
    UNKNOWN = "UNKNOWN"
    CONTRADICTED = "CONTRADICTED"
    FAILED = "FAILED"
    LAGGING = "LAGGING"
    DOUBTFUL = "DOUBTFUL"
    COPIED = "COPIED"


@dataclass(frozen=True, slots=True)
class Pending:
    """The oldest line that is not copied: its number, and when it was recorded, None if unknown."""

    seq: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class CopyState:
    """The state of the durable copy now, with a sentence; `since` is since when it lags (UTC)."""

    standing: CopyStatus
    detail: str
    since: datetime | None = None

    @property
    def fine(self) -> bool:
        """Return whether there is nothing to look at."""
        return self.standing is CopyStatus.COPIED
