"""The exchange's hours, and the days that these rules cover."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache

from mission_control.model.session import Holiday


def easter_sunday(year: int) -> date:
    """
    Return the date of Easter in the Gregorian calendar.

    This is the anonymous algorithm printed in Nature, 20 April 1876, as Jean Meeus gives it in
    "Astronomical Algorithms" (2nd edition, chapter 8); it needs no table and knows no exception.
    The one-letter names of the book are spelled out; `full_moon` and `correction` are its h and m.
    """
    golden = year % 19
    century, year_of_century = divmod(year, 100)
    century_leaps, century_rest = divmod(century, 4)
    shift = (century + 8) // 25
    lunar_shift = (century - shift + 1) // 3
    full_moon = (19 * golden + century - century_leaps - lunar_shift + 15) % 30
    leaps, rest = divmod(year_of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - full_moon - rest) % 7
    correction = (golden + 11 * full_moon + 22 * weekday) // 451
    month, day = divmod(full_moon + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


RULE = "NYSE Rule 7.2"
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
FIRST_JUNETEENTH = 2022
"""The first year in which the exchange kept Juneteenth (SR-NYSE-2021-56)."""

UNSCHEDULED = (
    Holiday(date(2012, 10, 29), "Hurricane Sandy", "NYSE Euronext notice, 2012-10-28"),
    Holiday(date(2012, 10, 30), "Hurricane Sandy", "NYSE Euronext notice, 2012-10-29"),
    Holiday(
        date(2018, 12, 5),
        "National Day of Mourning for President George H. W. Bush",
        "NYSE notice, 2018-12-01",
    ),
    Holiday(
        date(2025, 1, 9),
        "National Day of Mourning for President Jimmy Carter",
        "NYSE notice, 2024-12-30",
    ),
)
"""
Closings that no rule foretells, since 2010.

There were no unscheduled early closes in that time. What is announced after this release belongs
in the closures file.
"""


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """Return the nth such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def thanksgiving(year: int) -> date:
    """Return Thanksgiving Day, the fourth Thursday of November."""
    return nth_weekday(year, 11, THURSDAY, 4)


def holiday_on(on: date) -> Holiday | None:
    """Name the holiday that keeps the exchange shut on a weekday; None when there is none."""
    return _holidays_in(on.year).get(on)


@lru_cache(maxsize=64)
def _holidays_in(year: int) -> dict[date, Holiday]:
    ruled = (Holiday(on, name, RULE) for on, name in _ruled(year))
    unscheduled = (holiday for holiday in UNSCHEDULED if holiday.on.year == year)
    return {holiday.on: holiday for holiday in (*ruled, *unscheduled)}


def _ruled(year: int) -> list[tuple[date, str]]:
    days = [
        (nth_weekday(year, 1, MONDAY, 3), "Martin Luther King, Jr. Day"),
        (nth_weekday(year, 2, MONDAY, 3), "Presidents' Day"),
        (easter_sunday(year) - timedelta(days=2), "Good Friday"),
        (nth_weekday(year, 6, MONDAY, 1) - timedelta(days=7), "Memorial Day"),
        (_observed(date(year, 7, 4)), "Independence Day"),
        (nth_weekday(year, 9, MONDAY, 1), "Labor Day"),
        (thanksgiving(year), "Thanksgiving Day"),
        (_observed(date(year, 12, 25)), "Christmas Day"),
    ]
    new_year = date(year, 1, 1)
    if new_year.weekday() != SATURDAY:
        # The Friday before a Saturday's New Year ends an accounting year: the rule's exception.
        days.append((_observed(new_year), "New Year's Day"))
    if year >= FIRST_JUNETEENTH:
        days.append((_observed(date(year, 6, 19)), "Juneteenth National Independence Day"))
    return days


def _observed(on: date) -> date:
    match on.weekday():
        case 5:
            return on - timedelta(days=1)
        case 6:
            return on + timedelta(days=1)
        case _:
            return on


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
    """Return whether the rules say anything about a date."""
    return FIRST_COVERED <= on <= VALID_THROUGH


def is_weekend(on: date) -> bool:
    """Return whether a date is a Saturday or a Sunday."""
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
