"""Present: the schedule as JSON holds it and as people read it."""

from datetime import UTC, datetime

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.schedule.present.sessions import schedule_as_dict, schedule_lines

CALENDAR = MarketCalendar()
TABLE = """
date            zone pre-market    open          close         post-market ends
Wed 2026-11-25  EST  00:00 05:00Z  09:30 14:30Z  16:00 21:00Z  24:00 05:00Z+1
Thu 2026-11-26  no session: Thanksgiving Day (NYSE Rule 7.2)
Fri 2026-11-27  EST  00:00 05:00Z  09:30 14:30Z  13:00 18:00Z  24:00 05:00Z+1
                ^ early close (NYSE early close: day after Thanksgiving)
"""


def lines_at(now, count):
    """Write the lines for the next sessions from an instant."""
    sessions = CALENDAR.sessions_from(now, count)
    return schedule_lines(sessions, CALENDAR.holidays_between(now, sessions[-1].close), now)


def test_people_read_a_table_in_the_order_of_dates():
    """Holidays stand among the sessions, and an early close is marked below its own."""
    head, _, *table = lines_at(datetime(2026, 11, 25, 12, tzinfo=UTC), 2)

    assert head.startswith("Now Wed 2026-11-25 07:00:00 EST (12:00:00Z).")
    assert TABLE.splitlines() == table
    assert all(len(line) < 80 for line in lines_at(datetime(2026, 11, 25, 12, tzinfo=UTC), 9))


@pytest.mark.parametrize(
    ("now", "marks"),
    [
        pytest.param(datetime(2026, 3, 6, 20, tzinfo=UTC), ["EST to EDT"], id="from the Friday"),
        pytest.param(datetime(2026, 3, 9, 14, tzinfo=UTC), ["EST to EDT"], id="on the Monday"),
        pytest.param(datetime(2026, 11, 1, 12, tzinfo=UTC), ["EDT to EST"], id="on the Sunday"),
        pytest.param(datetime(2026, 3, 10, 14, tzinfo=UTC), [], id="no longer on the Tuesday"),
    ],
)
def test_a_change_of_the_clocks_is_marked_once(now, marks):
    """The first session after the clocks were changed says so, and no other."""
    marked = [line.partition("from ")[2] for line in lines_at(now, 4) if "clocks changed" in line]

    assert marks == marked


def test_a_schedule_without_sessions_is_empty():
    """Past the last session the schedule has the time, and no rows."""
    now = datetime(2060, 12, 31, 23, tzinfo=UTC)

    told = schedule_as_dict([], [], now)

    assert ([], []) == (told["sessions"], told["holidays"])
    assert 4 == len(schedule_lines([], [], now))
