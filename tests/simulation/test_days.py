"""The played days: they fit the calendar, and what they need to say is told in order."""

from datetime import UTC, datetime

import pytest

from mission_control.bootstrap.recorded_past import demo_start, ended, find_past
from mission_control.bootstrap.rehearsal import Said, unsaid
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import instant_of
from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.days import DAYS, DEMO_DAY, RECORDED, TRADING_HALT


def test_every_recorded_day_is_a_session_and_none_is_left_out():
    """R15.24: from the first to the demo's own day, one of them with an early close."""
    sessions = MarketCalendar().sessions_from(ended(RECORDED[0]), 7)
    traded = {s.session_date for s in sessions if s.session_date <= DEMO_DAY} | {RECORDED[0].on}

    holiday = {day.on for day in RECORDED if day.name == "holiday"}

    assert {day.on for day in RECORDED} - holiday == traded
    assert any(s.early_close for s in sessions if s.session_date in traded)
    assert sorted(RECORDED, key=ended) == list(RECORDED)


@pytest.mark.parametrize("day", DAYS, ids=lambda d: d.name)
def test_every_day_to_rehearse_lies_within_the_calendar(day):
    """Its turns come in order between its beginning and its end."""
    times = [day.begins, *(turn.at for turn in day.turns), day.ends]

    assert sorted(times) == times
    assert instant_of(day.on, day.begins) < instant_of(day.on, day.ends)
    assert day.says


def test_a_market_wide_halt_fails_no_service():
    """R15.29: nothing but the ticks stops, so nothing but the ticks may be said."""
    assert {} == TRADING_HALT.faults
    assert find_scenario("calm").cluster is TRADING_HALT.cluster


@pytest.mark.parametrize(
    ("at", "newest"),
    [
        pytest.param(None, 6, id="the default: this morning"),
        pytest.param(datetime(2026, 12, 2, 23, 30, tzinfo=UTC), 7, id="the evening"),
        pytest.param(datetime(2026, 11, 26, 16, tzinfo=UTC), 1, id="Thanksgiving"),
        pytest.param(datetime(2026, 12, 20, tzinfo=UTC), None, id="weeks later"),
        pytest.param(datetime(2026, 11, 24, 12, tzinfo=UTC), None, id="before all of it"),
    ],
)
def test_a_demo_begins_with_what_ended_before_it(at, newest):
    """R15.24: the newest record that ended lately, never one of a time to come."""
    start = demo_start(at, find_scenario("calm").at)

    assert newest == find_past(start)
    assert newest is None or ended(RECORDED[newest]) <= start


def test_a_scenario_with_a_time_of_its_own_is_shown_then():
    """Only those of any open session move to the day before which sessions are recorded."""
    holiday, calm = find_scenario("holiday").at, find_scenario("calm").at

    assert holiday == demo_start(None, holiday)
    assert (DEMO_DAY, calm.timetz()) == (
        demo_start(None, calm).date(),
        demo_start(None, calm).timetz(),
    )


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        pytest.param(("OK", "HALTED"), (), id="in order"),
        pytest.param(("HALTED", "OK"), ("OK",), id="in another order"),
        pytest.param(("GO",), ("GO",), id="never"),
    ],
)
def test_what_was_not_said_in_order_is_missing(wanted, missing):
    """R15.28: each piece has to come after the one before it."""
    at = datetime(2026, 12, 2, tzinfo=UTC)
    said = [Said(at, "posture OK"), Said(at, "posture HALTED")]

    assert missing == unsaid(wanted, said)
