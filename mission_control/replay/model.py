"""
The values of a replay: what was read, what of it is shown, and what of it is evidence.

A `Replay` may stand for more events than fit into memory. Its counts, sources and answer are
plain values; events, groups and evidence are iterators that begin at the first at each call, read
spill files in a few MB, and have to be read in order:

    for group, events in replay.groups():      # by agent, then trace; the unattributed one last
        for event in events:                   # read these before the next group is asked for
            ...
    for found in replay.evidence():            # the whole input's, by time, whatever is narrowed
        ...
    for event in replay.events():              # all that is shown, by time over all groups

All text in these values is redacted and capped, and is otherwise as others wrote it: it is
escaped where it is shown. Two readings of one input are equal, in whatever order its files were
named.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from mission_control.records.model import ArtifactFile

SCHEMA = "agenttrader.replay.v1"


class EventKind(StrEnum):
    """What a replayed event was in the logs."""

    REPLAY = "replay"
    """An event of `agenttrader.replay.v1`."""
    INTENT = "protocol_intent"
    """An order intent of the guests' protocol v1 (NDJSON), whose stage is `protocol`."""
    LOG = "log"
    """Another execution-relevant line: execute_result, agent.state_transition, intent logs."""


class Skip(StrEnum):
    """Why a line gave no event; each line that was read is an event's, or has one of these."""

    NO_EVENT = "no_event"
    """It holds nothing that replay knows: other logs, blank lines, other JSON."""
    HEADING = "heading"
    """A heading of our own bundles' log tails."""
    OVERLAP = "overlap"
    """It stands in an earlier tail of the same container's log, and was counted there."""
    JOINED = "joined"
    """A part of a line that the container runtime split, counted with its last part."""
    OTHER_SCHEMA = "other_schema"
    """It names a replay schema that is not v1."""
    MALFORMED = "malformed"
    """It bears the marks of an event, and is no JSON that can be read."""
    TOO_DEEP = "too_deep"
    """It bears the marks of an event, and is nested deeper than is read."""
    TOO_LONG = "too_long"
    """It bears the marks of an event, and is longer than a line may be."""


UNREAD = frozenset({Skip.OTHER_SCHEMA, Skip.MALFORMED, Skip.TOO_DEEP, Skip.TOO_LONG})
"""Lines that may have held an event."""


class EvidenceKind(StrEnum):
    """What tells of execution; SUSPECTED is a line that tells of it and cannot be read as such."""

    BROKER_PLACED = "broker_placed"
    BROKER_ORDER_ID = "broker_order_id"
    EXECUTED = "executed"
    SUSPECTED = "suspected"


class Verdict(StrEnum):
    """What a replay says of execution, from worst to best."""

    FOUND = "found"
    SUSPECTED = "suspected"
    INCOMPLETE = "incomplete"
    """None was found, but not all could be read: that is no "none found"."""
    NONE_FOUND = "none_found"


@dataclass(slots=True)  # not frozen: that takes as long to make as all the rest
class Intent:
    """An order as an event tells of it; what was not said is empty. Numbers are texts."""

    symbol: str = ""
    side: str = ""
    qty: str = ""
    order_type: str = ""
    limit_price: str = ""
    time_in_force: str = ""
    intent_id: str = ""
    client_tag: str = ""


@dataclass(slots=True)  # not frozen: that takes as long to make as all the rest
class ReplayedEvent:
    """
    One event, redacted.

    `at` is its own time in UTC, None where it tells none; then it stands behind the line before
    it in its source, whose time is `placed_at` (None where none was told before). `event` is its
    name: `startup`, `state_transition`, `decision_checkpoint`, `order_intent`, for log lines
    `agent.state_transition`, `exec_service.execute_result`, or the intent's type. `gate` is the
    name of a checkpoint, `allowed` what it (or `should_execute`) said. `stage` is an order
    intent's. `severity` and `service` are the log envelope's. `evidence` says why this is
    evidence of execution, empty where it is none. `repeated` counts the equal events in the input,
    itself included (overlapping tails count once); `source` and `line` (from 1) are the first's,
    and `sources` says in how many sources it stands. `data` is the whole event as a document.
    """

    at: datetime | None
    kind: EventKind
    event: str
    agent: str = ""
    trace_id: str = ""
    source: str = ""
    line: int = 0
    component: str = ""
    service: str = ""
    severity: str = ""
    stage: str = ""
    from_state: str = ""
    to_state: str = ""
    gate: str = ""
    allowed: bool | None = None
    reason: str = ""
    status: str = ""
    intent: Intent | None = None
    evidence: str = ""
    placed_at: datetime | None = None
    repeated: int = 1
    sources: int = 1
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Told(NamedTuple):
    """
    What a row shows of an event: `micros` since 1970 is where it stands, 0 for nowhere.

    Its time is its own where it is `dated`, else that of what it stands behind.
    """

    micros: int
    dated: bool
    event: str
    summary: str
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Group:
    """
    The events of one agent in one trace; the unattributed group has neither.

    An event that lacks its agent or its trace belongs to the unattributed one, and keeps in
    itself whichever it has. Counts are those of what is shown, repeats included; `rows` counts
    equal events once. Times are None where no event tells one.
    """

    agent: str
    trace_id: str
    events: int
    rows: int
    first: datetime | None = None
    last: datetime | None = None
    undated: int = 0
    evidence: int = 0

    @property
    def attributed(self) -> bool:
        """Return whether agent and trace are known."""
        return bool(self.agent and self.trace_id)


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One thing in the input that tells of execution, whether it is shown or narrowed away.

    `why` says what it is, `detail` at most 200 characters of what the line says. `at` is None where
    no time was told. `repeated` counts equal evidence.
    """

    kind: EvidenceKind
    why: str
    at: datetime | None = None
    agent: str = ""
    trace_id: str = ""
    event: str = ""
    source: str = ""
    line: int = 0
    detail: str = ""
    repeated: int = 1


@dataclass(frozen=True, slots=True)
class Skew:
    """
    By how much a source's clock is apart: positive where it is ahead of what it is compared with.

    It is the median over `samples`. `against` is another source, whose events of the same traces
    are compared; empty where the events' own times are compared with those of the collector's
    envelopes around them. What a trace takes from one to the other is part of it.
    """

    seconds: float
    samples: int
    against: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """
    What one file, stream or log tail came to.

    `label` names it: its path as given, `stdin`, or the container within a bundle's tail. `bytes`
    are those that were read, `lines` and `events` what was in them. `first` and `last` are the
    earliest and latest own times of its events. `broke_off` says why it could not be read to its
    end (or at all); empty where it was. `tail` says that it is a log's tail: what stood before
    it, and between two tails that do not overlap, was never seen; `gap_before` tells of the
    latter.
    """

    label: str
    bytes: int = 0
    lines: int = 0
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    broke_off: str = ""
    tail: bool = False
    gap_before: bool = False
    skews: tuple[Skew, ...] = ()


@dataclass(frozen=True, slots=True)
class Narrowing:
    """
    What is shown: `since` <= time < `until`, this trace, this agent; None and empty are all.

    What has no place in time is shown whatever time is asked for.
    """

    since: datetime | None = None
    until: datetime | None = None
    trace_id: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """
    How all that was read is accounted for: `lines == event_lines + sum(skipped.values())`.

    `events` are those of the whole input, repeats included (a line may hold several), `hidden`
    those that the narrowing hides; `kinds` counts them by kind. `evidence` and `suspicions` count
    the whole input's. `unread` counts the lines that bear marks of an event and could not be read
    whole: the `UNREAD` reasons, and lines that hold an event beside what is none.
    """

    bytes: int = 0
    lines: int = 0
    event_lines: int = 0
    events: int = 0
    hidden: int = 0
    undated: int = 0
    unattributed: int = 0
    evidence: int = 0
    suspicions: int = 0
    unread: int = 0
    skipped: Mapping[Skip, int] = field(default_factory=dict[Skip, int])
    kinds: Mapping[EventKind, int] = field(default_factory=dict[EventKind, int])

    @property
    def shown(self) -> int:
        """Return how many events are shown, repeats included."""
        return self.events - self.hidden


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer that comes first: `headline` is one sentence, `reasons` what else bears on it.

    Reasons name sources that broke off, unread lines, tails with gaps, forbidden agent modes and
    what is narrowed away, in this order. `exit_code` is 3 for FOUND and SUSPECTED, 1 for
    INCOMPLETE, else 0.
    """

    verdict: Verdict
    headline: str
    reasons: tuple[str, ...] = ()
    exit_code: int = 0


Events = Iterator[ReplayedEvent]


@dataclass(frozen=True, slots=True)
class Replay:
    """
    What happened, as the logs tell it.

    `sources` are in the order of their labels. `first` and `last` are the times of all that is
    shown. `modes` counts lines whose agent mode is a forbidden one (EXECUTE, LIVE), by the mode.
    The three functions open what is kept aside; call the methods, not them.
    """

    answer: Answer
    counts: Counts
    sources: tuple[Source, ...]
    open_groups: Callable[[], Iterator[tuple[Group, Events]]]
    open_evidence: Callable[[], Iterator[Evidence]]
    open_events: Callable[[], Events]
    narrowing: Narrowing = Narrowing()
    first: datetime | None = None
    last: datetime | None = None
    modes: Mapping[str, int] = field(default_factory=dict[str, int])
    open_told: Callable[[], Iterator[tuple[Group, Iterator[Told]]]] | None = None
    """As `open_groups`, with what a row shows of each event, where that is known sooner."""
    inputs: tuple[ArtifactFile, ...] = ()
    """The files that were read to their end, by their bytes as they are; none where not asked."""

    def groups(self) -> Iterator[tuple[Group, Events]]:
        """Yield each group that is shown, with an iterator of its events by time."""
        return self.open_groups()

    def evidence(self) -> Iterator[Evidence]:
        """Yield all evidence of execution in the input, suspicions too, by time."""
        return self.open_evidence()

    def events(self) -> Events:
        """Yield all that is shown by time; undated ones behind the line before them."""
        return self.open_events()
