"""Instants as programs read them (UTC) and as people do (New York, with its zone)."""

from datetime import UTC, datetime

from mission_control.market_calendar.days import in_new_york


def utc_text(instant: datetime) -> str:
    """Write an instant as UTC ISO-8601 with milliseconds: `2026-11-18T15:15:03.250Z`."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def utc_text_or_none(instant: datetime | None) -> str | None:
    """Write an instant as `utc_text` does; None stays None."""
    return None if instant is None else utc_text(instant)


def whole_seconds_text(instant: datetime) -> str:
    """Write an instant as the fleet's contract does, in whole seconds: `2026-11-18T15:15:03Z`."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def new_york_text(instant: datetime) -> str:
    """Write an instant for people: `2026-11-18 10:15:03 EST`."""
    return f"{in_new_york(instant):%Y-%m-%d %H:%M:%S %Z}"


def new_york_text_or_none(instant: datetime | None) -> str | None:
    """Write an instant as `new_york_text` does; None stays None."""
    return None if instant is None else new_york_text(instant)


def rounded(seconds: float | None) -> float | None:
    """Return seconds to the millisecond; None stays None."""
    return None if seconds is None else round(seconds, 3)


def seconds_since(earlier: datetime | None, now: datetime) -> float | None:
    """Return how many seconds ago something was, to the millisecond; None where it never was."""
    return None if earlier is None else rounded((now - earlier).total_seconds())
