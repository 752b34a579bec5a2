"""A clock that can be set, shared by the floor and by Mission Control."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimulatedClock:
    """
    Starts at a given instant, ticks at real speed, and can be set to another.

    Safe to read and set from any thread: its start is one value, replaced as a whole.
    """

    def __init__(self, at: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start at an instant; `monotonic` counts the seconds that have passed since."""
        self._monotonic = monotonic
        self._counts_from = self._anchored(at)

    def __call__(self) -> datetime:
        """Return the time, in UTC."""
        at, reading = self._counts_from
        return at + timedelta(seconds=self._monotonic() - reading)

    def set(self, at: datetime) -> None:
        """Jump to another instant, and tick on from there."""
        self._counts_from = self._anchored(at)

    def _anchored(self, at: datetime) -> tuple[datetime, float]:
        if at.utcoffset() is None:
            raise ValueError("an instant needs its UTC offset")
        return at.astimezone(UTC), self._monotonic()
