"""Alarms that a human ended in the fleet file: read as written, or refused with the place."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.configuration.fleet_file import MAX_ENDED, load_fleet
from mission_control.errors import ConfigurationError, ConfigurationErrors
from mission_control.model.fleet import EndedAlarm
from tests.configuration.conftest import SMALLEST_FLEET

GOOD = {
    "code": "MARKETDATA_STALE",
    "subject": "marketdata",
    "source": "marketdata /healthz",
    "since": "2026-11-18T15:15:00.250Z",
    "who": "A. Operator",
    "why": "rolled back to plain liveness, change 4711",
}
AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)


def entry(**changes):
    """Write the smallest fleet file with one ended alarm, a key changed, or left out as None."""
    lines = [f"    {k}: {v}" for k, v in (GOOD | changes).items() if v is not None]
    body = "\n".join(lines).replace("    ", "  - ", 1)
    return f"{SMALLEST_FLEET}ended_alarms:\n{body}\n"


def load(path):
    """Load a fleet file."""
    return load_fleet(path, default_interval=10, default_deadline=3)


def problems_of(path):
    """Load a file that is refused, and return its problems."""
    with pytest.raises((ConfigurationError, ConfigurationErrors)) as raised:
        load(path)
    return raised.value.problems


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-11-18T15:15:00.250Z", AT + timedelta(milliseconds=250)),
        ("'2026-11-18T15:15:00Z'", AT),
        ("2026-11-18 10:15:00-05:00", AT),
    ],
)
def test_an_ended_alarm_is_read_as_written(write, since, expected):
    """Which alarm, raised when, by which person and why; a fleet file need name none."""
    fleet = load(write(entry(since=since)))
    wanted = EndedAlarm(
        "MARKETDATA_STALE",
        "marketdata",
        "marketdata /healthz",
        expected,
        "A. Operator",
        "rolled back to plain liveness, change 4711",
    )

    assert (wanted,) == fleet.ended_alarms
    assert () == load(write(SMALLEST_FLEET)).ended_alarms
    assert () == load(write(SMALLEST_FLEET + "ended_alarms: []\n")).ended_alarms


@pytest.mark.parametrize("key", GOOD)
def test_every_key_is_needed(write, key):
    """One that is left out is named with its line and what to add."""
    path = write(entry(**{key: None}))
    (problem,) = problems_of(path)

    assert (f"{path}:6", f"ended_alarms[0].{key}") == (problem.where, problem.key)
    assert ("is missing", f"add {key}") == (problem.problem, problem.remedy)


@pytest.mark.parametrize(
    ("changes", "line", "key", "problem", "remedy"),
    [
        pytest.param({"fact": "tick"}, 12, "", "unknown key 'fact'", "", id="an unknown key"),
        pytest.param(
            {"code": "MARKETDATA_STAL"},
            6,
            ".code",
            "is no alarm's code",
            "MARKETDATA_STALE",
            id="a misspelled code",
        ),
        pytest.param(
            {"code": "EXECUTION_EVIDENCE"}, 6, ".code", "is a P0", "take it out", id="execution"
        ),
        pytest.param(
            {"code": "FRESHNESS_GATE_FALSE_POSITIVE"}, 6, ".code", "is a P0", "", id="the gate"
        ),
        pytest.param(
            {"code": "CONTRADICTION", "subject": "kill-switch"},
            6,
            ".code",
            "CONTRADICTION about 'kill-switch' is a P0",
            "CONTRADICTION",
            id="the switch",
        ),
        pytest.param(
            {"since": "2026-11-18T15:15:00"}, 9, ".since", "its zone", "posture", id="no zone"
        ),
        pytest.param({"since": "yesterday"}, 9, ".since", "is no instant", "", id="no instant"),
        pytest.param(
            {"since": "2026-13-18T15:15:00Z"}, 9, ".since", "is no instant", "", id="no such month"
        ),
        pytest.param({"who": "''"}, 10, ".who", "no usable text", "", id="empty who"),
        pytest.param({"why": 7}, 11, ".why", "must be text", "quotes", id="a number"),
        pytest.param({"code": "''"}, 6, ".code", "no usable text", "", id="an empty code"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(write, changes, line, key, problem, remedy):
    """File, line, key and remedy, so that an operator mends it in one go."""
    path = write(entry(**changes))
    (found,) = problems_of(path)

    assert (f"{path}:{line}", f"ended_alarms[0]{key}") == (found.where, found.key)
    assert problem in found.problem
    assert remedy in found.remedy


def test_a_list_that_is_none_or_too_long_is_refused(write):
    """What no human wrote by hand ends nothing."""
    (found,) = problems_of(write(SMALLEST_FLEET + "ended_alarms: all\n"))
    assert "must be a list" in found.problem
    (found,) = problems_of(write(SMALLEST_FLEET + "ended_alarms:\n- all\n"))
    assert "must be a mapping" in found.problem
    many = SMALLEST_FLEET + "ended_alarms:\n" + "- {}\n" * (MAX_ENDED + 1)
    (found,) = problems_of(write(many))
    assert f"at most {MAX_ENDED}" in found.problem
