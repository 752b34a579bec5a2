"""Market calendar: the exchange's hours, and the days that these rules cover."""

from dataclasses import dataclass
from datetime import date, time, timedelta

from mission_control.market_calendar.holidays import (
    SATURDAY,
    THURSDAY,
    holiday_on,
    thanksgiving,
)
from mission_control.model.session import Holiday

FIRST_COVERED = date(2010, 1, 1)
VALID_THROUGH = date(2060, 12, 31)

OPENS = time(9, 30)
CLOSES = time(16)
CLOSES_EARLY = time(13)


@dataclass(frozen=True, slots=True)
class Hours:
    """When the exchange opens and closes on one date, by New York's clocks, and why so."""

    opens: time
    closes: time
    early_close: bool
    source: str


REGULAR = Hours(OPENS, CLOSES, early_close=False, source="NYSE hours")


def covers(on: date) -> bool:
    """Tell whether the rules say anything about a date."""
    return FIRST_COVERED <= on <= VALID_THROUGH


def is_weekend(on: date) -> bool:
    """Tell whether a date is a Saturday or a Sunday."""
    return on.weekday() >= SATURDAY


def rule_on(on: date) -> Hours | Holiday:
    """Say what the rules make of a covered weekday: the exchange's hours, or a holiday."""
    holiday = holiday_on(on)
    if holiday is not None:
        return holiday
    reason = _early_close(on)
    if not reason:
        return REGULAR
    return Hours(OPENS, CLOSES_EARLY, early_close=True, source=f"NYSE early close: {reason}")


def _early_close(on: date) -> str:
    """
    Say why a session closes at 13:00; empty when it does not.

    The eves of Independence Day and of Christmas close early only from Monday to Thursday: a
    Friday's eve is itself the observed holiday, and the exchange does not move the early close
    to another day. Before 2013 a Wednesday's eve stayed whole; no such year is covered.
    """
    if on == thanksgiving(on.year) + timedelta(days=1):
        return "day after Thanksgiving"
    if on.weekday() > THURSDAY:
        return ""
    match on.month, on.day:
        case 7, 3:
            return "eve of Independence Day"
        case 12, 24:
            return "Christmas Eve"
        case _:
            return ""
