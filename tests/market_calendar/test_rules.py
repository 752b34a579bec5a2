"""Market calendar: the rules for holidays and early closes, day by day."""

from datetime import date, time

import pytest

from mission_control.market_calendar.rules import (
    UNSCHEDULED,
    Hours,
    easter_sunday,
    holiday_on,
    is_weekend,
    rule_on,
)
from mission_control.model.session import Holiday


@pytest.mark.parametrize(
    "easter",
    [
        pytest.param(date(1761, 3, 22), id="the earliest there is"),
        pytest.param(date(1818, 3, 22), id="and again"),
        pytest.param(date(1943, 4, 25), id="the latest there is"),
        pytest.param(date(1954, 4, 18), id="golden number 17, corrected"),
        pytest.param(date(1981, 4, 19), id="the 26th of April is never Easter"),
        pytest.param(date(2000, 4, 23), id="a leap century"),
        pytest.param(date(2026, 4, 5), id="this year"),
        pytest.param(date(2038, 4, 25), id="the latest of the covered years"),
        pytest.param(date(2100, 3, 28), id="a century that is no leap year"),
    ],
)
def test_easter_is_known(easter):
    """Easter falls on the Sunday that the Church's tables give."""
    assert easter == easter_sunday(easter.year)


@pytest.mark.parametrize(
    ("on", "name"),
    [
        pytest.param(date(2012, 10, 29), "Hurricane Sandy", id="Sandy, Monday"),
        pytest.param(date(2012, 10, 30), "Hurricane Sandy", id="Sandy, Tuesday"),
        pytest.param(
            date(2018, 12, 5),
            "National Day of Mourning for President George H. W. Bush",
            id="mourning 2018",
        ),
        pytest.param(
            date(2025, 1, 9),
            "National Day of Mourning for President Jimmy Carter",
            id="mourning 2025",
        ),
        pytest.param(date(2026, 1, 1), "New Year's Day", id="New Year"),
        pytest.param(date(2023, 1, 2), "New Year's Day", id="a Sunday's New Year, on Monday"),
        pytest.param(date(2026, 1, 19), "Martin Luther King, Jr. Day", id="third Monday"),
        pytest.param(date(2026, 2, 16), "Presidents' Day", id="Presidents"),
        pytest.param(date(2026, 4, 3), "Good Friday", id="Good Friday"),
        pytest.param(date(2026, 5, 25), "Memorial Day", id="last Monday of May, the 25th"),
        pytest.param(date(2027, 5, 31), "Memorial Day", id="last Monday of May, the 31st"),
        pytest.param(
            date(2022, 6, 20), "Juneteenth National Independence Day", id="the first Juneteenth"
        ),
        pytest.param(
            date(2027, 6, 18), "Juneteenth National Independence Day", id="a Saturday's Juneteenth"
        ),
        pytest.param(date(2026, 7, 3), "Independence Day", id="a Saturday's July 4th"),
        pytest.param(date(2027, 7, 5), "Independence Day", id="a Sunday's July 4th"),
        pytest.param(date(2026, 9, 7), "Labor Day", id="first Monday of September"),
        pytest.param(date(2026, 11, 26), "Thanksgiving Day", id="fourth Thursday of November"),
        pytest.param(date(2026, 12, 25), "Christmas Day", id="Christmas"),
        pytest.param(date(2027, 12, 24), "Christmas Day", id="a Saturday's Christmas"),
        pytest.param(date(2022, 12, 26), "Christmas Day", id="a Sunday's Christmas"),
    ],
)
def test_a_holiday_has_its_name(on, name):
    """The exchange is shut on its holidays, as observed, and we can say for which."""
    rule = rule_on(on)

    assert isinstance(rule, Holiday)
    assert (on, name) == (rule.on, rule.name)
    assert rule.source


@pytest.mark.parametrize(
    ("on", "closes"),
    [
        pytest.param(date(2024, 11, 29), time(13), id="day after Thanksgiving 2024"),
        pytest.param(date(2026, 11, 27), time(13), id="day after Thanksgiving 2026"),
        pytest.param(date(2026, 12, 24), time(13), id="a Thursday's Christmas Eve"),
        pytest.param(date(2025, 7, 3), time(13), id="a Thursday's July 3rd"),
        pytest.param(date(2028, 7, 3), time(13), id="a Monday's July 3rd"),
        pytest.param(date(2013, 7, 3), time(13), id="a Wednesday's July 3rd"),
        pytest.param(date(2026, 7, 2), time(16), id="the day before an observed July 4th"),
        pytest.param(date(2013, 7, 5), time(16), id="the Friday after a Thursday's July 4th"),
        pytest.param(date(2027, 12, 23), time(16), id="the day before an observed Christmas"),
        pytest.param(date(2021, 12, 31), time(16), id="the Friday before a Saturday's New Year"),
        pytest.param(date(2027, 12, 31), time(16), id="and the next one"),
        pytest.param(date(2021, 6, 18), time(16), id="no Juneteenth before 2022"),
        pytest.param(date(2026, 12, 26 + 2), time(16), id="the Monday after Christmas"),
    ],
)
def test_a_session_closes_at_its_hour(on, closes):
    """A session runs from 09:30 to 16:00, and to 13:00 where the exchange closes early."""
    rule = rule_on(on)

    assert isinstance(rule, Hours)
    assert (time(9, 30), closes) == (rule.opens, rule.closes)
    assert (closes == time(13)) is rule.early_close


def test_unscheduled_closings_say_where_they_were_announced():
    """Each unscheduled closing is on a weekday that no rule shuts, and names its source."""
    for closing in UNSCHEDULED:
        assert not is_weekend(closing.on)
        assert closing is holiday_on(closing.on)
        assert str(closing.on.year)[:3] in closing.source
