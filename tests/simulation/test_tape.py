"""When the market quotes, and which tick marketdata has had."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import new_york
from mission_control.simulation.moment import last_quote, last_tick
from mission_control.simulation.scenario import Feed, Ticks

NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
QUOTE = NOW - timedelta(seconds=1)


def new_york_time(text: str) -> datetime:
    """Read an instant as New York's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=new_york()).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "quote"),
    [
        pytest.param("2026-11-18T10:15:00", "2026-11-18T10:14:59", id="in the session"),
        pytest.param("2026-11-18T08:30:00", "2026-11-18T08:29:59", id="before the open"),
        pytest.param("2026-11-18T03:59:59", "2026-11-17T16:00:00", id="before quotes begin"),
        pytest.param("2026-11-18T16:00:00", "2026-11-18T16:00:00", id="at the close"),
        pytest.param("2026-11-18T23:00:00", "2026-11-18T16:00:00", id="at night"),
        pytest.param("2026-11-22T12:00:00", "2026-11-20T16:00:00", id="on Sunday"),
        pytest.param("2026-11-26T11:00:00", "2026-11-25T16:00:00", id="on Thanksgiving"),
        pytest.param("2026-11-27T12:59:59", "2026-11-27T12:59:58", id="before an early close"),
        pytest.param("2026-11-27T13:30:00", "2026-11-27T13:00:00", id="after an early close"),
        pytest.param("2026-11-30T02:00:00", "2026-11-27T13:00:00", id="Monday after it"),
    ],
)
def test_quotes_keep_the_real_calendar(now, quote):
    """Quotes stop when the market really closes, whatever the fleet believes."""
    last = last_quote(MarketCalendar().session_at, new_york_time(now))

    assert new_york_time(quote) == last


def test_a_calendar_that_cannot_tell_stops_no_quotes():
    """Past the last covered day quotes go on, so that the floor is not hurt by the calendar."""
    later = datetime(2200, 1, 1, tzinfo=UTC)

    assert later - timedelta(seconds=1) == last_quote(MarketCalendar().session_at, later)


@pytest.mark.parametrize(
    ("feed", "minutes_on", "tick_age"),
    [
        pytest.param(Feed(), 0, 1, id="flowing"),
        pytest.param(Feed(Ticks.STOPPED, 300), 0, 300, id="stopped when staged"),
        pytest.param(Feed(Ticks.STOPPED, 300), 2, 420, id="stopped ticks grow older"),
        pytest.param(Feed(Ticks.STOPPED, 300), -60, 300, id="stopped, clock set back"),
        pytest.param(Feed(Ticks.AHEAD, 90), 2, -90, id="ahead stays ahead"),
        pytest.param(Feed(Ticks.NEVER), 2, None, id="never"),
    ],
)
def test_the_feed_delivers_what_the_scenario_wants(feed, minutes_on, tick_age):
    """The last tick is as old as the scenario's feed makes it, some minutes after staging."""
    now = NOW + timedelta(minutes=minutes_on)
    tick = last_tick(feed, now - timedelta(seconds=1), now, staged_at=NOW)

    assert tick_age == (None if tick is None else (now - tick).total_seconds())


def test_a_stopped_feed_is_never_newer_than_the_market():
    """A feed that stops after the market closed has the market's last quote."""
    close = NOW - timedelta(hours=3)

    assert close == last_tick(Feed(Ticks.STOPPED, 300), close, NOW, NOW)
