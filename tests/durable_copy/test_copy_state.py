"""Decide: the durable copy is well only where its newest report says so in every respect."""

from datetime import timedelta

import pytest

from mission_control.durable_copy.decide import judge_copy
from mission_control.durable_copy.model import CopyStatus, Pending
from tests.durable_copy.ledger_of_values import NOW

PLACE = "s3://bucket/floor"
PROBLEM = {"kind": "CONFLICT", "path": "a/b", "detail": "other bytes"}
WELL = {
    "destination": PLACE,
    "contradicted": False,
    "complete": True,
    "failure": "",
    "problems_found": 0,
    "problems": [],
    "cautions": [],
    "verified_through": 7,
}


def judge(newest, pending=None, configured=PLACE):
    """Judge; returns the status and the sentence."""
    waiting = None if pending is None else Pending(8, pending)
    state = judge_copy(configured, newest, waiting, NOW)
    assert state.fine == (state.standing is CopyStatus.COPIED)
    assert pending == state.since or not configured
    return state.standing, state.detail


def test_a_complete_copy_is_well():
    """Everything copied and verified lately is the one state that is fine."""
    assert (CopyStatus.COPIED, "every line up to 7 is there") == judge(WELL)
    assert CopyStatus.COPIED is judge(WELL, NOW - timedelta(hours=30))[0]


@pytest.mark.parametrize(
    ("change", "standing", "words"),
    [
        pytest.param({"contradicted": True, "problems": [PROBLEM]}, "CONTRADICTED",
                     "CONFLICT a/b: other bytes", id="conflict"),
        pytest.param({"contradicted": None}, "CONTRADICTED", "does not say what", id="not told"),
        pytest.param({"contradicted": True, "problems": [7]}, "CONTRADICTED", "does not say what",
                     id="problems of another version"),
        pytest.param({"failure": "no answer"}, "FAILED", "no answer", id="failed"),
        pytest.param({"failure": None}, "FAILED", "does not say how it ended", id="no end told"),
        pytest.param({"problems_found": 1, "problems": [PROBLEM]}, "FAILED", "a/b", id="problem"),
        pytest.param({"problems_found": None}, "FAILED", "does not say what", id="none counted"),
        pytest.param({"complete": False}, "FAILED", "did not reach the end", id="incomplete"),
        pytest.param({"complete": "true"}, "FAILED", "did not reach the end", id="no boolean"),
        pytest.param({"cautions": ["the same disk"]}, "DOUBTFUL", "the same disk", id="caution"),
        pytest.param({"cautions": None}, "DOUBTFUL", "does not say what to mind", id="no cautions"),
        pytest.param({"destination": "/mnt/old"}, "NEVER_RUN", "went elsewhere", id="elsewhere"),
    ],
)  # fmt: skip
def test_whatever_the_report_does_not_say_is_not_well(change, standing, words):
    """Each thing that is wrong, missing or of another shape is a state of its own."""
    state, detail = judge({**WELL, **change})

    assert standing == state
    assert words in detail


def test_a_copy_that_does_not_keep_up_lags():
    """What was recorded more than thirty hours ago and is not copied makes it lag."""
    assert CopyStatus.LAGGING is judge(WELL, NOW - timedelta(hours=30, seconds=1))[0]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        pytest.param(None, "line 8 is not copied, and cannot be read", id="unknown"),
        pytest.param(NOW + timedelta(minutes=6), "still to come", id="in the future"),
    ],
)
def test_a_line_of_no_known_age_is_never_young(since, words):
    """Where it is unknown since when it waits, it lags."""
    state = judge_copy(PLACE, WELL, Pending(8, since), NOW)

    assert (CopyStatus.LAGGING, since) == (state.standing, state.since)
    assert words in state.detail
    assert CopyStatus.COPIED is judge(WELL, NOW + timedelta(minutes=5))[0]


def test_no_place_and_no_run_are_said():
    """Where none is configured, and where none ever ran, that is what is said."""
    assert (CopyStatus.NOT_CONFIGURED, "no durable copy is configured") == judge(
        WELL, configured=""
    )
    assert CopyStatus.NEVER_RUN is judge(None)[0]
