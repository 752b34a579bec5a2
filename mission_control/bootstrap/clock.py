"""The real clock, which nobody else looks at."""

from datetime import UTC, datetime


def real_clock() -> datetime:
    """Say what time it really is, in UTC."""
    return datetime.now(UTC)
