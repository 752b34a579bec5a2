"""The process that answers readers: the routes of the past and the record, no more."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from mission_control.alerts.store import AlertStore
from mission_control.api.application import reading_application
from mission_control.api.options import ReadingParts
from mission_control.api.readers_aside import answer_within
from mission_control.bootstrap.evidence_process import sources_of
from mission_control.cluster.model.facts import ClusterFacts
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence, FloorSnapshot
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import open_engine
from mission_control.history.model import Span, WatchedMinute
from mission_control.history.past_floor import PastFloor
from mission_control.history.reader import HistoryReader
from mission_control.log_records import configure_logging
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.event import FloorEvent
from mission_control.model.fleet import Fleet
from mission_control.processes.child_process import Answerer, run_child
from mission_control.processes.model import Answered, LiveFloor, Question
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.runbooks.library import RunbookLibrary
from mission_control.schedule.calendar_in_force import CalendarInForce

if TYPE_CHECKING:
    from mission_control.bootstrap.aside import ReadersSetup
    from mission_control.market_calendar.closures import Closure

_LIVE: ContextVar[LiveFloor] = ContextVar("live")


class ToldFloor:
    """
    What a question tells of the published floor; satisfies `PublishedFloor`.

    It knows the inventory, the time, the session, the verdict and which cluster is read. Of
    services and evidence it knows nothing, and no route here asks: what is true now is answered by
    the process that decides.
    """

    def __init__(self, fleet: Fleet, calendar: CalendarInForce) -> None:
        """Know the inventory."""
        self._fleet = fleet
        self._calendar = calendar

    def current(self) -> FloorSnapshot:
        """Return a floor of which nothing was asked yet, as of the question's newest decision."""
        live = _LIVE.get()
        evidence = FloorEvidence(replace(self._fleet, agents=()), {})
        floor = decide_floor(evidence, NOTHING_LATCHED, self._calendar.session_at, live.at)
        posture = replace(floor.posture, verdict=live.verdict)
        facts = ClusterFacts((), identity=live.cluster)
        return replace(
            floor, fleet=self._fleet, session=live.session, posture=posture, cluster=facts
        )

    def watched(self) -> tuple[datetime, Sequence[Span]]:
        """Return since when the floor is watched without a break, and its confirmed halts since."""
        live = _LIVE.get()
        return live.watched_since, live.halts

    def recent_events(self, limit: int) -> Sequence[FloorEvent]:  # noqa: ARG002  (none is told)
        """Return none: events of the past are history's."""
        return ()


def told_now() -> datetime:
    """Return the time of the process that asks: each question has one now."""
    return _LIVE.get().now


def _told_minute() -> WatchedMinute | None:
    return _LIVE.get().minute


def prepare(setup: object) -> Answerer:
    """Connect what reads, and return what answers a question with it."""
    made = cast("ReadersSetup", setup)
    configure_logging(made.log_format)
    calendar = CalendarInForce(MarketCalendar(made.closures))
    floor = ToldFloor(made.fleet, calendar)
    engine = open_engine(made.root, made.database_url)
    history = HistoryReader(engine)
    parts = ReadingParts(
        floor,
        calendar,
        RunbookLibrary(made.runbooks),
        ArtifactReader(made.root, told_now),
        PastFloor(history, _told_minute, calendar, floor),
        told_now,
        made.options,
        alert_history=AlertStore(AlertRows(engine, made.options.replica)),
        evidence_sources=lambda: sources_of(
            made, history, tuple(calendar.calendar.closures), told_now
        ),
    )
    application = reading_application(parts)

    async def answer(what: object) -> Answered:
        question = cast("Question", what)
        _LIVE.set(question.live)
        if question.live.closures != calendar.calendar.closures:
            closures = cast("tuple[Closure, ...]", question.live.closures)
            calendar.calendar = MarketCalendar(closures)
        return await answer_within(application, question)

    return answer


if __name__ == "__main__":
    run_child(prepare)
