"""What a brief is made from, and its lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from mission_control.floor.model import FloorSnapshot
from mission_control.model.event import FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.session import Holiday, TradingDay
from mission_control.schedule.model import RunState

T = TypeVar("T")

MOST_LINES = 45
"""Lines of a brief, its title included (docs/semantics.md#R15.21)."""


class Tone(StrEnum):
    """How a line is to be taken; UNKNOWN is one that could not be read."""

    BAD = "bad"
    WARN = "warn"
    UNKNOWN = "unknown"
    CALM = "calm"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what is so, and where its evidence is: a page's path, and one of the API."""

    section: str
    tone: Tone
    text: str
    page: str
    api: str


@dataclass(frozen=True, slots=True)
class Brief:
    """A brief as of `at` (UTC); `label` marks one of a simulated floor."""

    at: datetime
    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """Something that was read."""

    value: T


@dataclass(frozen=True, slots=True)
class NotRead:
    """Something that was not, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """
    An alert that is open, or a change of one: since when or at what time (UTC).

    `why` is why no page goes out for it, empty where one does.
    """

    at: datetime
    severity: Severity
    code: str
    subject: str
    pages: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Deploys:
    """
    What changed from one recorded deploy report to the next, each in words.

    `since` and `until` name the reports' sessions. `gaps` is why that may not be all of it.
    """

    since: str
    until: str
    changes: tuple[str, ...]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Good:
    """The newest GOOD capture: its path, and why a newer one may have been it."""

    path: str
    at: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadinessNote:
    """What readiness is worth now."""

    verdict: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something that ends by itself, and when (UTC)."""

    what: str
    at: datetime
    page: str
    api: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """
    Everything that a brief is written from.

    `now` (UTC) is when it is written and `snapshot` the floor it is about; `reads` is the verdict
    as it is read. `first_step` is that of the leading reason's runbook. `required` pieces of
    evidence are needed, and `missing` of them missing. `since` is the close of the session before.
    `changes` are those of the posture since then, oldest first, and `more_changes` says that there
    were more before these. `watched_since` is since when the floor is watched without a break,
    None where that is not known. `paged` are changes of alerts since then, newest first.
    `verdicts` are what recorded readiness runs said, by their path.
    `sessions` are the next ones, today's first, and `holidays` those of the next days.
    """

    now: datetime
    snapshot: FloorSnapshot
    reads: str
    required: int
    missing: int
    since: datetime
    first_step: str = ""
    watched_since: datetime | None = None
    changes: Known[tuple[FloorEvent, ...]] | NotRead = NotRead("not asked")
    more_changes: bool = False
    deploys: Known[Deploys] | NotRead = NotRead("not asked")
    good: Known[Good] | NotRead = NotRead("not asked")
    alerts: Known[tuple[Told, ...]] | NotRead = NotRead("not asked")
    paged: Known[tuple[Told, ...]] | NotRead = NotRead("not asked")
    readiness: Known[ReadinessNote] | NotRead = NotRead("not asked")
    runs: Known[tuple[RunState, ...]] | NotRead = NotRead("not asked")
    verdicts: Mapping[str, str] = field(default_factory=dict[str, str])
    sessions: tuple[TradingDay, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    expiring: Known[tuple[Expiry, ...]] | NotRead = NotRead("not asked")
    not_watched: tuple[str, ...] = ()
    """What may expire as well, and is not read, each with why."""
