"""Market calendar: New York's time, in which the market keeps its hours."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

MIDNIGHT = time(0)


def new_york() -> ZoneInfo:
    """
    Give New York's time zone.

    Looked up when asked for, never at import: without time-zone data the calendar must still
    load, to say that it knows nothing. `ZoneInfo` keeps what it has found.
    """
    return ZoneInfo("America/New_York")


def in_new_york(instant: datetime) -> datetime:
    """Show an instant as New York's clocks do; a naive datetime is no instant (ValueError)."""
    if instant.utcoffset() is None:
        raise ValueError("a time without its zone is no instant")
    return instant.astimezone(new_york())


def instant_of(on: date, wall_time: time) -> datetime:
    """Give the instant, in UTC, at which New York's clocks show this date and time."""
    return datetime.combine(on, wall_time, tzinfo=new_york()).astimezone(UTC)
