"""The scheduled day: planned, recorded, run, and reconciled with the ledger."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from mission_control.errors import AlreadyRecordedError, StorageError
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.decide import join_plans, judge_run, may_begin, plan_session
from mission_control.schedule.model import (
    DayView,
    Job,
    PlannedRun,
    RunClaim,
    RunOutcome,
    RunStage,
    RunState,
    SessionPlan,
)
from mission_control.schedule.planned_run import (
    STOP_SECONDS,
    Runner,
    RunSources,
    claim_whole,
    record_overlap,
    release,
    released_when_cancelled,
    run_claimed,
)
from mission_control.schedule.recorded import (
    RunAccounts,
    days_between,
    keep_plan,
    record_reconciliation,
)


@dataclass(slots=True)
class RunningJobs:
    """The runs that go on here: one for each job, or none; a run that was cut may still go on."""

    _going_on: dict[Job, "asyncio.Future[None]"] = field(
        default_factory=dict[Job, "asyncio.Future[None]"]
    )
    _stuck: dict[Job, "asyncio.Future[Any]"] = field(
        default_factory=dict[Job, "asyncio.Future[Any]"]
    )

    async def reserve(self, job: Job) -> "asyncio.Future[None] | None":
        """
        Reserve a job until the returned future is set; None where an earlier run goes on.

        It waits as long as a run takes to stop: the deadline of one may be the beginning of the
        next, and that is no overlap yet. Of several that wait for the same run one gets it.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + 2 * STOP_SECONDS
        while open_ := self._open(job):
            if loop.time() >= until:
                return None
            await asyncio.wait(open_, timeout=until - loop.time())
        ended = self._going_on[job] = loop.create_future()
        return ended

    def _open(self, job: Job) -> "set[asyncio.Future[Any]]":
        known = (self._going_on.get(job), self._stuck.get(job))
        return {f for f in known if f is not None and not f.done()}

    def stays(self, job: Job, stuck: "asyncio.Future[Any]") -> None:
        """Tell that a run did not stop when it was cut."""
        self._stuck[job] = stuck


NOON = time(12)
DAYS_BACK = timedelta(days=35)
"""Plans that are older are not looked at any more: their runs have long ended."""

_WELL = frozenset({RunOutcome.SUCCEEDED, RunOutcome.LATE})
log = logging.getLogger(__name__)


@dataclass(slots=True)
class ScheduledDay:
    """
    Plans each day, runs what is due, and says what became of it.

    Every process on one root may have one: a run is begun by the first to claim it. `runners` are
    the jobs that this process can run, and so the jobs that are planned. `beat` says since when
    the scheduler has not beaten, empty while it does, None where none is running here. `unsettled`
    says that a plan or its reconciliation is not recorded yet. Runs whose deadline was over at
    `since` and of which nothing is recorded are left out: a demo that begins at noon missed none.
    """

    calendar: CalendarReader
    artifacts: ArtifactReader
    runners: Mapping[Job, Runner]
    sources: RunSources
    beat: Callable[[], str] | None = None
    unsettled: bool = True
    since: datetime | None = None
    _began: date | None = None
    _prepared: SessionPlan | None = None
    _beginning: set[str] = field(default_factory=set[str])
    _running: RunningJobs = field(default_factory=RunningJobs)
    _troubles: dict[str, str] = field(default_factory=dict[str, str])
    _unrecorded: dict[str, RunState] = field(default_factory=dict[str, RunState])
    _accounts: RunAccounts = field(init=False)

    def __post_init__(self) -> None:
        """Read the accounts of runs where artifacts are."""
        self._accounts = RunAccounts(self.artifacts)

    def plan(self, on: date) -> SessionPlan:
        """Return the plan of a date in New York, from the calendar as it is now."""
        at_noon = self.calendar.session_at(instant_of(on, NOON))
        return plan_session(on, at_noon, frozenset(self.runners))

    async def prepare(self) -> Sequence[PlannedRun]:
        """
        Record today's plan where it is not recorded yet, and settle the days before.

        Returns every run that may still begin. Days without a plan, although Mission Control had
        been running before, are planned now, so that what was missed on them is told. A record
        that fails is logged, and `unsettled` until it is made up for: the day is kept all the
        same.
        """
        now, today = self.sources.clock(), self._today()
        self._began = self._began or today
        self._prepared = self.plan(today)
        self.unsettled = True
        try:
            await self._record_plans(today)
            await self._settle(today)
            await self.sources.claims.sweep(today - DAYS_BACK)
            self.unsettled = False
            return [s.run for s in await self._open_states() if s.stage is not RunStage.ENDED]
        except StorageError:
            log.exception("the session plan was not recorded")
            return [r for r in self.plan(today).runs if now < r.deadline and not r.skipped]

    async def due(self) -> Sequence[PlannedRun]:
        """
        Return the runs that should have begun by now, and are neither running nor recorded.

        Notices as well that today is planned otherwise by now, as when closures changed.
        """
        if self._prepared is not None and self._prepared != self.plan(self._prepared.on):
            self.unsettled = True
        return [s.run for s in await self._open_states() if may_begin(s)]

    async def begin(self, run: PlannedRun) -> None:
        """
        Run a planned run, unless it runs or ran elsewhere, or its deadline is over.

        Never raises for what a job does: its failure is recorded, and what could not even be
        recorded is remembered here and logged. One that could not be claimed stays due.
        """
        if run.key in self._beginning or run.job not in self.runners or self._is_superseded(run):
            return
        self._beginning.add(run.key)
        try:
            claim = await self._claim(run)
            if claim is not None:
                await self._run(run, claim)
        finally:
            self._beginning.discard(run.key)

    def _is_superseded(self, run: PlannedRun) -> bool:
        """Return whether a run was armed by a plan of today that is no longer in force."""
        today = run.session_date == self._today()
        return today and run not in self.plan(run.session_date).runs

    async def states(self) -> Sequence[RunState]:
        """Return what became of today's runs so far; raises StorageError."""
        return (await self.view()).states

    async def view(self) -> DayView:
        """Return today's plan, with what became of each run so far; raises StorageError."""
        now, today = self.sources.clock(), self._today()
        plan, recorded = self.plan(today), (await self._accounts.plans(today)).get(today)
        if recorded is not None:
            plan = join_plans(plan, recorded[1], frozenset(self.runners))
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

    async def lately(self, days: int = 5) -> Sequence[RunState]:
        """Return the runs of today and of the recorded plans of the days before, as they stand."""
        now, today = self.sources.clock(), self._today()
        runs = list(self.plan(today).runs)
        for on, (_, plan) in (await self._accounts.plans(today - timedelta(days=days))).items():
            runs += plan.runs if on < today else ()
        return await self._states(runs, now)

    def stalled(self) -> str:
        """Say since when the scheduler has not beaten; empty while it does, or is not ours."""
        return self.beat() if self.beat is not None else ""

    async def _claim(self, run: PlannedRun) -> RunClaim | None:
        """Claim a run that is due, by the very claims and records it was found due from."""
        clock = self.sources.clock
        try:
            held = await self.sources.claims.held(run.session_date)
            (state,) = await self._judge([run], held, clock())
            if not may_begin(state):
                return None
            seen = held.get(run.key)
            claim = await claim_whole(run, seen.attempt if seen else 0, self.sources)
        except StorageError as error:
            log.warning("%s could not be claimed, and stays due: %s", run.key, error)
            self._troubles[run.key] = f"it could not be claimed: {error}"
            return None
        self._troubles.pop(run.key, None)
        return claim

    async def _run(self, run: PlannedRun, claim: RunClaim) -> None:
        try:
            async with released_when_cancelled(run, claim, self.sources):
                ended = await self._running.reserve(run.job)
            if ended is None:
                await record_overlap(run, self.sources)
                await release(run, claim, self.sources)
                return
            began = self.sources.clock()
            log.info("begins %s", run.key, extra={"attempt": claim.attempt})
            try:
                stuck = await run_claimed(run, claim, self.runners[run.job], self.sources)
            finally:
                ended.set_result(None)
            if stuck is not None:
                self._running.stays(run.job, stuck)
            await self._log_end(run, began)
        except StorageError as error:
            log.exception("%s was not recorded", run.key)
            self._remember_failure(run, str(error))

    async def _log_end(self, run: PlannedRun, began: datetime) -> None:
        """Say in one line how a run ended, as the record has it, and how long it took."""
        now = self.sources.clock()
        try:
            (state,) = await self._states([run], now)
        except StorageError as error:
            log.warning("%s has ended, and how cannot be read: %s", run.key, error)
            return
        ended = state.outcome.value if state.outcome else "with nothing recorded"
        told = ": ".join(filter(None, (ended, state.detail)))
        level = logging.INFO if state.outcome in _WELL else logging.WARNING
        seconds = (now - began).total_seconds()
        log.log(level, "ended %s after %.1f s: %s", run.key, seconds, told)

    def _remember_failure(self, run: PlannedRun, why: str) -> None:
        detail = f"it could not be recorded: {why}"
        state = RunState(run, RunStage.ENDED, RunOutcome.FAILED, detail)
        self._unrecorded[run.key] = replace(state, finished=self.sources.clock())

    async def _states(self, runs: Sequence[PlannedRun], now: datetime) -> Sequence[RunState]:
        found = list[RunState]()
        for on in sorted({r.session_date for r in runs}):
            held = await self.sources.claims.held(on)
            found += await self._judge([r for r in runs if r.session_date == on], held, now)
        return [s for s in found if not self._is_before_us(s)]

    def _is_before_us(self, state: RunState) -> bool:
        missed = state.outcome is RunOutcome.MISSED
        return missed and self.since is not None and state.run.deadline <= self.since

    async def _judge(
        self, runs: Sequence[PlannedRun], held: Mapping[str, RunClaim], now: datetime
    ) -> Sequence[RunState]:
        """
        Judge runs of one session date; claims were read before the record is.

        A run is recorded first and released afterwards: read the other way round, it could be
        seen neither held nor recorded.
        """
        recorded = await self._accounts.of(runs[0].session_date)
        states = (
            judge_run(
                r, recorded.get(r.key, ()), held.get(r.key), now, self._troubles.get(r.key, "")
            )
            for r in runs
        )
        return [self._with_failure(s) for s in states]

    def _with_failure(self, state: RunState) -> RunState:
        """Return what is remembered here of a run that is not recorded."""
        known = self._unrecorded.get(state.run.key)
        recorded = state.outcome is not None and state.path
        return known if known is not None and not recorded else state

    async def _open_states(self) -> Sequence[RunState]:
        """Return today's runs, and those of earlier days whose deadline is not over."""
        now, today = self.sources.clock(), self._today()
        runs = list(self.plan(today).runs)
        for on, (_, plan) in (await self._accounts.plans(today - DAYS_BACK)).items():
            if on < today:
                runs += [r for r in plan.runs if r.deadline > now]
        return await self._states([r for r in sorted(runs) if r.job in self.runners], now)

    async def _record_plans(self, today: date) -> None:
        """Record the plan of each date since we are known to run that has no plan as recorded."""
        known = await self._accounts.plans(today - DAYS_BACK)
        first = min([*known, self._began or today, today])
        for on in days_between(first, today):
            if on == today or on not in known:
                offered = frozenset(self.runners)
                await keep_plan(self.plan(on), known.get(on), offered, self._accounts, self.sources)

    async def _settle(self, today: date) -> None:
        """Reconcile every plan of an earlier day of which each run has ended."""
        since = today - DAYS_BACK
        done = await self._accounts.reconciled(since)
        for on, (entry, plan) in sorted((await self._accounts.plans(since)).items()):
            if on < today and on not in done:
                states = await self._states(plan.runs, self.sources.clock())
                if all(s.outcome is not None for s in states):
                    with suppress(AlreadyRecordedError):
                        await record_reconciliation(on, entry.path, states, self.sources)

    def _today(self) -> date:
        return in_new_york(self.sources.clock()).date()
