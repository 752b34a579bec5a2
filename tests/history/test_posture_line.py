"""History: the floor itself over time, from what it said when it changed (R15.10)."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.history.decide.over_time import doubt_lost_changes, draw_timeline
from mission_control.history.model import ServiceChange
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import STRATEGY
from tests.history.conftest import keeping
from tests.history.test_history import RememberedFloor, written

pytestmark = pytest.mark.anyio


def lines(segments):
    """Return segments as (state, expected, code)."""
    return [(s.state.value if s.state else None, s.expected, s.reason_code) for s in segments]


async def test_the_line_holds_each_verdict_and_a_gap_before_the_first(tmp_path):
    """Before the first start nothing is known; then each verdict with its lead reason."""
    with keeping(tmp_path, None) as keeper:
        floor = RememberedFloor(keeper)
        began = floor.floor.now
        floor.decide()
        floor.beat_until(began + timedelta(seconds=20))
        floor.floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
        floor.decide()
        floor.beat_until(began + timedelta(seconds=40))
        floor.memory.end()
        await written(keeper)
        hour = timedelta(hours=1)
        whole = await floor.past.posture_line(began - hour, floor.floor.now)
        late = await floor.past.posture_line(began + timedelta(seconds=30), floor.floor.now)

    assert [(None, False, ""), ("OK", True, ""), ("HALTED", False, "TIMEOUT")] == lines(whole)
    assert (began - hour, began) == (whole[0].begin, whole[0].end)
    assert [("HALTED", False, "TIMEOUT")] == lines(late)


async def test_a_start_takes_back_what_the_process_before_it_said(tmp_path):
    """A process that starts halted, and tells no change, is no OK that goes on."""
    with keeping(tmp_path, None) as keeper:
        before = RememberedFloor(keeper)
        began = before.floor.now
        before.decide()
        before.beat_until(began + timedelta(seconds=20))
        before.memory.end()
        await written(keeper)
        after = RememberedFloor(keeper)
        after.floor.now = began + timedelta(seconds=25)
        after.floor.answers = {}
        after.floor.switch = None
        after.decide()
        after.beat_until(began + timedelta(seconds=40))
        after.memory.end()
        await written(keeper)
        line = await after.past.posture_line(began, after.floor.now)

    assert "OK" == lines(line)[0][0]
    assert "OK" not in {state for state, _, _ in lines(line[1:])}


def a_change(state, *, seconds, lost=False):
    """Return a change of the posture so many seconds after ten."""
    at = datetime(2026, 11, 18, 15, tzinfo=UTC) + timedelta(seconds=seconds)
    return ServiceChange(at, "", ServiceState(state), expected=True, reason_code="", lost=lost)


OK, HALTED, CLOSED = ServiceState.OK, ServiceState.HALTED, ServiceState.MARKET_CLOSED


@pytest.mark.parametrize(
    ("told", "lost"),
    [
        pytest.param([("OK", 0, None), ("HALTED", 9, OK), ("OK", 20, HALTED)], [0, 0, 0], id="all"),
        pytest.param([("OK", 0, None), ("OK", 20, HALTED)], [1, 0], id="the halt was lost"),
        pytest.param([("OK", 0, CLOSED), ("HALTED", 9, None)], [0, 0], id="a start says nothing"),
        pytest.param([("HALTED", 0, OK), ("HALTED", 9, OK)], [0, 0], id="two of us tell it"),
        pytest.param([("HALTED", 0, OK), ("HALTED", 90, OK)], [1, 0], id="it was over meanwhile"),
    ],
)
async def test_where_a_change_was_lost_nothing_is_drawn(told, lost):
    """R15.10: a stretch that does not end as the next change says is not known, and never OK."""
    changes = doubt_lost_changes([(a_change(s, seconds=n), before) for s, n, before in told])
    began, ends = changes[0].at, changes[-1].at
    drawn = draw_timeline(changes, [(began, ends)], began, ends)

    assert [bool(each) for each in lost] == [change.lost for change in changes]
    assert any(lost) == (None in [segment.state for segment in drawn])


def test_of_a_floor_that_never_changed_nothing_was_lost():
    """An empty history is told as one gap, never as an error."""
    begin, end = a_change("OK", seconds=0).at, a_change("OK", seconds=60).at

    assert doubt_lost_changes([]) == ()
    assert [s.state for s in draw_timeline((), [(begin, end)], begin, end)] == [None]
