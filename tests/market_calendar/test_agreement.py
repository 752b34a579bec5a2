"""Market calendar: agreement with an independent calendar over every covered day."""

from datetime import UTC, datetime

import exchange_calendars
import pytest

from mission_control.market_calendar.calendar import MarketCalendar

pytestmark = pytest.mark.filterwarnings(
    "ignore:Series.values returning an ndarray"  # pandas to exchange_calendars, not to us
)


@pytest.fixture(scope="module")
def theirs():
    """Build the New York Stock Exchange's calendar of `exchange_calendars`."""
    return exchange_calendars.get_calendar("XNYS", start="2010-01-01", end="2060-12-31")


@pytest.fixture(scope="module")
def ours():
    """List every session that our calendar covers."""
    start = datetime(2010, 1, 1, 12, tzinfo=UTC)
    return MarketCalendar().sessions_from(start, 1_000_000)


def test_every_session_opens_and_closes_as_theirs_does(ours, theirs):
    """Over 51 years both calendars know the same sessions, to the second."""
    expected = [
        (day.date(), opens.to_pydatetime(), closes.to_pydatetime())
        for day, opens, closes in zip(theirs.sessions, theirs.opens, theirs.closes, strict=True)
    ]

    assert 12_811 == len(expected)
    assert expected == [(day.session_date, day.open, day.close) for day in ours]


def test_the_same_sessions_close_early(ours, theirs):
    """Over 51 years both calendars know the same early closes (R5.1)."""
    expected = [day.date() for day in theirs.early_closes]

    assert 109 == len(expected)
    assert expected == [day.session_date for day in ours if day.early_close]
