"""Decide: what became of a planned run, from the record, its claim and the clock."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from mission_control.market_calendar.new_york import in_new_york
from mission_control.model.schedule import (
    Job,
    PlannedRun,
    RecordedRun,
    RunClaim,
    RunOutcome,
    RunStage,
    RunState,
)

INTERNAL = 1
"""The exit code of a run that broke (interface, exit codes)."""
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
    Say where a planned run stands at `now`, or how it ended (semantics, section 8).

    What is recorded decides; of several accounts the first that is whole and produced evidence.
    Without any, a claim that is held is a run, one whose owner died is due again until the
    deadline and FAILED after it, and what nobody claimed by then is MISSED. `trouble` is why it
    could not be claimed here: then it is FAILED, for somebody was there.
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
        return RunState(run, RunStage.ENDED, RunOutcome.MISSED, "nobody began it in time")
    stage = RunStage.PLANNED if now < run.planned_at else RunStage.DUE
    return RunState(run, stage, detail=trouble)


def is_held(claim: RunClaim, now: datetime) -> bool:
    """
    Tell whether a claim's owner is taken for alive at `now`.

    One that is dated in the future was made by a clock that ran ahead, and holds nothing.
    """
    ahead = timedelta(seconds=CLOCK_SKEW_SECONDS)
    longest = now + timedelta(seconds=LEASE_SECONDS) + ahead
    return now < claim.lease_until <= longest and claim.claimed_at <= now + ahead


def _claimed(run: PlannedRun, claim: RunClaim, now: datetime) -> RunState:
    """Say where a run stands that somebody began and nobody recorded."""
    if is_held(claim, now):
        return RunState(run, RunStage.RUNNING, detail=f"{claim.owner} runs it")
    detail = f"{claim.owner} began it and recorded nothing"
    if now >= run.deadline:
        return RunState(run, RunStage.ENDED, RunOutcome.FAILED, detail)
    return RunState(run, RunStage.DUE, detail=detail)


def may_begin(state: RunState) -> bool:
    """Tell whether a run may begin now: its time has come, and nobody runs it or has run it."""
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
    Say, for who starts a job by hand or from cron, why no planned run of it is due now.

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
