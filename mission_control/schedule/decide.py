"""What is planned for a day: every run with its time and evidence deadline."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.session import MarketSession, Phase
from mission_control.schedule.model import (
    Job,
    PlannedRun,
    RecordedRun,
    RunClaim,
    RunOutcome,
    RunStage,
    RunState,
    SessionPlan,
)

USUAL_OPEN, USUAL_CLOSE = time(9, 30), time(16)
"""The hours of a full session, where the day's own are not known."""
DAILY_AT = time(18)
DAILY = (Job.RETENTION, Job.DURABLE_COPY)
SAMPLE_EVERY = timedelta(minutes=15)
DAY = timedelta(days=1)
BEFORE_NEXT_OPEN = timedelta(minutes=-60)
ATTESTED_AFTER_CLOSE = timedelta(minutes=75)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class _Row:
    """A job's time and deadline, as minutes after the session's open or close."""

    job: Job
    after_close: bool
    minutes: int
    deadline_minutes: int

    def plan(self, hours: "_Hours", skipped: str) -> PlannedRun:
        anchor = hours.close if self.after_close else hours.open
        at = anchor + timedelta(minutes=self.minutes)
        deadline = anchor + timedelta(minutes=self.deadline_minutes)
        return PlannedRun(at, self.job, hours.on, deadline, skipped)


@dataclass(frozen=True, slots=True)
class _Hours:
    on: date
    open: datetime
    close: datetime
    next_open: datetime


ROWS = (
    _Row(Job.PRE_MARKET, after_close=False, minutes=-60, deadline_minutes=-15),
    _Row(Job.PRE_OPEN, after_close=False, minutes=-15, deadline_minutes=0),
    _Row(Job.OPEN_VERIFICATION, after_close=False, minutes=5, deadline_minutes=20),
    _Row(Job.POST_MARKET, after_close=True, minutes=30, deadline_minutes=60),
    _Row(Job.LKG_CAPTURE, after_close=True, minutes=60, deadline_minutes=120),
)
"""The session's runs (docs/semantics.md#8), with samples, attestation and daily jobs beside."""


def plan_session(on: date, at_noon: MarketSession, offered: Collection[Job]) -> SessionPlan:
    """
    Plan a date in New York from the session as the calendar sees it at noon of that date.

    Only jobs that are `offered` are planned. A holiday's runs are planned as skipped, at the
    times they usually have. Where the calendar cannot tell, the literal weekday crons are planned:
    a run too many costs less than one too few.
    """
    runs = [r for r in (*_session_runs(on, at_noon), *_daily(on)) if r.job in offered]
    note = at_noon.note or _NOTES.get(at_noon.phase, "a full session")
    return SessionPlan(on, tuple(sorted(runs)), note, at_noon.early_close)


_NOTES = {Phase.CLOSED_WEEKEND: "no session: weekend"}


def join_plans(own: SessionPlan, recorded: SessionPlan, offered: Collection[Job]) -> SessionPlan:
    """
    Return our plan of a date with what is recorded of jobs that are not offered here.

    Servers of one record may offer different jobs: each plans its own, and takes back none of
    the others.
    """
    others = (r for r in recorded.runs if r.job not in offered)
    return replace(own, runs=tuple(sorted((*own.runs, *others))))


def _session_runs(on: date, at_noon: MarketSession) -> Iterator[PlannedRun]:
    if on.weekday() >= SATURDAY:
        return
    skipped = ""
    if at_noon.phase is Phase.CLOSED_HOLIDAY:
        skipped = f"holiday: {at_noon.note}"
    hours = _hours(on, at_noon)
    yield from (row.plan(hours, skipped) for row in ROWS)
    if not skipped:
        yield from _samples(hours)
    deadline = hours.next_open + BEFORE_NEXT_OPEN
    at = hours.close + ATTESTED_AFTER_CLOSE
    yield PlannedRun(at, Job.ATTESTATION, on, deadline, skipped)


def _hours(on: date, at_noon: MarketSession) -> _Hours:
    """Return the session's hours; the usual ones where the day has none, or they are not known."""
    opens = at_noon.open or instant_of(on, USUAL_OPEN)
    closes = at_noon.close or instant_of(on, USUAL_CLOSE)
    next_open = at_noon.next_open or instant_of(_weekday_after(on), USUAL_OPEN)
    return _Hours(on, opens, closes, next_open)


def _samples(hours: _Hours) -> Iterator[PlannedRun]:
    """Plan a sample every 15 minutes while the session is open, each due before the next."""
    at = hours.open
    while at < hours.close:
        deadline = min(at + SAMPLE_EVERY, hours.close)
        yield PlannedRun(at, Job.INTRADAY_SAMPLE, hours.on, deadline)
        at += SAMPLE_EVERY


def _daily(on: date) -> Iterator[PlannedRun]:
    """Plan what runs every day, weekends and holidays included, until the next day's takes over."""
    at, deadline = instant_of(on, DAILY_AT), instant_of(on + DAY, DAILY_AT)
    yield from (PlannedRun(at, job, on, deadline) for job in DAILY)


def _weekday_after(on: date) -> date:
    on += DAY
    while on.weekday() >= SATURDAY:
        on += DAY
    return on


INTERNAL = 1
"""The exit code of a run that broke."""
LEASE_SECONDS = 60.0
"""An owner that has not renewed its claim for so long is taken for dead."""
RENEW_SECONDS = 15.0
CLOCK_SKEW_SECONDS = 5.0


def judge_run(
    run: PlannedRun,
    recorded: Sequence[RecordedRun],
    claim: RunClaim | None,
    now: datetime,
    trouble: str = "",
) -> RunState:
    """
    Judge where a planned run is at `now`, or how it ended (docs/semantics.md#8).

    What is recorded decides; of several accounts the first that is whole and produced evidence.
    Without any, a claim that is held is a run, one whose owner died is due again until the
    deadline and FAILED after it, and what was not claimed by then is MISSED. `trouble` is why it
    could not be claimed here: then it is FAILED, because this process tried.
    """
    if recorded:
        return _ended(run, min(recorded, key=lambda r: (_worth(run, r), r.seq)))
    if run.skipped:
        return RunState(run, RunStage.ENDED, RunOutcome.SKIPPED_HOLIDAY, run.skipped)
    if claim is not None:
        return _claimed(run, claim, now)
    if now >= run.deadline:
        if trouble:
            return RunState(run, RunStage.ENDED, RunOutcome.FAILED, trouble)
        return RunState(run, RunStage.ENDED, RunOutcome.MISSED, "it was not begun in time")
    stage = RunStage.PLANNED if now < run.planned_at else RunStage.DUE
    return RunState(run, stage, detail=trouble)


def is_held(claim: RunClaim, now: datetime) -> bool:
    """
    Return whether a claim's owner is taken for alive at `now`.

    One that is dated in the future was made by a clock that ran ahead, and holds nothing.
    """
    ahead = timedelta(seconds=CLOCK_SKEW_SECONDS)
    longest = now + timedelta(seconds=LEASE_SECONDS) + ahead
    return now < claim.lease_until <= longest and claim.claimed_at <= now + ahead


def _claimed(run: PlannedRun, claim: RunClaim, now: datetime) -> RunState:
    """Judge a run that was claimed and is not recorded."""
    if is_held(claim, now):
        return RunState(run, RunStage.RUNNING, detail=f"{claim.owner} runs it")
    detail = f"{claim.owner} began it and recorded nothing"
    if now >= run.deadline:
        return RunState(run, RunStage.ENDED, RunOutcome.FAILED, detail)
    return RunState(run, RunStage.DUE, detail=detail)


def may_begin(state: RunState) -> bool:
    """Return whether a run may begin now: its time has come, and it neither runs nor has run."""
    return state.stage is RunStage.DUE


def find_claimable(
    runs: Iterable[PlannedRun], jobs: Collection[Job], now: datetime
) -> PlannedRun | None:
    """
    Find the run that a script, started at `now`, was started for: the newest that is due.

    After a deadline there is none: what is begun then is recorded beside the plan, never as it.
    """
    due = [r for r in runs if r.job in jobs and not r.skipped and r.planned_at <= now < r.deadline]
    return max(due, default=None)


def _ended(run: PlannedRun, recorded: RecordedRun) -> RunState:
    outcome = _outcome(run, recorded)
    return RunState(
        run, RunStage.ENDED, outcome, _detail(recorded), recorded.path, recorded.finished
    )


def _detail(recorded: RecordedRun) -> str:
    return recorded.detail if recorded.intact else "its record cannot be read as it was written"


def _outcome(run: PlannedRun, recorded: RecordedRun) -> RunOutcome:
    if recorded.overlapped:
        return RunOutcome.OVERLAPPED
    if not (recorded.intact and recorded.produced) or recorded.exit_code == INTERNAL:
        return RunOutcome.FAILED
    return RunOutcome.LATE if recorded.finished > run.deadline else RunOutcome.SUCCEEDED


_WORTH = (RunOutcome.SUCCEEDED, RunOutcome.LATE, RunOutcome.FAILED, RunOutcome.OVERLAPPED)


def _worth(run: PlannedRun, recorded: RecordedRun) -> int:
    return _WORTH.index(_outcome(run, recorded))


def why_none_is_due(runs: Iterable[PlannedRun], jobs: Collection[Job], now: datetime) -> str:
    """
    Say, to a command started by hand or from cron, why no planned run of its job is due now.

    Without any job it may be none of them, which says nothing of what is planned today.
    """
    if not jobs:
        return "what was asked for counts as none of the day's runs"
    today = in_new_york(now).date()
    ours = sorted(r for r in runs if r.job in jobs and in_new_york(r.planned_at).date() == today)
    if not ours:
        named = " or ".join(sorted(job.value for job in jobs))
        return f"no {named} is planned today"
    begun = [r for r in ours if r.planned_at <= now]
    run = begun[-1] if begun else ours[0]
    if run.skipped:
        return run.skipped
    if begun:
        return f"that of {_clock(run.planned_at)} was due by {_clock(run.deadline)}"
    return f"the next is planned for {_clock(run.planned_at)}"


def _clock(instant: datetime) -> str:
    return f"{in_new_york(instant):%H:%M %Z}"
