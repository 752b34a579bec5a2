"""Changing what is wrong while the floor is running."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from mission_control.errors import ConfigurationError
from mission_control.simulation.catalogue import SCENARIOS, find_scenario

MARKETDATA = "marketdata-mcp-server"


def test_a_refused_port_is_closed_and_opened_again(served, client):
    """The port refuses at once, keeps its number, and answers again at once."""
    url = served.base_url(MARKETDATA) + "/healthz"

    assert 200 == client.get(url).status_code
    for _ in range(3):
        served.floor.switch("critical-refused")
        with pytest.raises(httpx.ConnectError):
            client.get(url)
        served.floor.switch("calm")

        assert 200 == client.get(url).status_code


def test_a_connected_client_loses_the_connection(served):
    """A client in the middle of an answer is hung up on when the port closes."""
    served.floor.switch("critical-drip")
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("GET", served.base_url(MARKETDATA) + "/healthz") as response,
    ):
        parts = response.iter_raw(1)
        next(parts)
        served.floor.switch("critical-refused")
        with pytest.raises(httpx.RemoteProtocolError):
            next(parts)


def test_execution_answers_only_while_it_runs(served, client):
    """The execution-engine's port refuses, answers in its scenario, and refuses again."""
    url = served.base_url("execution-engine") + "/healthz"
    with pytest.raises(httpx.ConnectError):
        client.get(url)
    served.floor.switch("execution-running")

    assert 200 == client.get(url).status_code

    served.floor.switch("calm")
    with pytest.raises(httpx.ConnectError):
        client.get(url)


def test_switching_keeps_the_clock_unless_told_otherwise(floor):
    """By default the clock goes on; it moves to the scenario's instant or to a given one."""
    calm = floor.clock()
    floor.switch("holiday")

    assert calm == floor.clock()

    floor.switch("holiday", set_clock=True)

    assert find_scenario("holiday").at == floor.clock()

    floor.switch("calm", at=calm + timedelta(days=1))

    assert calm + timedelta(days=1) == floor.clock()


def test_an_unknown_scenario_changes_nothing(floor):
    """A name that does not exist is refused before anything moves."""
    with pytest.raises(ConfigurationError, match="there is no scenario 'storm'"):
        floor.switch("storm", set_clock=True)
    assert "calm" == floor.scenario.name


def test_the_switchboard_says_what_is_on_and_what_there_is(served, client):
    """GET /scenario shows the current scenario, the clock, and every scenario's description."""
    picture = client.get(served.control_url + "/scenario").json()

    assert "calm" == picture["current"]
    assert "2026-11-18T15:15:00.000Z" == picture["clock"]
    assert "OPEN" == picture["market_phase"]
    assert [(s.name, s.description) for s in SCENARIOS] == [
        (s["name"], s["description"]) for s in picture["scenarios"]
    ]


@pytest.mark.parametrize(
    "request_parts",
    [
        pytest.param({"json": {"name": "stale-tick"}}, id="body"),
        pytest.param({"params": {"name": "stale-tick"}}, id="query"),
    ],
)
def test_the_switchboard_switches(served, client, request_parts):
    """POST /scenario names a scenario in its body or its query, and answers with the new state."""
    response = client.post(served.control_url + "/scenario", **request_parts)

    assert (200, "stale-tick") == (response.status_code, response.json()["current"])
    assert "stale-tick" == served.floor.scenario.name


def test_the_switchboard_returns_when_ports_and_file_have_followed(served, client, switch_file):
    """By the time the switchboard answers, a refused port refuses and the file has changed."""
    for name, code in [("critical-refused", None), ("kill-switch-off", 200)]:
        client.post(served.control_url + "/scenario", json={"name": name})
        try:
            answered = client.get(served.base_url(MARKETDATA) + "/healthz").status_code
        except httpx.ConnectError:
            answered = None

        assert code == answered
    assert "0\n" == switch_file.read_text()


@pytest.mark.parametrize(
    ("before", "name", "moves"),
    [
        pytest.param("calm", "stale-tick", False, id="open to open"),
        pytest.param("calm", "closed", True, id="open to closed"),
        pytest.param("closed", "kill-switch-off", True, id="closed to open"),
        pytest.param("calm", "holiday", True, id="open to holiday"),
        pytest.param("closed", "early-close", True, id="another day's early close"),
        pytest.param("early-close", "closed", True, id="early close to a usual evening"),
    ],
)
def test_the_clock_moves_when_the_scenario_belongs_elsewhere_in_the_day(
    served, client, before, name, moves
):
    """The switchboard moves the clock only when the market's phase is not the scenario's."""
    served.floor.switch(before, set_clock=True)
    elsewhere = served.floor.clock() + timedelta(minutes=7)
    served.floor.clock.set(elsewhere)
    client.post(served.control_url + "/scenario", json={"name": name})

    assert (find_scenario(name).at if moves else elsewhere) == served.floor.clock()


def test_the_switchboard_sets_the_clock_that_is_asked_for(served, client):
    """With `at`, the clock goes there, whatever the phase."""
    wish = {"name": "calm", "at": "2026-11-18T15:59:50-05:00"}
    picture = client.post(served.control_url + "/scenario", json=wish).json()

    assert "2026-11-18T20:59:50.000Z" == picture["clock"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b'{"name": "storm"}', "there is no scenario 'storm'", id="unknown name"),
        pytest.param(b"{}", "name a scenario", id="no name"),
        pytest.param(b"", "name a scenario", id="no body"),
        pytest.param(b'{"name": 7}', "name a scenario", id="a number for a name"),
        pytest.param(b'["calm"]', "not a JSON object", id="a list"),
        pytest.param(b"calm", "not a JSON object", id="no JSON"),
        pytest.param(b'{"name": "calm", "now": 1}', "unknown field 'now'", id="unknown field"),
        pytest.param(b'{"name": "calm", "at": "noon"}', "at is no instant", id="no instant"),
        pytest.param(
            b'{"name": "calm", "at": "2026-11-18T10:15"}', "at is no instant", id="no offset"
        ),
        pytest.param(b'{"name": "%s"}' % (b"x" * 5000), "longer than", id="too long"),
    ],
)
def test_the_switchboard_explains_a_bad_request(served, client, body, error):
    """A request that cannot be granted is a 400 that says why and names what there is."""
    response = client.post(served.control_url + "/scenario", content=body)

    assert 400 == response.status_code
    assert error in response.json()["error"]
    assert "early-close" in response.json()["known"]
    assert "calm" == served.floor.scenario.name


def test_the_switchboard_says_when_the_file_could_not_follow(served, client, switch_file):
    """A kill switch's file that cannot be written is reported, not hidden."""
    switch_file.unlink()
    switch_file.mkdir()
    response = client.post(served.control_url + "/scenario", json={"name": "kill-switch-off"})

    assert 500 == response.status_code
    assert "kill switch's file cannot be written" in response.json()["error"]


def test_the_switchboard_does_nothing_else(served, client):
    """Other methods are 405 and other paths 404."""
    url = served.control_url

    assert 405 == client.delete(url + "/scenario").status_code
    assert "GET, POST" == client.put(url + "/scenario").headers["allow"]
    assert 404 == client.get(url + "/").status_code
    assert 404 == client.post(url + "/scenarios", json={"name": "calm"}).status_code


def test_many_who_switch_at_once_leave_one_scenario_behind(served, client, switch_file):
    """However switches race, ports and file end up where the scenario wants them."""
    names = ["critical-refused", "kill-switch-off", "execution-running", "kill-switch-missing"] * 6
    with ThreadPoolExecutor(8) as people:
        list(people.map(served.floor.switch, names))
    scenario = served.floor.scenario

    for agent_name in (MARKETDATA, "execution-engine"):
        try:
            refused = not client.get(served.base_url(agent_name) + "/healthz")
        except httpx.ConnectError:
            refused = True

        assert scenario.refuses(agent_name) is refused
    content = switch_file.read_text() if switch_file.exists() else None

    assert scenario.switch.file_text == content
