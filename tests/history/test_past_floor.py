"""Jobs: from when on history is kept, in trading days of the real calendar."""

from datetime import UTC, datetime

from mission_control.history.past_floor import kept_since
from mission_control.market_calendar.calendar import MarketCalendar


def test_history_is_kept_for_trading_days_not_for_days():
    """Thirty sessions back, over Thanksgiving and Christmas, to the open of that day (R12.10)."""
    now = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)

    # 22 sessions in December 2026, so the thirtieth back is the eighth last of November's.
    assert datetime(2026, 11, 18, 14, 30, tzinfo=UTC) == kept_since(now, MarketCalendar(), 30)


def test_more_days_are_kept_longer():
    """Ten times as many sessions reach back more than a year."""
    now = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)
    since = kept_since(now, MarketCalendar(), 300)

    assert since is not None
    assert 2025 == since.year
