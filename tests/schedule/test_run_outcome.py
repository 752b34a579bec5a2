"""Outcomes: what became of a planned run is told by evidence, never by hope."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mission_control.schedule.decide import find_claimable, judge_run, may_begin, why_none_is_due
from mission_control.schedule.model import (
    Job,
    PlannedRun,
    RecordedRun,
    RunClaim,
    RunOutcome,
    RunStage,
)

AT = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
RUN = PlannedRun(AT, Job.PRE_MARKET, date(2026, 11, 20), AT + timedelta(minutes=45))
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
BEFORE, DURING, AFTER = AT - SECOND, AT + MINUTE, RUN.deadline
WELL = RecordedRun("ops_runs/x", AT, AT + MINUTE, exit_code=3, seq=7, detail="NO-GO")


def claim(until, owner="a:1"):
    """Give a claim whose lease holds until an instant."""
    return RunClaim(owner, 1, AT, until)


LIVE, DEAD = claim(DURING + MINUTE), claim(AT + SECOND)
LATE_OWNER = claim(AFTER + MINUTE)


@pytest.mark.parametrize(
    ("recorded", "held", "now", "stage", "outcome"),
    [
        pytest.param([], None, BEFORE, RunStage.PLANNED, None, id="its time has not come"),
        pytest.param([], None, AT, RunStage.DUE, None, id="its time has come"),
        pytest.param([], None, AFTER - SECOND, RunStage.DUE, None, id="a second is left"),
        pytest.param([], None, AFTER, RunStage.ENDED, RunOutcome.MISSED, id="it was not begun"),
        pytest.param([], LIVE, DURING, RunStage.RUNNING, None, id="a process runs it"),
        pytest.param([], LATE_OWNER, AFTER, RunStage.RUNNING, None, id="a script runs it, late"),
        pytest.param([], LATE_OWNER, DURING, RunStage.DUE, None, id="a lease longer than any"),
        pytest.param(
            [], RunClaim("b:1", 1, AFTER, AFTER + MINUTE), AFTER - MINUTE, RunStage.DUE, None,
            id="a claim from the future",
        ),
        pytest.param([], DEAD, DURING, RunStage.DUE, None, id="its owner died in time"),
        pytest.param([], DEAD, AFTER, RunStage.ENDED, RunOutcome.FAILED, id="its owner died"),
        pytest.param(
            [WELL], None, DURING, RunStage.ENDED, RunOutcome.SUCCEEDED, id="a NO-GO is evidence"
        ),
        pytest.param(
            [replace(WELL, finished=RUN.deadline)], LIVE, AFTER, RunStage.ENDED,
            RunOutcome.SUCCEEDED, id="it ended with its deadline",
        ),
        pytest.param(
            [replace(WELL, finished=RUN.deadline + SECOND)], None, AFTER, RunStage.ENDED,
            RunOutcome.LATE, id="it ended late",
        ),
        pytest.param(
            [replace(WELL, exit_code=1)], None, DURING, RunStage.ENDED, RunOutcome.FAILED,
            id="it broke",
        ),
        pytest.param(
            [replace(WELL, intact=False)], None, DURING, RunStage.ENDED, RunOutcome.FAILED,
            id="its record was altered",
        ),
        pytest.param(
            [replace(WELL, exit_code=0, produced=False)], None, DURING, RunStage.ENDED,
            RunOutcome.FAILED, id="it says itself that it is no evidence",
        ),
        pytest.param(
            [replace(WELL, produced=False), replace(WELL, seq=8)], None, DURING, RunStage.ENDED,
            RunOutcome.SUCCEEDED, id="another account of it is evidence",
        ),
        pytest.param(
            [replace(WELL, exit_code=1, overlapped=True)], None, DURING, RunStage.ENDED,
            RunOutcome.OVERLAPPED, id="the one before had not ended",
        ),
    ],
)  # fmt: skip
def test_what_became_of_a_run(recorded, held, now, stage, outcome):
    """The record decides, then the claim, then the clock (R8.2, R8.5)."""
    state = judge_run(RUN, recorded, held, now)

    assert (stage, outcome) == (state.stage, state.outcome)
    assert (stage is RunStage.DUE) == may_begin(state)


def test_a_skipped_run_is_skipped_whatever_else_is_told():
    """A holiday's run has ended before it began, and says which holiday."""
    state = judge_run(replace(RUN, skipped="holiday: Christmas Day"), [], LIVE, BEFORE)

    assert (RunOutcome.SKIPPED_HOLIDAY, "holiday: Christmas Day") == (state.outcome, state.detail)


def test_what_ran_before_the_holiday_was_published_is_still_told():
    """A closure that is entered later hides no evidence."""
    state = judge_run(replace(RUN, skipped="holiday: a funeral"), [WELL], None, DURING)

    assert (RunOutcome.SUCCEEDED, WELL.path) == (state.outcome, state.path)


def test_a_run_that_could_not_be_claimed_is_failed_and_says_why():
    """A process was there: that is not MISSED, and the operator looks at the right thing."""
    why = "it could not be claimed: No space left on device"
    due, over = (judge_run(RUN, [], None, now, why) for now in (DURING, AFTER))

    assert (RunStage.DUE, why) == (due.stage, due.detail)
    assert (RunOutcome.FAILED, why) == (over.outcome, over.detail)


@pytest.mark.parametrize(
    ("runs", "now", "words"),
    [
        pytest.param([RUN], AFTER, "that of 08:30 EST was due by 09:15 EST", id="it is over"),
        pytest.param([RUN], BEFORE, "the next is planned for 08:30 EST", id="it is too early"),
        pytest.param(
            [replace(RUN, skipped="holiday: Thanksgiving Day")], DURING,
            "holiday: Thanksgiving Day", id="a holiday",
        ),
        pytest.param([replace(RUN, job=Job.PRE_OPEN)], DURING,
                     "no pre_market_readiness is planned today", id="another job"),
        pytest.param([RUN], AT + timedelta(days=1),
                     "no pre_market_readiness is planned today", id="yesterday's"),
    ],
)  # fmt: skip
def test_a_script_says_why_it_is_no_planned_run(runs, now, words):
    """Who starts it by hand learns whether it is too early, too late or a holiday."""
    assert words == why_none_is_due(runs, {Job.PRE_MARKET}, now)


def test_what_stands_for_no_run_says_nothing_of_the_plan():
    """At 10:01 the day has had its runs, whatever a look of one round may count as."""
    told = why_none_is_due([RUN], (), AFTER)

    assert "what was asked for counts as none of the day's runs" == told


def test_of_two_accounts_the_one_that_brought_evidence_counts():
    """An owner that was taken for dead and failed late does not take back what was produced."""
    failed = replace(WELL, exit_code=1, seq=3, path="ops_runs/failed")
    late = replace(WELL, finished=AFTER + MINUTE, seq=4, path="ops_runs/late")
    second = replace(WELL, seq=9, path="ops_runs/second")
    state = judge_run(RUN, [failed, late, second, WELL], None, AFTER)

    assert (RunOutcome.SUCCEEDED, WELL.path) == (state.outcome, state.path)
    assert "ops_runs/late" == judge_run(RUN, [failed, late], None, AFTER).path


def test_an_altered_record_is_told_as_such():
    """What its account says is not repeated, for it is not known who wrote it."""
    state = judge_run(RUN, [replace(WELL, intact=False)], None, DURING)

    assert "its record cannot be read as it was written" == state.detail


@pytest.mark.parametrize(
    ("now", "found"),
    [
        pytest.param(BEFORE, None, id="before its time"),
        pytest.param(AT, RUN, id="at its time"),
        pytest.param(AFTER - SECOND, RUN, id="until its deadline"),
        pytest.param(AFTER, None, id="never after it: that would be misfiled"),
    ],
)
def test_a_script_finds_the_run_it_was_started_for(now, found):
    """A script claims what is due now, among the jobs that it can be."""
    other = replace(RUN, job=Job.PRE_OPEN)
    skipped = replace(RUN, skipped="holiday", planned_at=AT + SECOND)
    runs = [other, RUN, skipped]

    assert found == find_claimable(runs, {Job.PRE_MARKET}, now)


def test_of_several_runs_that_are_due_the_newest_is_found():
    """A sample that starts at 10:15 is that of 10:15."""
    later = replace(RUN, planned_at=AT + MINUTE)

    assert later == find_claimable([later, RUN], {Job.PRE_MARKET}, DURING)
