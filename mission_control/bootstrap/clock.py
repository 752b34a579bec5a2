"""The real clock, read here alone."""

from datetime import UTC, datetime


def real_clock() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)
