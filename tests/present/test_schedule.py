"""Present: the schedule, where there is nothing to list."""

from datetime import UTC, datetime

from mission_control.present.schedule import schedule_as_dict, schedule_lines

NOW = datetime(2060, 12, 31, 23, tzinfo=UTC)


def test_a_schedule_without_sessions_is_empty():
    """Past the last session the schedule has the time, and no rows."""
    told = schedule_as_dict([], [], NOW)

    assert ([], []) == (told["sessions"], told["holidays"])
    assert 3 == len(schedule_lines([], [], NOW))
