"""Market calendar: New York's time, in which the market keeps its hours."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MIDNIGHT = time(0)
KNOWN_YEARS = range(1970, 3000)
"""Beyond these no question has an answer, and reckoning would leave what a datetime can hold."""
LONGEST_INSTANT = 64
"""Characters."""


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


def read_instant(text: str) -> datetime:
    """
    Read an ISO 8601 time and give it in UTC; one that names no zone is New York's.

    Where New York's clocks show an hour twice, or skip one, the offset from before the change
    holds: 01:30 is then the first of the two (daylight time), and 02:30 in spring is 03:30.
    Raises ValueError for anything else, and for years that are not 1970 to 2999.
    """
    if not (text.isascii() and text.isprintable()) or len(text) > LONGEST_INSTANT:
        raise ValueError("this is no ISO 8601 time")
    told = datetime.fromisoformat(text)
    try:
        zoned = told if told.utcoffset() is not None else told.replace(tzinfo=new_york())
        instant = zoned.astimezone(UTC)
    except (OverflowError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"this time cannot be placed: {type(error).__name__}") from error
    if instant.year not in KNOWN_YEARS:
        raise ValueError("its year is not 1970 to 2999")
    return instant
