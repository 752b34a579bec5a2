"""Jobs: the scheduled day: planned, recorded, run, and reconciled with the ledger."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mission_control.decide.run_outcome import judge_run, may_begin
from mission_control.decide.session_plan import plan_session
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactsReader
from mission_control.jobs.planned_run import Runner, RunSources, record_overlap, run_claimed
from mission_control.jobs.ports import CalendarReader
from mission_control.jobs.record_plan import record_plan, record_reconciliation
from mission_control.jobs.recorded_runs import RunAccounts, days_between
from mission_control.market_calendar.new_york import in_new_york, instant_of
from mission_control.model.schedule import (
    DayView,
    Job,
    PlannedRun,
    RunClaim,
    RunOutcome,
    RunStage,
    RunState,
    SessionPlan,
)

if TYPE_CHECKING:
    import asyncio

    from mission_control.model.artifact import LedgerEntry

NOON = time(12)
DAYS_BACK = timedelta(days=35)
"""Plans that are older are not looked at any more: their runs have long ended."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ScheduledDay:
    """
    Plans each day, runs what is due, and says what became of it; satisfies `DayReader`.

    Every process on one root may have one: a run is begun by whoever claims it first. `runners`
    are the jobs that this process can run, and so the jobs that are planned. `beat` says since
    when the scheduler has not beaten, empty while it does, None where none is running here.
    """

    calendar: CalendarReader
    artifacts: ArtifactsReader
    runners: Mapping[Job, Runner]
    sources: RunSources
    beat: Callable[[], str] | None = None
    _running: dict[Job, set[str]] = field(default_factory=dict[Job, set[str]])
    _stuck: dict[Job, "asyncio.Future[LedgerEntry]"] = field(
        default_factory=dict[Job, "asyncio.Future[LedgerEntry]"]
    )
    _unrecorded: dict[str, RunState] = field(default_factory=dict[str, RunState])
    _accounts: RunAccounts = field(init=False)

    def __post_init__(self) -> None:
        """Read the accounts of runs where artifacts are."""
        self._accounts = RunAccounts(self.artifacts)

    def plan(self, on: date) -> SessionPlan:
        """Give the plan of a date in New York, from the calendar as it is now."""
        at_noon = self.calendar.session_at(instant_of(on, NOON))
        return plan_session(on, at_noon, frozenset(self.runners))

    async def prepare(self) -> Sequence[PlannedRun]:
        """
        Record today's plan where it is not recorded yet, and settle the days before.

        Gives every run that may still begin. Days on which nobody planned anything, although
        Mission Control had been running before, are planned now, so that what was missed on them
        is told. A record that fails is logged: the day is kept all the same.
        """
        now, today = self.sources.clock(), self._today()
        try:
            await self._record_plans(today)
            await self._settle(today)
            return [s.run for s in await self._open_states() if s.stage is not RunStage.ENDED]
        except StorageError:
            log.exception("the session plan was not recorded")
            return [r for r in self.plan(today).runs if now < r.deadline and not r.skipped]

    async def due(self) -> Sequence[PlannedRun]:
        """Give the runs that should have begun by now and that nobody runs or has run."""
        return [s.run for s in await self._open_states() if may_begin(s)]

    async def begin(self, run: PlannedRun) -> None:
        """
        Run a planned run, unless somebody else does or has, or its deadline is over.

        Never raises for what a job does: its failure is recorded, and what could not even be
        recorded is remembered here and logged. One that could not be claimed stays due.
        """
        if run.key in self._running.setdefault(run.job, set()):
            return
        try:
            self._running[run.job].add(run.key)
            claim = await self._claim(run)
            if claim is not None:
                await self._run(run, claim)
        finally:
            self._running[run.job].discard(run.key)

    async def view(self) -> DayView:
        """Give today's plan, with what became of each run so far; raises StorageError."""
        now, today = self.sources.clock(), self._today()
        plan = self.plan(today)
        states = await self._states(plan.runs, now)
        open_ = await self._open_states()
        carried = [s for s in open_ if s.run.session_date != today]
        return DayView(
            at=now,
            plan=plan,
            states=tuple(states),
            carried=tuple(s for s in carried if s.stage is not RunStage.ENDED),
            runs_here=self.beat is not None,
            stalled=self.stalled(),
        )

    def stalled(self) -> str:
        """Say since when the scheduler has not beaten; empty while it does, or is not ours."""
        return self.beat() if self.beat is not None else ""

    async def _claim(self, run: PlannedRun) -> RunClaim | None:
        clock = self.sources.clock
        try:
            state = (await self._states([run], clock()))[0]
            due = run.job in self.runners and may_begin(state)
            return await self.sources.claims.claim(run, clock()) if due else None
        except StorageError as error:
            log.warning("%s could not be claimed, and stays due: %s", run.key, error)
            return None

    async def _run(self, run: PlannedRun, claim: RunClaim) -> None:
        try:
            if self._is_busy(run):
                await record_overlap(run, self.sources)
                return
            log.info("begins %s", run.key, extra={"attempt": claim.attempt})
            stuck = await run_claimed(run, claim, self.runners[run.job], self.sources)
            if stuck is not None:
                self._stuck[run.job] = stuck
        except StorageError as error:
            log.exception("%s was not recorded", run.key)
            self._remember_failure(run, str(error))

    def _is_busy(self, run: PlannedRun) -> bool:
        """Tell whether a run of the same job is still going on here."""
        stuck = self._stuck.get(run.job)
        others = self._running[run.job] - {run.key}
        return bool(others) or (stuck is not None and not stuck.done())

    def _remember_failure(self, run: PlannedRun, why: str) -> None:
        detail = f"it could not be recorded: {why}"
        state = RunState(run, RunStage.ENDED, RunOutcome.FAILED, detail)
        self._unrecorded[run.key] = replace(state, finished=self.sources.clock())

    async def _states(self, runs: Sequence[PlannedRun], now: datetime) -> Sequence[RunState]:
        found = list[RunState]()
        for on in sorted({r.session_date for r in runs}):
            recorded = await self._accounts.of(on)
            claims = await self.sources.claims.held(on)
            found += [
                judge_run(r, recorded.get(r.key, ()), claims.get(r.key), now)
                for r in runs
                if r.session_date == on
            ]
        return [self._with_failure(s) for s in found]

    def _with_failure(self, state: RunState) -> RunState:
        """Give what is remembered here of a run of which the record knows nothing."""
        known = self._unrecorded.get(state.run.key)
        recorded = state.outcome is not None and state.path
        return known if known is not None and not recorded else state

    async def _open_states(self) -> Sequence[RunState]:
        """Give today's runs, and those of earlier days whose deadline is not over."""
        now, today = self.sources.clock(), self._today()
        runs = list(self.plan(today).runs)
        for on, (_, plan) in (await self._accounts.plans(today - DAYS_BACK)).items():
            if on < today:
                runs += [r for r in plan.runs if r.deadline > now]
        return await self._states([r for r in sorted(runs) if r.job in self.runners], now)

    async def _record_plans(self, today: date) -> None:
        known = await self._accounts.plans(today - DAYS_BACK)
        first = min(max(known, default=today), today)
        for on in days_between(first, today):
            plan, recorded = self.plan(on), known.get(on)
            changed = recorded is not None and recorded[1] != plan and on == today
            if recorded is None or changed:
                await record_plan(plan, recorded[0] if recorded else None, self.sources)

    async def _settle(self, today: date) -> None:
        """Reconcile every plan of an earlier day of which each run has ended."""
        since = today - DAYS_BACK
        done = await self._accounts.reconciled(since)
        for on, (entry, plan) in sorted((await self._accounts.plans(since)).items()):
            if on < today and on not in done:
                states = await self._states(plan.runs, self.sources.clock())
                if all(s.outcome is not None for s in states):
                    await record_reconciliation(on, entry.path, states, self.sources)

    def _today(self) -> date:
        return in_new_york(self.sources.clock()).date()
