"""What each service offers on a calm floor, read over real sockets."""

import orjson
import pytest

from mission_control.contract.model.answer import read_answer
from mission_control.contract.model.shapes import RichStatus
from mission_control.model.fleet import Kind

PATHS = (
    "/ops/status",
    "/ops/health",
    "/ops/metrics",
    "/metrics",
    "/healthz",
    "/health",
    "/heartbeat",
    "/readyz",
    "/livez",
    "/nowhere",
)
MATRIX = {
    "marketdata-mcp-server": (200, 200, 200, 200, 200, 200, 200, 200, 200, 404),
    "strategy-engine": (200, 200, 200, 200, 200, 200, 404, 200, 200, 404),
    "gamma-strategy": (404, 404, 404, 404, 200, 404, 404, 200, 200, 404),
    "whale-strategy": (404, 404, 404, 404, 200, 404, 404, 200, 200, 404),
    "strategy-service": (404, 404, 404, 404, 200, 404, 404, 200, 200, 404),
    "execution-engine": (200, 200, 200, 200, 200, 200, 404, 200, 404, 404),
    "market-ingest": (200, 200, 200, 200, 200, 200, 404, 422, 422, 404),
    "ops-ui": (200,) * 10,
}
RICH = {
    "marketdata-mcp-server": Kind.MARKETDATA,
    "strategy-engine": Kind.STRATEGY,
    "execution-engine": Kind.EXECUTION,
    "market-ingest": Kind.INGEST,
}

each_service = pytest.mark.parametrize("agent_name", MATRIX)


def rich(response):
    """Read an answer as the rich contract, strictly."""
    body = response.content
    answer = read_answer(
        body, orjson.loads(body), path="/ops/status", http_status=response.status_code, shown=b"{}"
    )
    assert isinstance(answer.status, RichStatus)
    return answer.status


@each_service
def test_each_path_is_offered_as_by_the_real_service(served, client, agent_name):
    """The endpoint matrix of the real fleet holds, path by path."""
    served.floor.switch("execution-running")

    codes = tuple(client.get(served.base_url(agent_name) + p).status_code for p in PATHS)

    assert MATRIX[agent_name] == codes


@each_service
def test_every_answer_is_dated_by_the_simulated_clock(served, client, agent_name):
    """The Date of every answer, errors included, is the simulated one."""
    served.floor.switch("execution-running")

    for path in ("/healthz", "/nowhere"):
        response = client.get(served.base_url(agent_name) + path)

        assert "Wed, 18 Nov 2026 15:15:00 GMT" == response.headers["date"]
        assert ["date"] == [k for k, _ in response.headers.multi_items() if k == "date"]


@pytest.mark.parametrize("agent_name", RICH)
def test_a_rich_service_keeps_the_contract(served, client, agent_name):
    """Rich answers are valid under the strict contract, and say who they are and when."""
    served.floor.switch("execution-running")
    status = rich(client.get(served.base_url(agent_name) + "/ops/status"))

    assert RICH[agent_name] == status.service_kind
    assert served.floor.clock() == status.status.last_updated_utc
    assert (agent_name == "market-ingest") == (status.marketdata is None)
    assert not status.safety.safe_to_execute_orders


@pytest.mark.parametrize("agent_name", ["marketdata-mcp-server", "strategy-engine"])
def test_a_calm_floor_is_halted_by_its_kill_switch_on_fresh_ticks(served, client, agent_name):
    """Under the default posture a service says HALTED while its feed is fresh."""
    status = rich(client.get(served.base_url(agent_name) + "/ops/status"))

    assert ("HALTED", ("KILL_SWITCH",)) == (status.status.state, status.status.reason_codes)
    assert status.safety.kill_switch
    assert ("KILL_SWITCH",) == status.safety.gating_reasons
    assert status.marketdata is not None
    assert status.marketdata.is_fresh
    assert status.marketdata.last_tick_utc is not None
    assert 1 == (served.floor.clock() - status.marketdata.last_tick_utc).total_seconds()


def test_execution_calls_itself_by_another_name_and_is_offline(served, client):
    """The execution-engine answers as execution-agent, OFFLINE by EXECUTION_DISABLED."""
    served.floor.switch("execution-running")
    status = rich(client.get(served.base_url("execution-engine") + "/ops/status"))

    assert "execution-agent" == status.service_name
    assert ("OFFLINE", ("EXECUTION_DISABLED",)) == (
        status.status.state,
        status.status.reason_codes,
    )
    assert ("KILL_SWITCH", "EXECUTION_ORDERS_DISABLED_CONTRACT") == status.safety.gating_reasons


def test_a_request_for_executions_state_is_counted(served, client):
    """GET /state mutates the execution engine, and so do its POSTs; reading its status does not."""
    served.floor.switch("execution-running")
    url = served.base_url("execution-engine")
    client.get(url + "/ops/status")
    client.get(url + "/healthz")

    assert 0 == served.floor.execution_mutations

    assert "HALTED" == client.get(url + "/state").json()["state"]
    assert 409 == client.post(url + "/recover").status_code
    assert 2 == served.floor.execution_mutations


def test_the_healthz_of_marketdata_says_nothing_about_freshness(served, client):
    """Marketdata's /healthz is 200 without `ok`, stale or not, as the real service has it."""
    url = served.base_url("marketdata-mcp-server") + "/healthz"
    for name in ("calm", "stale-tick", "no-tick"):
        served.floor.switch(name)
        response = client.get(url)

        assert (200, "ok") == (response.status_code, response.json()["status"])
        assert {"status", "service", "identity"} == response.json().keys()


def test_the_heartbeat_of_marketdata_is_stale_whatever_ticks_do(served, client):
    """The heartbeat's clock only marks the start of the process; it answers 200 all the same."""
    response = client.get(served.base_url("marketdata-mcp-server") + "/heartbeat")

    assert 200 == response.status_code
    assert response.json()["heartbeat"]["is_stale"]


def test_marketdata_dies_of_stale_ticks_only_while_it_takes_the_market_for_open(served, client):
    """The liveness of marketdata is 503 on stale ticks by day, and 200 at night."""
    url = served.base_url("marketdata-mcp-server") + "/livez"
    served.floor.switch("stale-tick")
    stale = client.get(url)

    assert (503, "stale") == (stale.status_code, stale.json()["status"])

    served.floor.switch("closed", set_clock=True)

    assert 200 == client.get(url).status_code


def test_strategy_engine_is_not_ready_without_marketdata(served, client):
    """The strategy-engine is ready with an answer of marketdata, and degraded without."""
    url = served.base_url("strategy-engine") + "/readyz"

    assert (200, 1.0) == (
        client.get(url).status_code,
        client.get(url).json()["marketdata"]["age_seconds"],
    )

    served.floor.switch("critical-503")
    degraded = client.get(url)

    assert (503, "degraded") == (degraded.status_code, degraded.json()["status"])


def test_ops_ui_answers_any_path_with_its_page(served, client):
    """The UI's web server falls back to its page, so that any path seems to succeed."""
    for path in ("/", "/healthz", "/ops/status"):
        response = client.get(served.base_url("ops-ui") + path)

        assert (200, "text/html") == (response.status_code, response.headers["content-type"])
    assert 405 == client.post(served.base_url("ops-ui") + "/").status_code


def test_other_methods_are_refused(served, client):
    """A POST where only GET is offered is 405, and 404 where nothing is."""
    url = served.base_url("strategy-service")
    refused = client.post(url + "/healthz")

    assert (405, "GET") == (refused.status_code, refused.headers["allow"])
    assert 404 == client.post(url + "/ops/status").status_code


def test_requests_are_counted(served, client):
    """The floor remembers how often each path of each service was asked for, by method."""
    url = served.base_url("gamma-strategy")
    client.get(url + "/healthz")
    client.get(url + "/healthz?again")
    client.post(url + "/healthz")

    assert {
        ("gamma-strategy", "GET", "/healthz"): 2,
        ("gamma-strategy", "POST", "/healthz"): 1,
    } == served.floor.requests
