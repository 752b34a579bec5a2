"""What history holds, is given and is asked for; and the arithmetic of stretches of time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import FloorEvidence, FloorSnapshot, Latched, Verdict
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.fleet import SloWindow


@dataclass(frozen=True, slots=True)
class PastDecision:
    """
    A decision as it was made at `at`: its inputs, and the digest of what it said then.

    `result` is the SHA-256 in hex of what was decided (`codec.decision_result`), so that a
    decision made again from the same inputs can be compared with it.
    """

    at: datetime
    sequence: int
    evidence: FloorEvidence
    latched: Latched
    result: str


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """
    A decision as history keeps it: JSON texts, byte for byte, and what they are read with.

    `number` is its row, `why` it was kept. `inputs`, `latched` and `fleet` are read by the codec.
    `decision_version` is None for one that was kept before versions were.
    """

    number: int
    at: datetime
    sequence: int
    why: str
    fleet_digest: str
    inputs: bytes
    latched: bytes
    fleet: bytes
    result: str
    decision_version: str | None


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """
    From `at` on a service was like this.

    `lost` says that a change after it was lost: until the next one it is not known how it was.
    """

    at: datetime
    agent_name: str
    state: ServiceState
    expected: bool
    reason_code: str
    lost: bool = False


Span = tuple[datetime, datetime]
"""A stretch of time: from the first instant to just before the second."""


def join_spans(spans: Iterable[Span], apart: timedelta = timedelta()) -> tuple[Span, ...]:
    """Join stretches that overlap, touch, or lie at most so far apart."""
    joined = list[Span]()
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= apart:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return tuple(joined)


def share(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    """Return the time that lies in both."""
    found = list[Span]()
    i = j = 0
    while i < len(one) and j < len(other):
        begin, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if begin < end:
            found.append((begin, end))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def leave_out(spans: Sequence[Span], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Return the time between two instants that lies in none of these."""
    found = list[Span]()
    reached = since
    for begin, end in share(spans, ((since, until),)):
        if begin > reached:
            found.append((reached, begin))
        reached = end
    if reached < until:
        found.append((reached, until))
    return tuple(found)


def add_up(spans: Iterable[Span]) -> timedelta:
    """Return how long they are together."""
    return sum((end - begin for begin, end in spans), timedelta())


@dataclass(frozen=True, slots=True)
class WatchedMinute:
    """
    A minute (its beginning, UTC) in which services were asked: asked and obtained, by name.

    `decided` are the stretches, from the first to the last decision of each, in which the floor
    was decided without a stall; they may lie in the minutes around it as well. None is a minute
    that was stored before minutes held this.
    """

    minute: datetime
    counts: Mapping[str, tuple[int, int]]
    decided: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class AgentWatch:
    """How one service was watched: in which stretches, how often asked and how often seen."""

    spans: tuple[Span, ...]
    asked: int
    obtained: int


@dataclass(frozen=True, slots=True)
class Watch:
    """How the floor was watched in a stretch of time: as a whole, and by service."""

    whole: tuple[Span, ...]
    agents: Mapping[str, AgentWatch]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which a service was like this; `state` is None if it was not watched."""

    begin: datetime
    end: datetime
    state: ServiceState | None
    expected: bool = False
    reason_code: str = ""

    @property
    def seconds(self) -> float:
        """Return its length in seconds."""
        return (self.end - self.begin).total_seconds()


@dataclass(frozen=True, slots=True)
class PostureSpan:
    """A stretch of time with the floor's posture; `verdict` is None where it is not known."""

    begin: datetime
    end: datetime
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Cell:
    """
    A step of time: the worst of what was watched in it, None where nothing was.

    `share` is the part of it that was watched, from 0 to 1.
    """

    begin: datetime
    end: datetime
    state: ServiceState | None
    expected: bool
    reason_code: str
    share: float


@dataclass(frozen=True, slots=True)
class AttainedDay:
    """What a service attained on one day (New York's), in seconds of its window's time."""

    on: date
    good_seconds: float
    bad_seconds: float
    unobserved_seconds: float

    @property
    def attained(self) -> float | None:
        """Return good time as a percentage of the time that it answers for."""
        own = self.good_seconds + self.bad_seconds + self.unobserved_seconds
        return 100 * self.good_seconds / own if own > 0 else None


_LEAST_SECONDS = 1.0
"""What is shorter is none of a window: sums of its stretches may be so far apart."""


@dataclass(frozen=True, slots=True)
class WholeWindow:
    """
    The period that was asked for, which may begin before the record does.

    `seconds` are its window's time, `sessions` those in it, `watched` those of which no part lies
    before the record began.
    """

    seconds: float
    sessions: int
    watched: int


@dataclass(frozen=True, slots=True)
class Attainment:
    """
    What a service attained in one period; all times are seconds of its window's time.

    Good is time in which it was as expected. What was not watched is not good: it counts
    against the budget like what was bad, and is shown apart. `dependency_seconds` is time in which
    it was held up by marketdata, which was not as expected itself: that counts for marketdata, and
    is part of neither. `attained` is a percentage of the time that is left, None where none is.
    """

    agent_name: str
    window: SloWindow
    target: float | None
    total_seconds: float
    good_seconds: float
    bad_seconds: float
    unobserved_seconds: float
    asked: int
    obtained: int
    dependency_seconds: float = 0.0
    days: tuple[AttainedDay, ...] = ()
    whole: WholeWindow | None = None

    @property
    def met(self) -> bool | None:
        """
        Return whether the target is met; None where nothing can be said yet.

        A period of which a part lies before the record began carries no verdict
        (docs/semantics.md#R15.15), unless more of it was seen bad than all of it allows.
        """
        attained, target = self.attained, self.target
        if attained is None or target is None:
            return None
        if self.is_whole:
            return attained >= target
        return False if self.bad_seconds > (self.window_budget_seconds or 0.0) else None

    @property
    def is_whole(self) -> bool:
        """Return whether no session and no second of the window lies before the record began."""
        whole = self.whole
        return whole is None or (
            whole.watched >= whole.sessions and self.total_seconds + _LEAST_SECONDS > whole.seconds
        )

    @property
    def window_budget_seconds(self) -> float | None:
        """Return how long it may be otherwise than expected in the whole period asked for."""
        if self.target is None:
            return None
        own = self.whole.seconds - self.dependency_seconds if self.whole else self.own_seconds
        return max(0.0, own) * (100 - self.target) / 100

    @property
    def own_seconds(self) -> float:
        """Return the time that this service answers for."""
        return self.total_seconds - self.dependency_seconds

    @property
    def attained(self) -> float | None:
        """Return good time as a percentage of the time that it answers for."""
        return 100 * self.good_seconds / self.own_seconds if self.own_seconds > 0 else None

    @property
    def budget_seconds(self) -> float | None:
        """Return how long it may be otherwise than expected in this period."""
        return None if self.target is None else self.own_seconds * (100 - self.target) / 100

    @property
    def budget_left_seconds(self) -> float | None:
        """Return what is left of that; negative when it is overspent."""
        budget = self.budget_seconds
        spent = self.bad_seconds + self.unobserved_seconds
        return None if budget is None else budget - spent


TOLD_AROUND = timedelta(minutes=5)
"""The minutes that say when the floor was decided lie at most so far before or after it."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A judged change: what was decided, from what, and what was latched before."""

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

    `decided` are the stretches in which the floor was decided, since the record before.
    """

    minute: datetime
    counts: Mapping[str, tuple[int, int]]
    decided: tuple[Span, ...] = ()


HistoryRecord = DecisionRecord | MinuteRecord


@dataclass(frozen=True, slots=True)
class EventQuery:
    """
    Which past events are asked for; `before` is an event's number in history.

    Without `kinds` it is those of every kind.
    """

    limit: int = 100
    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    agent_name: str | None = None
    kinds: tuple[EventType, ...] = ()


@dataclass(frozen=True, slots=True)
class EventPage:
    """Past events, newest first; `next_before` asks for the page after, None on the last."""

    events: tuple[FloorEvent, ...]
    next_before: int | None
