"""`status`: whether the floor may run, read off a floor that really answers."""

import json
from io import StringIO

import pytest
from rich.console import Console

from mission_control.cli.floor_answers import AgentsAnswer, FloorAnswers, PostureAnswer
from mission_control.cli.status import show_floor
from mission_control.floor.present.agents import agents_document
from mission_control.floor.present.posture import posture_document
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import STRATEGY, FloorOfValues


@pytest.mark.parametrize(
    ("scenario", "code", "verdict"),
    [
        pytest.param("calm", 0, "OK", id="OK"),
        pytest.param("closed", 0, "MARKET_CLOSED", id="MARKET_CLOSED"),
        pytest.param("stale-tick", 3, "HALTED", id="HALTED"),
    ],
)
def test_the_verdict_stands_first_and_decides_the_exit_code(floor, scenario, code, verdict):
    """
    The first words are the verdict, and scripts can go by the exit code alone.
    """
    result = floor(scenario).run("status")

    assert code == result.exit_code
    assert verdict == result.stdout.split()[1]


def test_a_halted_floor_says_why(floor):
    """
    The first line holds the leading reason; below is every reason, and the service it is about.
    """
    result = floor("stale-tick").run("status")

    first, second, *rest = result.stdout.splitlines()
    assert "unexpected" in first
    assert "MARKETDATA_STALE" in first
    assert "EST" in first
    assert "session OPEN until" in second
    assert "kill switch ENGAGED, confirmed" in second
    reason = next(line for line in rest if "marketdata-mcp-server" in line)
    assert "P1 halts" in reason
    assert "not confirmed" not in result.stdout


def test_a_first_silence_is_said_to_be_one(floor):
    """One look does not show whether a service without an answer would have one a second later."""
    result = floor("critical-refused").run("status")

    reason = next(line for line in result.stdout.splitlines() if "P1 halts  CONNECTION_" in line)
    assert "not confirmed yet: " in reason


def test_a_verdict_that_hangs_on_a_first_silence_says_so():
    """The first line leaves no doubt about the doubt."""
    values = FloorOfValues()
    values.ask()
    heads = []
    for _ in range(2):
        values.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
        values.ask()
        snapshot = values.decide()
        posture = PostureAnswer.model_validate(posture_document(snapshot))
        agents = AgentsAnswer.model_validate(agents_document(snapshot)).agents
        console = Console(record=True, width=200, file=StringIO())
        console.print(show_floor(FloorAnswers({}, posture, tuple(agents))))
        heads.append(console.export_text().splitlines()[0])

    assert [True, False] == ["not confirmed yet" in head for head in heads]


def test_services_stand_worst_first_one_a_line(floor):
    """
    Into a pipe every service is one line without colour, and the unexpected lead.
    """
    result = floor("stale-tick").run("status")

    assert "\x1b" not in result.stdout
    services = result.stdout.split("STATE ")[1].splitlines()[1:]
    assert 9 == len(services)
    expected = [line.split()[2] for line in services]
    assert expected == sorted(expected)  # NO comes before yes
    assert "marketdata-mcp-server" in services[0]
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


def test_json_gives_the_apis_own_documents(floor):
    """
    With --json stdout is one object on one line: the posture and the services as the API has them.
    """
    result = floor("calm").run("status", "--json")

    assert 1 == len(result.stdout.splitlines())
    values = json.loads(result.stdout)
    assert "OK" == values["posture"]["posture"]
    assert 9 == len(values["agents"])
    assert 0 == result.exit_code


def test_hostile_text_cannot_steer_the_terminal(floor):
    """
    Whatever a service answers, nothing but printable characters reaches the terminal.
    """
    for scenario in ("critical-html", "critical-truncated", "identity-mismatch"):
        result = floor(scenario).run("status")

        assert all(line.isprintable() for line in result.stdout.splitlines())


def test_watching_goes_on_until_it_is_interrupted(floor, monkeypatch):
    """
    --watch shows the floor again and again, and ends with the code of what it showed last.
    """
    served = floor("calm")
    turns = iter([lambda: served.simulated.switch("stale-tick"), None])

    def turn(_: float) -> None:
        act = next(turns)
        if act is None:
            raise KeyboardInterrupt
        act()

    monkeypatch.setattr("mission_control.cli.status.time.sleep", turn)

    result = served.run("status", "--watch")

    assert 3 == result.exit_code
    verdicts = [line.split()[1] for line in result.stdout.splitlines() if " · since " in line]
    assert ["OK", "HALTED"] == verdicts


def test_a_server_that_cannot_be_asked_is_never_fine(run):
    """
    No server, no verdict: one line on stderr and an exit code that is not 0.
    """
    result = run("status", "--url", "http://127.0.0.1:1")

    assert (1, "") == (result.exit_code, result.stdout)
    assert "nothing answers at http://127.0.0.1:1: " in result.stderr


def test_watching_a_server_that_is_away_says_not_live(run, monkeypatch):
    """
    --watch stays, says NOT LIVE, and ends as unfinished when nothing was ever seen.
    """

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mission_control.cli.status.time.sleep", interrupt)

    result = run("status", "--watch", "--url", "http://127.0.0.1:1")

    assert 1 == result.exit_code
    assert "NOT LIVE" in result.stderr
