"""The market session, which says whether the floor is meant to be working now."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Phase(StrEnum):
    """Where in the market's day an instant lies (docs/semantics.md#5)."""

    PRE_MARKET = "PRE_MARKET"
    OPEN = "OPEN"
    POST_MARKET = "POST_MARKET"
    CLOSED_WEEKEND = "CLOSED_WEEKEND"
    CLOSED_HOLIDAY = "CLOSED_HOLIDAY"
    UNKNOWN = "UNKNOWN"

    @property
    def gates(self) -> bool:
        """Return whether evidence is required: in OPEN, and in UNKNOWN, which gates as OPEN."""
        return self in {Phase.OPEN, Phase.UNKNOWN}

    @property
    def closed(self) -> bool:
        """Return whether our calendar says closed; UNKNOWN says nothing."""
        return not self.gates


@dataclass(frozen=True, slots=True)
class CalendarDoubt:
    """Since when the calendar is in doubt, because its closures could not be read again."""

    since: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One session: date in New York, opening and closing instants in UTC."""

    session_date: date
    open: datetime
    close: datetime
    early_close: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A weekday without a session, and why."""

    on: date
    name: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class MarketSession:
    """
    The session at one instant.

    `session_date`, `open` and `close` belong to today's session in New York and are None on a
    day without one. `phase_began` is when the present phase began and `next_boundary` when the
    next one begins (UTC). `horizon_days` counts the days that the calendar still covers.
    `note` names the holiday, the early close, or why the phase is UNKNOWN.
    """

    at: datetime
    phase: Phase
    session_date: date | None = None
    open: datetime | None = None
    close: datetime | None = None
    early_close: bool = False
    phase_began: datetime | None = None
    next_boundary: datetime | None = None
    next_phase: Phase | None = None
    next_open: datetime | None = None
    horizon_days: int = 0
    note: str = ""
