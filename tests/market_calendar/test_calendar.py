"""Market calendar: phases and their boundaries, closures, and what cannot be told."""

import sys
import time as process
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.model.session import MarketSession, Phase

NEW_YORK = ZoneInfo("America/New_York")
MICROSECOND = timedelta(microseconds=1)
CALENDAR = MarketCalendar()


def utc(text):
    """Read an instant, written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def et(text):
    """Read an instant, written as New York's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def closed(on, source="NYSE notice"):
    """Close one date."""
    return Closure(on, ClosureKind.CLOSED, None, source, date(2026, 11, 20), "ops@example.org")


def shortened(on, close):
    """Close one date early."""
    kind = ClosureKind.EARLY_CLOSE
    return Closure(on, kind, close, "NYSE notice", date(2026, 11, 20), "ops@example.org")


@pytest.mark.parametrize(
    ("boundary", "before", "after"),
    [
        pytest.param("2026-11-20 00:00", Phase.POST_MARKET, Phase.PRE_MARKET, id="midnight"),
        pytest.param("2026-11-20 09:30", Phase.PRE_MARKET, Phase.OPEN, id="open"),
        pytest.param("2026-11-20 16:00", Phase.OPEN, Phase.POST_MARKET, id="close"),
        pytest.param("2026-11-21 00:00", Phase.POST_MARKET, Phase.CLOSED_WEEKEND, id="weekend"),
        pytest.param("2026-11-23 00:00", Phase.CLOSED_WEEKEND, Phase.PRE_MARKET, id="Monday"),
        pytest.param("2026-11-26 00:00", Phase.POST_MARKET, Phase.CLOSED_HOLIDAY, id="holiday"),
        pytest.param("2026-11-27 00:00", Phase.CLOSED_HOLIDAY, Phase.PRE_MARKET, id="after it"),
        pytest.param("2026-11-27 13:00", Phase.OPEN, Phase.POST_MARKET, id="early close"),
        pytest.param(
            "2026-12-26 00:00", Phase.CLOSED_HOLIDAY, Phase.CLOSED_WEEKEND, id="holiday to weekend"
        ),
        pytest.param(
            "2026-09-07 00:00", Phase.CLOSED_WEEKEND, Phase.CLOSED_HOLIDAY, id="weekend to holiday"
        ),
        pytest.param("2010-01-01 00:00", Phase.UNKNOWN, Phase.CLOSED_HOLIDAY, id="first day"),
        pytest.param("2061-01-01 00:00", Phase.POST_MARKET, Phase.UNKNOWN, id="past the last day"),
    ],
)
def test_a_phase_changes_at_its_instant(boundary, before, after):
    """A phase lasts to the last microsecond before its boundary, and not one longer (R5.1)."""
    instant = et(boundary)

    assert before is CALENDAR.session_at(instant - MICROSECOND).phase
    assert after is CALENDAR.session_at(instant).phase


def test_a_session_is_told_in_full():
    """Within an early close every field says what it should, in UTC."""
    expected = MarketSession(
        at=utc("2026-11-27 17:59:59.999999"),
        phase=Phase.OPEN,
        session_date=date(2026, 11, 27),
        open=utc("2026-11-27 14:30"),
        close=utc("2026-11-27 18:00"),
        early_close=True,
        phase_began=utc("2026-11-27 14:30"),
        next_boundary=utc("2026-11-27 18:00"),
        next_phase=Phase.POST_MARKET,
        next_open=utc("2026-11-30 14:30"),
        horizon_days=12453,
        note="NYSE early close: day after Thanksgiving",
    )

    session = CALENDAR.session_at(et("2026-11-27 12:59:59.999999"))

    assert expected == session
    assert UTC is session.at.tzinfo


def test_a_weekend_is_one_phase():
    """A weekend runs from Saturday's midnight to Monday's, whichever of its days asks."""
    expected = MarketSession(
        at=utc("2026-11-22 12:00"),
        phase=Phase.CLOSED_WEEKEND,
        phase_began=utc("2026-11-21 05:00"),
        next_boundary=utc("2026-11-23 05:00"),
        next_phase=Phase.PRE_MARKET,
        next_open=utc("2026-11-23 14:30"),
        horizon_days=12458,
    )

    assert expected == CALENDAR.session_at(utc("2026-11-22 12:00"))


@pytest.mark.parametrize(
    "now", [pytest.param("2012-10-29", id="Monday"), pytest.param("2012-10-30", id="Tuesday")]
)
def test_two_closed_days_on_end_are_one_phase(now):
    """When a holiday follows a holiday, midnight between them is no boundary."""
    session = CALENDAR.session_at(et(f"{now} 12:00"))

    assert Phase.CLOSED_HOLIDAY is session.phase
    assert "Hurricane Sandy" in session.note
    assert et("2012-10-29 00:00") == session.phase_began
    assert et("2012-10-31 00:00") == session.next_boundary
    assert et("2012-10-31 09:30") == session.next_open


@pytest.mark.parametrize(
    ("now", "next_open"),
    [
        pytest.param("2026-11-20 09:29:59.999999", "2026-11-20 09:30", id="just before the open"),
        pytest.param("2026-11-20 09:30", "2026-11-23 09:30", id="at the open"),
        pytest.param("2026-11-25 20:00", "2026-11-27 09:30", id="over Thanksgiving"),
        pytest.param("2060-12-31 09:00", "2060-12-31 09:30", id="the last one"),
    ],
)
def test_the_next_open_lies_strictly_ahead(now, next_open):
    """The next open is the first after this instant."""
    assert et(next_open) == CALENDAR.session_at(et(now)).next_open


def test_after_the_last_open_there_is_no_next():
    """Past the last open that the calendar covers, the next one is not known."""
    session = CALENDAR.session_at(et("2060-12-31 12:00"))

    assert Phase.OPEN is session.phase
    assert session.next_open is None
    assert 0 == session.horizon_days


@pytest.mark.parametrize(
    ("on", "opens", "closes"),
    [
        pytest.param("2026-03-06", "14:30", "21:00", id="the Friday before the clocks go forward"),
        pytest.param("2026-03-09", "13:30", "20:00", id="the Monday after"),
        pytest.param("2026-10-30", "13:30", "20:00", id="the Friday before the clocks go back"),
        pytest.param("2026-11-02", "14:30", "21:00", id="the Monday after that"),
    ],
)
def test_the_market_keeps_new_yorks_hours(on, opens, closes):
    """The open moves in UTC when New York's clocks are changed."""
    day = CALENDAR.trading_day(date.fromisoformat(on))

    assert day is not None
    assert (utc(f"{on} {opens}"), utc(f"{on} {closes}")) == (day.open, day.close)


@pytest.mark.parametrize(
    ("sunday", "hours"),
    [pytest.param("2026-03-08", 47, id="forward"), pytest.param("2026-11-01", 49, id="back")],
)
def test_a_weekend_is_an_hour_shorter_or_longer_when_the_clocks_change(sunday, hours):
    """The weekend's phase lasts as long as New York's weekend really does."""
    session = CALENDAR.session_at(et(f"{sunday} 12:00"))

    assert session.next_boundary is not None
    assert session.phase_began is not None
    assert timedelta(hours=hours) == session.next_boundary - session.phase_began


def test_both_readings_of_a_doubled_hour_are_the_same_weekend():
    """On the Sunday on which 01:30 comes twice, both are told apart and both are closed."""
    first = et("2026-11-01 01:30")
    second = first.replace(fold=1)

    sessions = [CALENDAR.session_at(instant) for instant in (first, second)]

    assert [utc("2026-11-01 05:30"), utc("2026-11-01 06:30")] == [each.at for each in sessions]
    assert {Phase.CLOSED_WEEKEND} == {each.phase for each in sessions}


def test_the_next_sessions_begin_with_one_that_has_not_closed():
    """A session under way is the first; at its close it no longer is."""
    close = et("2026-11-27 13:00")

    under_way = CALENDAR.sessions_from(close - MICROSECOND, 2)
    after = CALENDAR.sessions_from(close, 2)

    assert [date(2026, 11, 27), date(2026, 11, 30)] == [day.session_date for day in under_way]
    assert [date(2026, 11, 30), date(2026, 12, 1)] == [day.session_date for day in after]


def test_sessions_run_out_with_the_calendar():
    """Fewer sessions come back when the calendar ends, and none past it."""
    assert 2 == len(CALENDAR.sessions_from(et("2060-12-30 08:00"), 10))
    assert () == CALENDAR.sessions_from(et("2061-01-03 08:00"), 10)


def test_holidays_are_listed_by_dates_in_new_york():
    """Both ends count as dates in New York, whatever the time of day."""
    holidays = CALENDAR.holidays_between(et("2026-11-26 23:59"), et("2026-12-25 00:00"))

    assert ["Thanksgiving Day", "Christmas Day"] == [holiday.name for holiday in holidays]
    assert ["NYSE Rule 7.2"] * 2 == [holiday.source for holiday in holidays]


def test_holidays_past_the_calendar_are_not_listed():
    """Nothing is said of years that the rules do not cover."""
    known = CALENDAR.holidays_between(et("2060-12-01 00:00"), et("2070-01-01 00:00"))

    assert [date(2060, 12, 24)] == [holiday.on for holiday in known]
    assert () == CALENDAR.holidays_between(et("2061-01-01 00:00"), et("2070-01-01 00:00"))


def test_a_published_closing_removes_its_session():
    """
    A closure makes its day a holiday that names the source, and the calendar steps over it (R5.2).
    """
    calendar = MarketCalendar((closed(date(2026, 12, 1)),))

    session = calendar.session_at(et("2026-12-01 12:00"))

    assert Phase.CLOSED_HOLIDAY is session.phase
    assert "Unscheduled closing (NYSE notice)" == session.note
    assert et("2026-12-02 09:30") == session.next_open
    assert calendar.trading_day(date(2026, 12, 1)) is None
    assert Phase.OPEN is CALENDAR.session_at(et("2026-12-01 12:00")).phase


def test_a_published_early_close_shortens_its_session():
    """A shortened session is over at its published close."""
    calendar = MarketCalendar((shortened(date(2026, 12, 1), time(11, 15)),))

    session = calendar.session_at(et("2026-12-01 11:15"))

    assert Phase.POST_MARKET is session.phase
    assert et("2026-12-01 11:15") == session.close
    assert session.early_close
    assert "NYSE notice" == session.note


def test_a_closing_that_the_rules_know_changes_nothing():
    """A holiday keeps its name when it is entered again."""
    calendar = MarketCalendar((closed(date(2026, 12, 25)),))
    noon = et("2026-12-25 12:00")

    assert CALENDAR.session_at(noon) == calendar.session_at(noon)


def test_the_calendar_lists_its_closures_by_date():
    """Whatever order they were entered in, closures are in the order of their dates."""
    early, late = closed(date(2026, 12, 1)), closed(date(2027, 12, 1))

    assert (early, late) == MarketCalendar((late, early)).closures


@pytest.mark.parametrize(
    "on",
    [
        pytest.param(date(2026, 11, 26), id="holiday"),
        pytest.param(date(2026, 11, 28), id="weekend"),
        pytest.param(date(2009, 12, 31), id="before the calendar"),
        pytest.param(date(2061, 1, 3), id="past the calendar"),
    ],
)
def test_a_day_without_a_session_has_no_trading_day(on):
    """Only a covered session has an open and a close."""
    assert CALENDAR.trading_day(on) is None


@pytest.mark.parametrize(
    ("now", "said"),
    [
        pytest.param(utc("2010-01-01 04:59:59.999999"), "covers 2010-01-01", id="too early"),
        pytest.param(utc("2061-01-01 05:00"), "to 2060-12-31 only", id="too late"),
        pytest.param(datetime(2026, 11, 20, 12), "without its zone", id="naive"),  # noqa: DTZ001  (it is the case)
        pytest.param(datetime.min.replace(tzinfo=UTC), "OverflowError", id="the first instant"),
        pytest.param(datetime.max.replace(tzinfo=UTC), "covers", id="the last instant"),
        pytest.param("2026-11-20", "AttributeError", id="no instant at all"),
    ],
)
def test_what_cannot_be_told_is_unknown(now, said):
    """
    An instant that the calendar cannot place is UNKNOWN and says why; nothing is raised (R5.3).
    """
    session = CALENDAR.session_at(now)

    assert Phase.UNKNOWN is session.phase
    assert said in session.note
    assert session.phase.gates
    assert (None, None, 0) == (session.next_boundary, session.next_open, session.horizon_days)
    assert () == CALENDAR.sessions_from(now, 10)
    assert () == CALENDAR.holidays_between(now, now)


def test_without_time_zone_data_every_phase_is_unknown(monkeypatch):
    """A machine without time-zone data gets UNKNOWN, and the calendar recovers with the data."""
    calendar, noon = MarketCalendar(), utc("2026-11-20 17:00")
    with monkeypatch.context() as machine:
        for module in [name for name in sys.modules if name.partition(".")[0] == "tzdata"]:
            machine.setitem(sys.modules, module, None)
        machine.setitem(sys.modules, "tzdata", None)
        zoneinfo.reset_tzpath(to=())
        ZoneInfo.clear_cache()
        session = calendar.session_at(noon)
    zoneinfo.reset_tzpath()

    assert Phase.UNKNOWN is session.phase
    assert "ZoneInfoNotFoundError" in session.note
    assert Phase.OPEN is calendar.session_at(noon).phase


def test_asking_again_costs_next_to_nothing():
    """Twenty thousand questions about a known date take well under a second of work."""
    noon = utc("2026-11-20 17:00")
    CALENDAR.session_at(noon)

    began = process.process_time()
    for _ in range(20_000):
        CALENDAR.session_at(noon)

    assert process.process_time() - began < 0.8
