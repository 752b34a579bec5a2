"""Alerts over the recorded past: what any rules make of it, by the same decisions."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from mission_control.alerts.decide.replay import (
    LONG_STALL,
    Replayed,
    as_of,
    is_starting,
    replay_until,
)
from mission_control.alerts.model import (
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertTransition,
    ToldVerdict,
)
from mission_control.alerts.run import SESSIONS_BACK, job_of
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.stall import find_decided
from mission_control.floor.model import FloorSnapshot
from mission_control.history.model import TOLD_AROUND, EventQuery, PastDecision, join_spans
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.days import in_new_york
from mission_control.model.event import FloorEvent
from mission_control.readiness.model import RecordedVerdict
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.recorded_reports import (
    READINESS_JSON,
    list_reports,
    read_report,
    recorded_verdict,
)
from mission_control.schedule.decide import judge_run
from mission_control.schedule.model import PlannedRun, RecordedRun, RunState
from mission_control.schedule.recorded import RunAccounts, days_between

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

BEFORE = timedelta(hours=6)
"""A replay begins so long before what is asked for: an alert may have begun before it."""
DAYS_OF_RUNS = timedelta(days=5)
MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class PastRuns:
    """The planned runs near a stretch of time, what is recorded of each, and every verdict."""

    planned: tuple[PlannedRun, ...] = ()
    recorded: Mapping[str, Sequence[RecordedRun]] = field(
        default_factory=dict[str, Sequence[RecordedRun]]
    )
    verdicts: tuple[RecordedVerdict, ...] = ()

    def at(self, instant: datetime) -> tuple[RunState, ...]:
        """Return how each run stood; one that went on then had not ended."""
        return tuple(
            judge_run(run, self._known(run, instant), None, instant)
            for run in self.planned
            if not any(r.started <= instant < r.finished for r in self.recorded.get(run.key, ()))
        )

    def _known(self, run: PlannedRun, instant: datetime) -> Sequence[RecordedRun]:
        return [r for r in self.recorded.get(run.key, ()) if r.finished <= instant]

    def verdict_at(self, instant: datetime, runs: Sequence[RunState]) -> ToldVerdict | None:
        """Return the newest verdict by then."""
        known = [v for v in self.verdicts if v.at <= instant]
        newest = max(known, key=lambda v: v.at, default=None)
        return None if newest is None else ToldVerdict(newest, job_of(runs, newest))


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """
    Decides alerts again over the recorded past; raises StorageError where it cannot be read.

    Every channel is taken to have had every page at once.
    """

    floor: str
    history: "HistoryReader"
    artifacts: ArtifactReader
    calendar: CalendarReader

    async def replay(self, rules: AlertRules, since: datetime, until: datetime) -> Replayed:
        """
        Return the alerts at `until` and every change from `since` on, as these rules decide them.

        It begins some hours before `since`, so that what went on then is known.
        """
        runs = await self._runs(since - BEFORE, until)
        events = await self._events(since - BEFORE, until)
        began = await self.history.began()
        minutes = await self.history.minutes(since - BEFORE - TOLD_AROUND, until + TOLD_AROUND)
        spans = join_spans(find_decided(minutes), LONG_STALL)
        book, moved = AlertBook(since - BEFORE), list[AlertTransition]()
        first, sequence = None, -1
        async for decision, end in self._stretches(since - BEFORE, until):
            if first is None or decision.sequence < sequence:
                first = decision.at
            first = max([first, *(b for b, _ in spans if b <= decision.at)])
            sequence = decision.sequence
            look = partial(self._look, self._decide(decision), runs, events, first, began)
            begin = max(decision.at, since - BEFORE)
            replayed = await asyncio.to_thread(replay_until, rules, book, look, begin, end)
            book = replayed.book
            moved += [t for t in replayed.transitions if since <= t.at]
        return Replayed(book, tuple(moved))

    def _decide(self, decision: PastDecision) -> FloorSnapshot:
        session_at = self.calendar.session_at
        return decide_floor(
            decision.evidence, decision.latched, session_at, decision.at, sequence=decision.sequence
        )

    async def _stretches(
        self, since: datetime, until: datetime
    ) -> AsyncIterator[tuple[PastDecision, datetime]]:
        """Return each decision with the instant of the one after it."""
        before: PastDecision | None = None
        async for decision in self.history.decisions(since, until):
            if before is not None:
                yield before, decision.at
            before = decision
        if before is not None:
            yield before, until

    def _look(
        self,
        snapshot: FloorSnapshot,
        runs: PastRuns,
        events: Sequence[FloorEvent],
        first: datetime,
        began: datetime | None,
        at: datetime,
    ) -> AlertEvidence:
        states = runs.at(at)
        return AlertEvidence(
            self.floor,
            as_of(snapshot, self.calendar.session_at, at),
            tuple(self.calendar.sessions_between(at - SESSIONS_BACK, at)),
            states,
            runs.verdict_at(at, states),
            events=tuple(e for e in events if e.at == at),
            starting=is_starting(snapshot, first),
            began=began,
        )

    async def _events(self, since: datetime, until: datetime) -> Sequence[FloorEvent]:
        query = EventQuery(limit=MOST_EVENTS, since=since, until=until)
        return (await self.history.events(query)).events

    async def _runs(self, since: datetime, until: datetime) -> PastRuns:
        accounts = RunAccounts(self.artifacts)
        first, last = in_new_york(since - DAYS_OF_RUNS).date(), in_new_york(until).date()
        plans = {on: plan for on, (_, plan) in (await accounts.plans(first)).items() if on <= last}
        recorded = dict[str, Sequence[RecordedRun]]()
        for on in days_between(first, last):
            if on in plans:
                recorded |= await accounts.of(on)
        planned = tuple(run for on in sorted(plans) for run in plans[on].runs)
        return PastRuns(planned, recorded, await self._verdicts(first, until))

    async def _verdicts(self, first: date, until: datetime) -> tuple[RecordedVerdict, ...]:
        found = list[RecordedVerdict]()
        for entry in await list_reports(self.artifacts, READINESS_JSON):
            at = datetime.fromisoformat(entry.at)
            if first <= in_new_york(at).date() and at <= until:
                report = await read_report(self.artifacts, entry, READINESS_JSON)
                found.append(recorded_verdict(report))
        return tuple(found)
