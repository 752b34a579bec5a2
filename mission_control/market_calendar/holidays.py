"""Market calendar: the days on which the New York Stock Exchange does not open."""

from datetime import date, timedelta
from functools import lru_cache

from mission_control.market_calendar.easter import easter_sunday
from mission_control.model.session import Holiday

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
    """Give the nth such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def thanksgiving(year: int) -> date:
    """Give Thanksgiving Day, the fourth Thursday of November."""
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
