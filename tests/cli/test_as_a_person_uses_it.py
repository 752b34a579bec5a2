"""What a person meets first: widths, hints, and where things are."""

from dataclasses import replace
from pathlib import Path

import pytest

from mission_control.cli.output import described, table
from mission_control.cli.serve import for_people, where_it_is
from mission_control.configuration.settings import Settings
from mission_control.model.fleet import Fleet

FLEET = Path(__file__).parents[2] / "deploy" / "fleets" / "agenttrader.yaml"
SETTINGS = Settings(fleet=Fleet((), digest="0" * 64, source="x"), root=Path("/r"), runbooks=Path())


@pytest.mark.parametrize(
    "command",
    [
        ["schedule", "--at", "2026-11-25T07:00"],
        ["config", "check", "--fleet-file", FLEET],
        ["demo", "--list"],
        ["lkg", "--help"],
    ],
    ids=lambda c: " ".join(map(str, c[:2])),
)
def test_nothing_overflows_eighty_columns(run, command):
    """On a terminal of 80 columns no line is wider."""
    result = run(*command, COLUMNS="80")

    assert 0 == result.exit_code
    assert [] == [line for line in result.stdout.splitlines() if len(line) > 80]


def test_a_row_that_does_not_fit_loses_nothing():
    """It goes on below itself; without a width it stays one line."""
    rows = [("name", "x" * 90, "default"), ("other", "y", "flag")]

    narrow, wide = table(rows, 40), table(rows, None)

    assert max(map(len, narrow)) <= 40
    assert "x" * 90 in "".join(line.strip() for line in narrow)
    assert [f"name   {'x' * 90}  default", f"other  y{' ' * 91}flag"] == wide
    assert ["a  one", "   two"] == described([("a", "one two")], 8)


@pytest.mark.parametrize(
    ("mistyped", "meant"), [("statsu", "status"), ("rehears", "rehearse"), ("lgk", "lkg")]
)
def test_a_mistyped_command_is_told_with_what_is_close(run, mistyped, meant):
    """R15.30: also where no command was imported."""
    result = run(mistyped)

    assert 2 == result.exit_code
    assert f"No such command '{mistyped}'. Did you mean '{meant}'?" in result.stderr


@pytest.mark.parametrize("command", [["status"], ["get", "/healthz"]], ids=lambda c: c[0])
def test_without_a_fleet_it_is_said_how_a_server_is_asked(run, command):
    """R15.30: and that there is a demo; a command that can ask no server does not say so."""
    result, other = run(*command), run("readiness")

    assert (78, 78) == (result.exit_code, other.exit_code)
    assert f"mission-control {command[0]} --url http://" in result.stderr
    assert "mission-control demo" in result.stderr
    assert "--url" not in other.stderr


def test_a_person_is_told_where_everything_is_served():
    """The pages, the API and the record; what is not served is said with its flag."""
    with_pages = list(where_it_is(SETTINGS, with_ui=True))
    without = list(where_it_is(replace(SETTINGS, host="::1"), with_ui=False))

    assert "  Pages   http://127.0.0.1:8090/" == with_pages[0]
    assert "  API     http://127.0.0.1:8080/api/v1/posture" == with_pages[1]
    assert (
        "  Pages   not served; add --with-ui",
        "  API     http://[::1]:8080/api/v1/posture",
    ) == (
        without[0],
        without[1],
    )


def test_pages_with_a_certificate_of_their_own_are_named_so(monkeypatch):
    """The address that is told can be opened."""
    monkeypatch.setenv("MISSION_CONTROL_UI_TLS_CERTIFICATE", "/chain.pem")

    assert "  Pages   https://127.0.0.1:8090/" == next(where_it_is(SETTINGS, with_ui=True))


def test_the_log_is_for_people_unless_its_shape_was_said():
    """On a terminal; who asks for JSON there gets it."""
    said = replace(SETTINGS, sources={"log_format": "variable MISSION_CONTROL_LOG_FORMAT"})

    assert ("console", "json") == (for_people(SETTINGS).log_format, for_people(said).log_format)
