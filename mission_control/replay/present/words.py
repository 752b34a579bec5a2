"""The words of a replay: verdicts, summaries of events, sources, what was skipped, times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mission_control.market_calendar.days import in_new_york
from mission_control.replay.model import (
    Counts,
    EventKind,
    Evidence,
    Group,
    Narrowing,
    ReplayedEvent,
    Skew,
    Skip,
    Source,
    Told,
    Verdict,
)
from mission_control.replay.present.picture import UNNAMED, MarkKind

VERDICTS = {
    Verdict.FOUND: "EXECUTION EVIDENCE FOUND",
    Verdict.SUSPECTED: "EXECUTION SUSPECTED",
    Verdict.INCOMPLETE: "CANNOT BE SAID: not all could be read",
    Verdict.NONE_FOUND: "no execution evidence found",
}
NO_EVIDENCE = {
    Verdict.FOUND: "The counts name evidence, and none is listed: do not rely on this replay.",
    Verdict.SUSPECTED: "The counts name evidence, and none is listed: do not rely on this replay.",
    Verdict.INCOMPLETE: "None was found in what could be read. Of the rest nothing can be said.",
    Verdict.NONE_FOUND: "None was found.",
}
SKIPS = {
    Skip.NO_EVENT: "hold nothing that a replay knows",
    Skip.HEADING: "are headings of our own bundles",
    Skip.OVERLAP: "stand in an earlier tail too, and are counted there",
    Skip.JOINED: "are parts of a split line, counted with its last part",
    Skip.OTHER_SCHEMA: "name another replay schema",
    Skip.MALFORMED: "look like an event and cannot be read as one",
    Skip.TOO_DEEP: "look like an event and are nested too deep",
    Skip.TOO_LONG: "are longer than a line may be",
}
KINDS = {
    EventKind.REPLAY: "replay events",
    EventKind.INTENT: "order intents of the guests' protocol",
    EventKind.LOG: "other log lines that tell of execution",
}
MOST_SUMMARY = 300
NO_TIME = "no time"


def kind_of(event: ReplayedEvent) -> MarkKind:
    """Return what an event is drawn as; evidence first, whatever else it is."""
    if event.evidence:
        return MarkKind.EVIDENCE
    if event.gate or event.allowed is not None:
        return MarkKind.ALLOWED if event.allowed is True else MarkKind.REFUSED
    if event.intent is not None or event.stage or event.kind is EventKind.INTENT:
        return MarkKind.INTENT
    return MarkKind.EVENT


def summary_of(event: ReplayedEvent) -> str:
    """Say in one line what an event tells; what was repeated is said."""
    said = [event.status and f"status {event.status}", event.reason]
    if event.stage or event.intent is not None:
        said.insert(0, _order(event))
    if event.from_state or event.to_state:
        said.insert(0, f"{event.from_state or '?'} → {event.to_state or '?'}")
    if event.gate or event.allowed is not None:
        said.insert(0, f"gate {event.gate or '(unnamed)'}: {_ALLOWED[event.allowed]}")
    if event.evidence:
        said.insert(0, f"EXECUTION EVIDENCE: {event.evidence}")
    told = "; ".join(filter(None, said + _by(event)))
    if len(told) > MOST_SUMMARY:
        told = f"{told[: MOST_SUMMARY - 1]}…"
    if event.repeated > 1:
        told = f"{told} ({times(event.repeated)}, in {counted(event.sources, 'source')})"
    return told


def told_of(event: ReplayedEvent) -> Told:
    """Return what a row shows of an event."""
    at = event.placed_at if event.at is None else event.at
    micros = 0 if at is None else (at - _EPOCH) // _MICRO
    dated = event.at is not None
    return Told(micros, dated, event.event, summary_of(event), event.source, event.line)


def _by(event: ReplayedEvent) -> list[str]:
    """Say which component tells it, and which of agent and trace an unattributed event has."""
    told = [f"by {event.component}"] if event.component else []
    if not (event.agent and event.trace_id):
        agent = f"agent {event.agent}" if event.agent else "no agent"
        told.append(f"{agent}, {f'trace {event.trace_id}' if event.trace_id else 'no trace'}")
    return told


_ALLOWED = {True: "allowed", False: "NOT allowed", None: "does not say whether allowed"}


def _order(event: ReplayedEvent) -> str:
    """Say what an order intent is: `intent received: buy 10 SPY limit 431.5 day`."""
    head = f"intent {event.stage}".rstrip()
    order = event.intent
    if order is None:
        return head
    price = f"at {order.limit_price}" if order.limit_price else ""
    parts = (order.side, order.qty, order.symbol, order.order_type, price, order.time_in_force)
    told = " ".join(part for part in parts if part)
    named = f"({order.intent_id})" if order.intent_id else ""
    return " ".join(part for part in (f"{head}:" if told else head, told, named) if part)


def evidence_text(found: Evidence) -> str:
    """Say in one line what one piece of evidence is, and where it stands."""
    who = f"{found.agent or UNNAMED}, trace {found.trace_id or 'not told'}"
    again = f", {times(found.repeated)}" if found.repeated > 1 else ""
    event = f" in {found.event}" if found.event else ""
    detail = f" | {found.detail}" if found.detail else ""
    return f"{found.why}{event} by {who} ({found.source}, line {found.line}{again}){detail}"


def times(count: int) -> str:
    """Write how often something stands: `3 times`."""
    return f"{count} times"


def counted(count: int, what: str) -> str:
    """Write a number with what it counts: `1 event`, `2 events`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def name_of(group: Group) -> str:
    """Name a group for people."""
    if not group.attributed:
        return "Unattributed: without an agent or a trace"
    return f"{group.agent}, trace {group.trace_id}"


def group_facts(group: Group) -> str:
    """Say how many events a group has, how many stand for others, and how many have no time."""
    told = [counted(group.events, "event")]
    if group.rows != group.events:
        told.append(f"{counted(group.rows, 'row')}, as equal events are one")
    if group.undated:
        told.append(f"{group.undated} without a time, kept behind the line before them")
    if group.evidence:
        told.append(f"{group.evidence} of them EXECUTION EVIDENCE")
    return "; ".join(told)


def source_notes(source: Source) -> str:
    """Say what is amiss with a source; empty where nothing is."""
    notes = list[str]()
    if source.broke_off:
        notes.append(f"BROKE OFF: {source.broke_off}")
    if source.gap_before:
        notes.append("what stood between it and the tail before was never seen")
    if source.tail:
        notes.append("a tail: what stood before it was never seen")
    return "; ".join(notes)


def skew_text(skew: Skew) -> str:
    """Say by how much a clock is apart, and from what: `2.5 s ahead of other.log (7 compared)`."""
    against = skew.against or "the collector's envelopes"
    compared = f"({skew.samples} compared)"
    if abs(skew.seconds) < 0.0005:  # noqa: PLR2004  (half of the last digit that is shown)
        return f"level with {against} {compared}"
    way = "ahead of" if skew.seconds > 0 else "behind"
    return f"{abs(skew.seconds):.3f} s {way} {against} {compared}"


def count_rows(counts: Counts) -> Sequence[tuple[str, int]]:
    """Return how all that was read is accounted for, row by row."""
    rows = [("lines read", counts.lines), ("lines that hold events", counts.event_lines)]
    rows += [(f"lines that {SKIPS[s]}", counts.skipped.get(s, 0)) for s in Skip]
    rows += [("events", counts.events)]
    rows += [(KINDS[k], counts.kinds.get(k, 0)) for k in EventKind]
    rows += [
        ("events shown", counts.shown),
        ("events that the narrowing hides", counts.hidden),
        ("events without a time", counts.undated),
        ("events without an agent or a trace", counts.unattributed),
        ("pieces of execution evidence", counts.evidence),
        ("lines that tell of execution and cannot be read", counts.suspicions),
        ("bytes read", counts.bytes),
    ]
    always = {"lines read", "events", "events shown", "pieces of execution evidence"}
    return [(name, count) for name, count in rows if count or name in always]


def narrowing_text(narrowing: Narrowing) -> str:
    """Say what is shown; empty where everything is."""
    parts = [
        f"from {both_times(narrowing.since)}" if narrowing.since else "",
        f"until {both_times(narrowing.until)}" if narrowing.until else "",
        f"trace {narrowing.trace_id}" if narrowing.trace_id else "",
        f"agent {narrowing.agent}" if narrowing.agent else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"Shown is only: {told}. Execution evidence covers everything." if told else ""


def both_times(at: datetime | None) -> str:
    """Write an instant in UTC to the millisecond, with New York's time beside it."""
    return RowClock().told(at)


_HOUR = timedelta(hours=1)
_EPOCH, _MICRO = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_HOUR_MICROS = 3_600_000_000
_TAILS = tuple(f"{second // 60:02d}:{second % 60:02d}" for second in range(3_600))
"""Minutes and seconds of an hour."""
_BEFORE = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class RowClock:
    """Writes times, of which most lie in the hour of the one before: only then they are alike."""

    begin: datetime = _BEFORE
    end: datetime = _BEFORE
    micros: int = -1 << 62
    utc: str = ""
    new_york: str = ""
    beside: str = ""
    zone: str = ""

    def tell_micros(self, micros: int) -> str:
        """Write microseconds since 1970 as `told` does."""
        past = micros - self.micros
        if not 0 <= past < _HOUR_MICROS:
            self._move(_EPOCH + timedelta(microseconds=micros))
            past = micros - self.micros
        tail = _TAILS[past // 1_000_000]
        milli = past // 1_000 % 1_000
        return f"{self.utc}{tail}.{milli:03d}Z ({self.beside}{tail}{self.zone})"

    def tell(self, event: ReplayedEvent) -> str:
        """Write when an event was; of what tells no time, what it stands behind."""
        if event.at is None:
            near = event.placed_at
            return NO_TIME if near is None else f"{NO_TIME} (after {self.told(near)})"
        return self.told(event.at)

    def told(self, at: datetime | None) -> str:
        """Write `2026-03-06 15:00:00.123Z (10:00:00 EST)`; New York's date where it is another."""
        if at is None:
            return NO_TIME
        return self.tell_micros((at - _EPOCH) // _MICRO)

    def tell_new_york(self, at: datetime | None) -> str | None:
        """Write an instant as `new_york_text` does; None stays None."""
        if at is None:
            return None
        if not self.begin <= at < self.end:
            self._move(at)
        return f"{self.new_york}{at.minute:02d}:{at.second:02d}{self.zone}"

    def _move(self, at: datetime) -> None:
        """Go to another hour; New York is whole hours from UTC in all the years that are read."""
        self.begin = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self.end = self.begin + _HOUR
        self.micros = (self.begin - _EPOCH) // _MICRO
        here = in_new_york(self.begin)
        hour = len("2026-03-06 15:")
        self.utc, self.new_york = self.begin.isoformat(" ")[:hour], here.isoformat(" ")[:hour]
        day = len("2026-03-06 ")
        same = self.utc[:day] == self.new_york[:day]
        self.beside = self.new_york[day:] if same else self.new_york
        self.zone = f" {here.tzname()}"
