"""`doctor`: what works from here, and what does not."""

import json
import resource
import socket
from datetime import UTC, datetime, time, timedelta

import pytest

from mission_control.market_calendar.rules import VALID_THROUGH
from tests.ports import free_ports


def checks_of(result):
    """Return the checks of a JSON report by their subject."""
    return {check["subject"]: check for check in json.loads(result.stdout)["checks"]}


def two_ports():
    """Return flags for two free ports."""
    port = free_ports(2)
    return ["--port", port, "--ui-port", port + 1]


def test_a_calm_floor_passes(floor):
    """
    When everything works every line says PASS, and the exit code is 0.
    """
    result = floor("calm").run("doctor", *two_ports(), "--json")

    checks = checks_of(result)
    assert {"PASS"} == {check["outcome"] for check in checks.values()}
    assert 0 == result.exit_code
    assert "answered in" in checks["marketdata-mcp-server"]["detail"]
    assert "does not answer" in checks["execution-engine"]["detail"]
    assert "confirms" in checks["kill switch"]["detail"]


def test_people_get_one_line_a_check_and_a_remedy(floor):
    """
    Below a line that does not pass is what to do about it; the last line counts.
    """
    result = floor("critical-refused").run("doctor", *two_ports())

    assert 4 == result.exit_code
    lines = result.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("FAIL  marketdata-mcp-server"))
    assert "CONNECTION_REFUSED" in lines[at]
    assert "-> look at http://127.0.0.1:" in lines[at + 1]
    assert lines[-1].endswith("0 WARN, 1 FAIL")


@pytest.mark.parametrize(
    ("scenario", "subject", "said"),
    [
        pytest.param("execution-running", "execution-engine", "execution answers", id="execution"),
        pytest.param("kill-switch-off", "kill switch", "DISENGAGED", id="switch off"),
        pytest.param("kill-switch-missing", "kill switch", "UNREADABLE", id="no switch"),
        pytest.param("kill-switch-unreadable", "kill switch", "UNKNOWN", id="unclear switch"),
    ],
)
def test_what_is_dangerous_fails(floor, scenario, subject, said):
    """
    Execution that answers and a switch that does not confirm are failures with a remedy.
    """
    result = floor(scenario).run("doctor", *two_ports(), "--json")

    check = checks_of(result)[subject]
    assert ("FAIL", 4) == (check["outcome"], result.exit_code)
    assert said in check["detail"]
    assert check["remedy"]


def test_a_busy_port_is_only_a_warning(floor):
    """
    A port that is taken may be our own server's: it is shown, and fails nothing.
    """
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = floor("calm").run("doctor", "--port", port, *two_ports()[2:], "--json")

    assert ("WARN", 0) == (checks_of(result)["port"]["outcome"], result.exit_code)


def test_a_root_that_cannot_be_written_fails(floor):
    """
    A root that is not there is found by trying, and the variable that names another is shown.
    """
    served = floor("calm")

    result = served.run("doctor", *two_ports(), "--root", served.folder / "missing", "--json")

    check = checks_of(result)["root"]
    assert "FAIL" == check["outcome"]
    assert "No such file or directory" in check["detail"]
    assert "MISSION_CONTROL_ROOT" in check["remedy"]


def test_too_few_open_files_fail(floor, monkeypatch):
    """
    A hard limit below what the fleet needs is shown with the number to raise it to.
    """
    served = floor("calm")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))

    check = checks_of(served.run("doctor", *two_ports(), "--json"))["open files"]

    assert "FAIL" == check["outcome"]
    assert "ulimit -Hn" in check["remedy"]


@pytest.mark.parametrize(
    ("days", "outcome"),
    [
        pytest.param(-30, "WARN", id="soon"),
        pytest.param(30, "FAIL", id="past it"),
    ],
)
def test_a_calendar_that_ends_is_told(floor, days, outcome):
    """
    Shortly before the last covered day the calendar warns, and past it fails.
    """
    served = floor("calm")
    last = datetime.combine(VALID_THROUGH, time(17), tzinfo=UTC)
    served.clock.set(last + timedelta(days=days))

    checks = checks_of(served.run("doctor", *two_ports(), "--json"))

    assert outcome == checks["calendar"]["outcome"]
