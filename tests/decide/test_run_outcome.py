"""Outcomes: what became of a planned run is told by evidence, never by hope."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mission_control.decide.run_outcome import find_claimable, judge_run, may_begin
from mission_control.model.schedule import (
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


LIVE, DEAD = claim(AFTER + MINUTE), claim(AT + SECOND)


@pytest.mark.parametrize(
    ("recorded", "held", "now", "stage", "outcome"),
    [
        pytest.param([], None, BEFORE, RunStage.PLANNED, None, id="its time has not come"),
        pytest.param([], None, AT, RunStage.DUE, None, id="its time has come"),
        pytest.param([], None, AFTER - SECOND, RunStage.DUE, None, id="a second is left"),
        pytest.param([], None, AFTER, RunStage.ENDED, RunOutcome.MISSED, id="nobody began it"),
        pytest.param([], LIVE, DURING, RunStage.RUNNING, None, id="somebody runs it"),
        pytest.param([], LIVE, AFTER, RunStage.RUNNING, None, id="a script runs it, late"),
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
            [replace(WELL, exit_code=1, overlapped=True)], None, DURING, RunStage.ENDED,
            RunOutcome.OVERLAPPED, id="the one before had not ended",
        ),
    ],
)  # fmt: skip
def test_what_became_of_a_run(recorded, held, now, stage, outcome):
    """The record decides, then the claim, then the clock."""
    state = judge_run(RUN, recorded, held, now)

    assert (stage, outcome) == (state.stage, state.outcome)
    assert (stage is RunStage.DUE) == may_begin(state)


def test_a_skipped_run_is_skipped_whatever_else_is_told():
    """A holiday's run has ended before it began, and says which holiday."""
    state = judge_run(replace(RUN, skipped="holiday: Christmas Day"), [WELL], LIVE, BEFORE)

    assert (RunOutcome.SKIPPED_HOLIDAY, "holiday: Christmas Day") == (state.outcome, state.detail)


def test_of_two_accounts_the_one_that_brought_evidence_counts():
    """An owner that was taken for dead and failed late does not take back what was produced."""
    failed = replace(WELL, exit_code=1, seq=3, path="ops_runs/failed")
    late = replace(WELL, finished=AFTER + MINUTE, seq=4, path="ops_runs/late")
    second = replace(WELL, seq=9, path="ops_runs/second")
    state = judge_run(RUN, [failed, late, second, WELL], None, AFTER)

    assert (RunOutcome.SUCCEEDED, WELL.path) == (state.outcome, state.path)
    assert "ops_runs/late" == judge_run(RUN, [failed, late], None, AFTER).path


def test_an_altered_record_is_told_as_such():
    """What its account says is not repeated, for nobody knows who wrote it."""
    state = judge_run(RUN, [replace(WELL, intact=False)], None, DURING)

    assert "its record is not as it was written" == state.detail


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
