"""The shapes of the edges that record, and that read what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from mission_control.records.model import (
    ArtifactFile,
    Collection,
    LedgerEntry,
    LedgerHead,
    RecordedArtifact,
    RunFacts,
    Verification,
)


@dataclass(frozen=True, slots=True)
class ArtifactQuery:
    """
    Which runs are asked for; `before` is a number of the ledger, all limits are optional.

    `holding` is the name of a file that a run must hold directly in its folder.
    """

    limit: int = 50
    before: int | None = None
    job: str | None = None
    session_date: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    holding: str | None = None

    def wants(self, entry: LedgerEntry) -> bool:
        """Tell whether a line of the ledger is asked for."""
        session = self.session_date.isoformat() if self.session_date else None
        return (
            (self.before is None or entry.seq < self.before)
            and self.job in {None, entry.job}
            and session in {None, entry.session_date}
            and (self.holding is None or entry.file_named(self.holding) is not None)
            and self._covers(entry)
        )

    def _covers(self, entry: LedgerEntry) -> bool:
        """Tell whether a line is of the time asked for; last, because instants are dear to read."""
        if self.since is None and self.until is None:
            return True
        at = datetime.fromisoformat(entry.at)
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    """Runs, newest first; `next_before` asks for the page after, None on the last one."""

    entries: tuple[LedgerEntry, ...]
    next_before: int | None
    total: int
    head: LedgerHead


@dataclass(frozen=True, slots=True)
class Checked:
    """What verifying everything found, and when."""

    found: Verification
    at: datetime


class ArtifactsReader(Protocol):
    """Reads what was recorded; raises StorageError where it cannot."""

    async def page(self, query: ArtifactQuery) -> ArtifactPage:
        """Give a page of runs, newest first."""
        ...

    async def find(self, path: str) -> ArtifactFile | None:
        """Give what the ledger says of a file; None where it names none such."""
        ...

    async def read(self, file: ArtifactFile, limit: int) -> RecordedArtifact:
        """Read a recorded file's bytes, at most so many, and say whether they are intact."""
        ...

    async def check(self) -> Checked:
        """Verify everything, or give what was found lately."""
        ...


class ArtifactWriter(Protocol):
    """Records runs."""

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
        """
        ...
