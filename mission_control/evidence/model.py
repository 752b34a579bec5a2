"""What a bundle of evidence is asked for, what it covers, and what is read out of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mission_control.history.model import PastDecision
from mission_control.records.model import LedgerHead

FORMAT = "mission-control-evidence/1"
CHANGE_FORMAT = "mission-control-change/1"
MOST_INCIDENT = 500
"""Characters of what an incident is called."""
LONGEST = timedelta(days=31)
"""The longest stretch of time that one bundle holds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a bundle is asked to hold: everything between two instants (UTC).

    `incident` is what it is called, as a person wrote it.
    """

    since: datetime
    until: datetime
    incident: str = ""

    @property
    def name(self) -> str:
        """Return what a bundle of this time is called: its first and last instant in UTC."""
        first, last = (at.astimezone(UTC) for at in (self.since, self.until))
        return f"evidence_{first:%Y%m%dT%H%M%SZ}_{last:%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was expected and is not in the bundle, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class PartCoverage:
    """
    What was expected and obtained of one source, counted in `unit`.

    `expected` is None where that cannot be known, for the source cannot be read.
    """

    source: str
    expected: int | None
    obtained: int
    unit: str
    gaps: tuple[Gap, ...] = ()

    @property
    def whole(self) -> bool:
        """Return whether everything that was expected is there."""
        return not self.gaps and self.obtained == self.expected


@dataclass(frozen=True, slots=True)
class BundleAbout:
    """What a bundle says of itself (`data/bundle.json`)."""

    format: str
    since: datetime
    until: datetime
    incident: str
    decision_version: str
    ledger_head: LedgerHead | None
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """
    One judged change out of a bundle, with everything that it was decided from.

    `path` is its file in the bundle. `decision_version` is that of the decision then, None where it
    was not recorded. `equal` says whether the version that made the bundle decided the same again.
    """

    path: str
    number: int
    why: str
    decision_version: str | None
    decision: PastDecision
    equal: bool
    posture: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One judged change as the index of changes shows it (`data/posture/changes.json`)."""

    number: int
    path: str
    at: datetime
    sequence: int
    why: str
    decision_version: str | None
    result: str
    equal: bool
    posture: str
    severity: str | None
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the story: when (UTC), of which kind, what, and the file that says more."""

    at: datetime
    kind: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class PostureSegment:
    """
    A stretch of time with one posture; NOT_WATCHED where nothing was decided, or nothing is known.

    `path` is the change that it begins with, empty for none.
    """

    begin: datetime
    end: datetime
    posture: str
    severity: str | None = None
    codes: tuple[str, ...] = ()
    path: str = ""
    equal: bool = True


@dataclass(frozen=True, slots=True)
class PostureMinute:
    """A minute: the worst posture in it, and how many of its seconds were watched."""

    minute: datetime
    posture: str
    watched_seconds: float


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, for a reader; `untold` lines are in the documents alone."""

    told: tuple[Told, ...]
    untold: int
    segments: tuple[PostureSegment, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """What a bundle is about and what it covers; `first` is what has to be said first of it."""

    about: Mapping[str, Any]
    coverage: tuple[PartCoverage, ...]
    first: str

    @property
    def whole(self) -> bool:
        """Return whether nothing is missing."""
        return all(part.whole for part in self.coverage)

    @property
    def unread(self) -> tuple[PartCoverage, ...]:
        """Return the sources that could not be read."""
        return tuple(part for part in self.coverage if part.expected is None)
