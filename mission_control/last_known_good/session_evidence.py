"""How a session went, gathered from history and the record to be judged afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from mission_control.errors import StorageError
from mission_control.floor.decide.events import KEPT_AT_LEAST_EVERY
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.stall import find_undecided
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.history.decide.over_time import MINUTE, summarise, watched_spans
from mission_control.history.model import TOLD_AROUND, EventQuery, Span, Watch
from mission_control.history.past_floor import PastFloor
from mission_control.last_known_good.decide.qualification import within_opening
from mission_control.last_known_good.model import (
    AgentCoverage,
    NotKnown,
    SessionHalt,
    WatchedSession,
)
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.days import in_new_york
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.fleet import Fleet
from mission_control.readiness.model import RecordedVerdict
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery, LedgerEntry
from mission_control.records.recorded_reports import (
    DEPLOY_JSON,
    READINESS_JSON,
    Document,
    generated_at,
    read_report,
    recorded_verdict,
)

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

MOST_EVENTS, EVENTS_AT_ONCE = 50_000, 500
MOST_REPORTS = 500


async def watch_of(
    past: PastFloor | None, fleet: Fleet, session: Span
) -> WatchedSession | NotKnown:
    """
    Return how a session (its open and close) was watched, and when its posture was HALTED.

    Where changes of the posture were lost, and none that is left is of a halt, it is not known.
    """
    if past is None:
        return NotKnown("no history is kept here, so how the session went is not known")
    opened, closed = session
    history = past.history
    try:
        first = await _decided_by(history, past.calendar, opened)
        if isinstance(first, NotKnown):
            return first
        events = await _events(history, opened, closed)
        if isinstance(events, NotKnown):
            return events
        minutes = await history.minutes(opened - TOLD_AROUND, closed + TOLD_AROUND)
        watch = summarise(m for m in minutes if opened <= m.minute < closed)
    except StorageError as error:
        return NotKnown(str(error))
    # What happened at the very instant of the decision in force led to it.
    halted, broken = _follow(first, [e for e in events if e.at > first.at])
    if broken and not halted:
        return NotKnown(f"what was before this change is not recorded: {broken[0]}")
    return WatchedSession(
        (closed - opened).total_seconds(),
        tuple(halted),
        tuple(_coverage(fleet, watch, session)),
        find_undecided(minutes, opened, closed),
    )


async def _decided_by(
    history: "HistoryReader", calendar: CalendarReader, at: datetime
) -> FloorSnapshot | NotKnown:
    """Return the decision that was in force at an instant, decided again from the same inputs."""
    decision = await history.decision_at(at)
    if decision is None or at - decision.at > KEPT_AT_LEAST_EVERY + 2 * MINUTE:
        return NotKnown("the floor was not watched when the session opened")
    return decide_floor(
        decision.evidence, decision.latched, calendar.session_at, decision.at, sequence=0
    )


async def _events(
    history: "HistoryReader", since: datetime, until: datetime
) -> Sequence[FloorEvent] | NotKnown:
    found = list[FloorEvent]()
    before: int | None = None
    while len(found) < MOST_EVENTS:
        page = await history.events(EventQuery(EVENTS_AT_ONCE, before, since, until))
        found += page.events
        before = page.next_before
        if before is None:
            return found
    return NotKnown(f"the session has more than {MOST_EVENTS} events")


def _follow(
    first: FloorSnapshot, events: Sequence[FloorEvent]
) -> tuple[Sequence[SessionHalt], Sequence[str]]:
    """
    Return every halt, oldest first, and every change that breaks the chain.

    A change that does not begin with what the one before ended with follows one that was lost:
    what was in between is not known, and no halt. Where several processes watch one floor each
    tells each change: the newest one told again breaks nothing.
    """
    halted, broken = list[SessionHalt](), list[str]()
    verdict, newest = first.posture.verdict.value, None
    if first.posture.verdict is Verdict.HALTED:
        codes = ", ".join(r.code for r in first.posture.reasons[:3])
        halted.append(SessionHalt(first.at, None, f"HALTED when it opened: {codes}"))
    changes = [e for e in events if e.type is EventType.POSTURE_CHANGED]
    for event in sorted(changes, key=lambda e: e.identity):
        before, after = event.data.get("before"), event.data.get("after")
        if Verdict.HALTED.value in (before, after):
            if (before, after) != newest:
                _note_halt(halted, event, before, after)
        elif before != verdict and (before, after) != newest:
            here = f"{in_new_york(event.at):%H:%M:%S %Z}"
            broken.append(f"at {here} ({event.at:%H:%M:%S} UTC), {event.message[:160]}")
        if before != after:
            newest = (before, after)
        verdict = str(after)
    return halted, broken


def _note_halt(halted: list[SessionHalt], event: FloorEvent, before: object, after: object) -> None:
    """Begin a halt, end the one that lasts, or note one of which the beginning was lost."""
    lasts = bool(halted) and halted[-1].ended is None
    if not lasts:
        began = None if before == Verdict.HALTED.value else event.at
        halted.append(SessionHalt(began, None, event.message[:200]))
    if after != Verdict.HALTED.value:
        halted[-1] = replace(halted[-1], ended=event.at)


def _coverage(fleet: Fleet, watch: Watch, session: Span) -> Sequence[AgentCoverage]:
    covered = list[AgentCoverage]()
    for agent in fleet.agents:
        if not agent.required or agent.primary_path is None:
            continue
        spans = watched_spans(agent, (watch,), *session)
        seconds = sum(((end - begin) for begin, end in spans), timedelta()).total_seconds()
        own = watch.agents.get(agent.agent_name)
        asked, obtained = (own.asked, own.obtained) if own else (0, 0)
        covered.append(AgentCoverage(agent.agent_name, seconds, asked, obtained))
    return covered


async def verdicts_of(
    artifacts: ArtifactReader, session_date: date
) -> tuple[RecordedVerdict, ...] | NotKnown:
    """Return every readiness verdict recorded for a session; one that is lost loses all."""
    try:
        entries = await _recorded(artifacts, session_date, READINESS_JSON)
        if isinstance(entries, NotKnown):
            return entries
        reports = [await read_report(artifacts, entry, READINESS_JSON) for entry in entries]
    except StorageError as error:
        return NotKnown(str(error))
    return tuple(sorted(map(recorded_verdict, reports), key=lambda v: v.at))


async def opening_report(
    artifacts: ArtifactReader, session_date: date, opened: datetime
) -> Document | NotKnown:
    """Return the first deploy report after the open, as it was recorded."""
    try:
        entries = await _recorded(artifacts, session_date, DEPLOY_JSON)
        if isinstance(entries, NotKnown):
            return entries
        reports = [await read_report(artifacts, entry, DEPLOY_JSON) for entry in entries]
    except StorageError as error:
        return NotKnown(str(error))
    held = [(at, r.document) for r in reports if (at := generated_at(r.document)) is not None]
    at_open = sorted(
        ((at, d) for at, d in held if within_opening(at, opened)), key=lambda pair: pair[0]
    )
    if not at_open:
        return NotKnown("no deploy report is recorded within 20 minutes of the open")
    return at_open[0][1]


async def _recorded(
    artifacts: ArtifactReader, session_date: date, name: str
) -> Sequence[LedgerEntry] | NotKnown:
    query = ArtifactQuery(limit=MOST_REPORTS, session_date=session_date, holding=name)
    page = await artifacts.page(query)
    if page.next_before is not None:
        return NotKnown(f"the session has more than {MOST_REPORTS} runs that hold {name}")
    return page.entries
