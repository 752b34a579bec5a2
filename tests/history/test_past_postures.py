"""History: the floor's posture over a stretch of time; what is not known is no posture."""

from datetime import timedelta
from itertools import pairwise

import pytest

from mission_control.errors import StorageError
from mission_control.floor.model import Verdict
from mission_control.history import past_postures
from mission_control.history.decide.over_time import draw_postures
from mission_control.history.model import PostureSpan
from mission_control.history.past_postures import LONGEST, read_postures
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import NOW, STRATEGY
from tests.history.conftest import keeping
from tests.history.test_history import Calendar, RememberedFloor, written

OK, HALTED = Verdict.OK, Verdict.HALTED


def at(minutes):
    """Return an instant of the stretch."""
    return NOW + timedelta(minutes=minutes)


def drawn(ends, changes=(), gaps=()):
    """Draw an hour, in minutes."""
    changes = [(at(m), before, after) for m, before, after in changes]
    gaps = [(at(b), at(e)) for b, e in gaps]
    spans = draw_postures(ends, changes, gaps, at(0), at(60))
    minutes = [((s.begin - NOW).seconds // 60, (s.end - NOW).seconds // 60) for s in spans]
    return [(b, e, s.verdict) for (b, e), s in zip(minutes, spans, strict=True)]


HALT = [(10, "OK", "HALTED"), (20, "HALTED", "OK")]


@pytest.mark.parametrize(
    ("expected", "ends", "changes", "gaps"),
    [
        pytest.param([(0, 60, OK)], (OK, OK), (), (), id="calm"),
        pytest.param([(0, 60, None)], (OK, HALTED), (), (), id="a lost change"),
        pytest.param([(0, 60, None)], (None, None), (), (), id="never decided"),
        pytest.param(
            [(0, 10, OK), (10, 20, HALTED), (20, 60, OK)], (OK, OK), HALT, (), id="halted"
        ),
        pytest.param(
            [(0, 10, OK), (10, 20, HALTED), (20, 60, OK)],
            (OK, OK),
            [HALT[0], HALT[0], HALT[1], HALT[1]],
            (),
            id="two processes tell it",
        ),
        pytest.param(
            [(0, 10, OK), (10, 30, None), (30, 60, HALTED)],
            (OK, HALTED),
            [HALT[0], (30, "OK", "HALTED")],
            (),
            id="the change back is lost",
        ),
        pytest.param(
            [(0, 10, OK), (10, 12, HALTED), (12, 15, None), (15, 20, HALTED), (20, 60, OK)],
            (OK, OK),
            HALT,
            [(12, 15)],
            id="a gap",
        ),
        pytest.param(
            [(0, 5, OK), (5, 60, None)], (OK, None), [(5, "OK", "no verdict")], (), id="an odd one"
        ),
        pytest.param([(0, 60, HALTED)], (OK, HALTED), [(0, "OK", "HALTED")], (), id="at once"),
    ],
)
def test_a_stretch_is_known_where_both_its_ends_agree(expected, ends, changes, gaps):
    """Without a hole and without overlap; what was lost, or not watched, has no posture."""
    assert expected == drawn(ends, changes, gaps)


@pytest.mark.anyio
async def test_postures_are_read_from_history(tmp_path):
    """Evidence that is too old halts; a minute in which nothing was asked was not watched."""
    with keeping(tmp_path, None) as keeper:
        floor = RememberedFloor(keeper)
        began = floor.floor.now
        floor.decide()
        floor.beat_until(began + timedelta(minutes=3))
        floor.floor.ask()
        floor.decide()
        floor.beat_until(began + timedelta(minutes=3, seconds=30))
        floor.memory.end()
        await written(keeper)
        hour = timedelta(hours=1)
        read = [
            await read_postures(keeper.reader, Calendar(), began - back, floor.floor.now + hour / 6)
            for back in (hour, LONGEST + hour)
        ]

    near, far = read
    assert [None, OK, HALTED, None, HALTED, None] == [s.verdict for s in near]
    assert (began - hour, began) == (near[0].begin, near[0].end)
    assert all(a.end == b.begin for a, b in pairwise(near))
    assert PostureSpan(began - LONGEST - hour, floor.floor.now + hour / 6 - LONGEST, None) == far[0]


@pytest.mark.anyio
async def test_more_events_than_are_read_are_no_posture(tmp_path, monkeypatch):
    """It is an error, and no stretch without changes."""
    monkeypatch.setattr(past_postures, "MOST_EVENTS", 1)
    monkeypatch.setattr(past_postures, "AT_ONCE", 1)
    with keeping(tmp_path, None) as keeper:
        floor = RememberedFloor(keeper)
        began = floor.floor.now
        floor.decide()
        floor.floor.ask()
        floor.floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
        floor.decide()
        await written(keeper)

        with pytest.raises(StorageError, match="more than 1 events"):
            await read_postures(keeper.reader, Calendar(), began, began + timedelta(hours=1))
