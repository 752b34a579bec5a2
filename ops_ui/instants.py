"""As people in New York read them, and in UTC. What is no instant is empty."""

from datetime import datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def new_york(value: object) -> str:
    """Write a UTC instant for people: date, time and zone in New York; empty when it is none."""
    instant = _instant(value)
    return "" if instant is None else instant.astimezone(NEW_YORK).strftime("%a %d %b %H:%M:%S %Z")


def clock_time(value: object) -> str:
    """Write a UTC instant as the clock shows it in New York, with ET; empty when it is none."""
    instant = _instant(value)
    return "" if instant is None else instant.astimezone(NEW_YORK).strftime("%H:%M:%S ET")


def clock_short(value: object, beside: object = None) -> str:
    """
    Write a UTC instant as New York's clock shows it to the minute, with the zone's name.

    The weekday stands before it where `beside` is of another day. Empty for what is no instant.
    """
    instant, other = _instant(value), _instant(beside)
    if instant is None:
        return ""
    there = instant.astimezone(NEW_YORK)
    same = other is None or other.astimezone(NEW_YORK).date() == there.date()
    return there.strftime("%H:%M %Z" if same else "%a %H:%M %Z")


def utc(value: object) -> str:
    """Write an instant in UTC, for beside the New York time."""
    instant = _instant(value)
    return "" if instant is None else instant.strftime("%H:%M:%S UTC")


def _instant(value: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant
