"""The shapes of the edges that keep history and read it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mission_control.floor.model import FloorEvidence, FloorSnapshot, Latched
from mission_control.history.model import PastDecision, ServiceChange, Span, WatchedMinute
from mission_control.model.event import FloorEvent
from mission_control.model.reading import Seen, Unseen

TOLD_AROUND = timedelta(minutes=5)
"""When somebody decided is told by minutes that lie at most so far before or after it."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A judged change: what was decided, from what, and what stood before."""

    why: str
    evidence: FloorEvidence
    before: Latched
    snapshot: FloorSnapshot
    changes: tuple[ServiceChange, ...]
    events: tuple[FloorEvent, ...]


@dataclass(frozen=True, slots=True)
class MinuteRecord:
    """
    A minute that was watched: how often each service was asked, and how often seen.

    `decided` are the stretches in which somebody decided, told since the record before.
    """

    minute: datetime
    counts: Mapping[str, tuple[int, int]]
    decided: tuple[Span, ...] = ()


HistoryRecord = DecisionRecord | MinuteRecord


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which past events are asked for; `before` is an event's number in history."""

    limit: int = 100
    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    agent_name: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Past events, newest first; `next_before` asks for the page after, None on the last."""

    events: tuple[FloorEvent, ...]
    next_before: int | None


class HistoryWriter(Protocol):
    """Keeps history; nobody ever waits for it."""

    def put(self, record: HistoryRecord) -> bool:
        """Take a record; when too many wait it is lost: gives False, and `check` says so."""
        ...

    def recalled(self) -> Latched | None:
        """Give what stood when the process before ended; None until that could be read."""
        ...

    def lost(self) -> str:
        """Say what was lost of what stood before the start; nothing where nothing was."""
        ...

    def began(self) -> datetime | None:
        """Give when this record began; None where it is not known, or continues an older one."""
        ...

    async def check(self) -> Seen[None] | Unseen:
        """Say whether what was put is being written."""
        ...


class HistoryReader(Protocol):
    """Reads history; raises StorageError where it cannot."""

    async def began(self) -> datetime | None:
        """Give when the oldest decision that is kept was made; None when there is none."""
        ...

    async def decision_at(self, at: datetime) -> PastDecision | None:
        """Give the newest decision that was made by then; None when there is none."""
        ...

    def decisions(self, since: datetime, until: datetime) -> AsyncGenerator[PastDecision]:
        """
        Give the decision in force at `since` and every one until `until`, oldest first.

        Few are in memory at a time, however many there are.
        """
        ...

    async def changes(
        self, since: datetime, until: datetime, agent_name: str | None = None
    ) -> Sequence[ServiceChange]:
        """Give each service's state at `since` and every change until `until`, oldest first."""
        ...

    async def minutes(self, since: datetime, until: datetime) -> Sequence[WatchedMinute]:
        """Give the watched minutes that begin in a stretch of time, oldest first."""
        ...

    async def events(self, query: EventQuery) -> EventPage:
        """Give past events, newest first."""
        ...
