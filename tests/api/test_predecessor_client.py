"""A client written for the predecessor's API keeps working: keys and types."""

from datetime import datetime

import pytest

from mission_control.floor.present.predecessor import poll_outcomes
from tests.api.paper_floor import PaperControl, PaperFloor, event, healthy_snapshot, poll_event

pytestmark = pytest.mark.anyio

NUMBER = (int, float)
MAYBE_NUMBER = (*NUMBER, type(None))
MAYBE_TEXT = (str, type(None))
ENDPOINT = {
    "ok": bool,
    "status_code": (int, type(None)),
    "latency_ms": (int, type(None)),
    "error": MAYBE_TEXT,
}
FRESHNESS = {
    "source": str,
    "ok": bool,
    "age_seconds": MAYBE_NUMBER,
    "max_age_seconds": MAYBE_NUMBER,
    "last_tick_epoch_seconds": MAYBE_NUMBER,
}
SUMMARY = {
    "agent_name": str,
    "kind": str,
    "criticality": str,
    "service_dns": str,
    "expected_endpoints": list,
    "status": str,
    "last_poll_at": MAYBE_TEXT,
    "healthz": dict,
    "ops_status": dict,
    "heartbeat": (dict, type(None)),
    "marketdata_freshness": (dict, type(None)),
}
AGGREGATE = {
    "agent_name": str,
    "kind": str,
    "criticality": str,
    "service_dns": str,
    "expected_endpoints": list,
    "online": bool,
    "last_poll_at": MAYBE_TEXT,
    "endpoints": dict,
    "ops_status": (dict, type(None)),
    "ops": dict,
    "raw_ops_status_redacted": (dict, type(None)),
    "marketdata_freshness": (dict, type(None)),
}


def has(document, shape):
    """Return whether a document has every key of a shape, with its type."""
    return [] == [
        f"{key}: {document.get(key)!r}"
        for key, kind in shape.items()
        if key not in document or not isinstance(document[key], kind)
    ]


def is_instant(text):
    """Return whether a text is an ISO-8601 instant with its zone."""
    return datetime.fromisoformat(text).tzinfo is not None


@pytest.mark.parametrize("path", ["/healthz", "/ops/health"])
async def test_health(control: PaperControl, path):
    """Health has the predecessor's three fields and no other."""
    answer = (await control.ask(path)).json()

    assert {"status", "service", "ts"} == set(answer)
    assert ("ok", "mission-control") == (answer["status"], answer["service"])
    assert is_instant(answer["ts"])


async def test_agents(control: PaperControl):
    """The list of agents has every field of the predecessor's summary, with its type."""
    answer = (await control.ask("/api/v1/agents?refresh=true")).json()

    assert is_instant(answer["ts"])
    for summary in answer["agents"]:
        assert has(summary, SUMMARY)
        assert has(summary["healthz"], ENDPOINT)
        assert has(summary["ops_status"], ENDPOINT)
        assert summary["status"] in {"ONLINE", "OFFLINE", "UNKNOWN"}
        if summary["marketdata_freshness"] is not None:
            assert has(summary["marketdata_freshness"], FRESHNESS)
    names = [summary["agent_name"] for summary in answer["agents"]]
    assert sorted(names) == names


async def test_one_agent(control: PaperControl):
    """One agent is its summary and what it really answered."""
    answer = (await control.ask("/api/v1/agents/strategy-engine?refresh=false")).json()

    assert is_instant(answer["ts"])
    assert has(answer["agent"], {**SUMMARY, "raw_ops_status": dict})
    assert "strategy-engine" == answer["agent"]["raw_ops_status"]["service_name"]


async def test_an_agent_that_is_not_there(control: PaperControl):
    """A name that is not in the inventory is a 404 whose detail is the predecessor's code."""
    answer = await control.ask("/api/v1/agents/unknown")

    assert 404 == answer.status_code
    assert "agent_not_found" == answer.json()["detail"]


async def test_safety(control: PaperControl):
    """Safety has the switch and the marketdata gate as the predecessor showed them."""
    answer = (await control.ask("/api/v1/safety")).json()

    assert is_instant(answer["ts"])
    assert has(answer["kill_switch"], {"execution_halted": bool, "source": MAYBE_TEXT})
    assert answer["kill_switch"]["execution_halted"]
    assert has(answer["marketdata"], {"all_critical_fresh": bool, "agents": list})
    assert answer["marketdata"]["all_critical_fresh"]
    shape = {"agent_name": str, "criticality": str, "status": str, "freshness": dict}
    assert [True] == [has(agent, shape) for agent in answer["marketdata"]["agents"]]


async def test_aggregate(control: PaperControl):
    """The aggregate has the predecessor's fields, and its agents have exactly those."""
    answer = (await control.ask("/ops/status?refresh=true")).json()

    assert is_instant(answer["ts"])
    assert is_instant(answer["last_poll_cycle_at"])
    assert {"execution_halted", "source"} == set(answer["kill_switch"])
    for agent in answer["agents"]:
        assert set(AGGREGATE) == set(agent)
        assert has(agent, AGGREGATE)
        assert {"healthz", "ops_status", "heartbeat"} == set(agent["endpoints"])
        assert {"state", "summary", "reason_codes", "last_updated_utc"} == set(agent["ops"])
    assert 4 == len(answer["agents"])


async def test_events():
    """Events come newest first, and a poll has the predecessor's outcomes."""
    snapshot = healthy_snapshot()
    control = PaperControl(PaperFloor(snapshot, [event(1), poll_event(2, snapshot), event(3)]))

    answer = (await control.ask("/api/v1/events/recent?limit=2")).json()

    assert is_instant(answer["ts"])
    assert [3, 2] == [e["id"] for e in answer["events"]]
    poll = answer["events"][1]
    assert "mission_control.poll" == poll["type"]
    assert is_instant(poll["ts"])
    assert poll_outcomes(snapshot) == poll["outcomes"]
    for outcome in poll["outcomes"]:
        assert {"agent_name", "online", "healthz", "ops_status", "heartbeat"} == set(outcome)
        assert has(outcome["healthz"], ENDPOINT)


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1.5", ""])
async def test_impossible_limits(control: PaperControl, limit):
    """A limit outside 1 to 500 is a 422, as it was."""
    answer = await control.ask(f"/api/v1/events/recent?limit={limit}")

    assert 422 == answer.status_code
    assert "invalid_parameter" == answer.json()["code"]


@pytest.mark.parametrize(("limit", "given"), [("1", 1), ("500", 500)])
async def test_possible_limits(limit, given):
    """One event and five hundred can be asked for."""
    control = PaperControl(PaperFloor(events=[event(n) for n in range(1, 502)]))

    answer = (await control.ask(f"/api/v1/events/recent?limit={limit}")).json()

    assert given == len(answer["events"])


async def test_metrics(control: PaperControl):
    """Metrics are Prometheus text 0.0.4 under both names."""
    both = [await control.ask(path) for path in ("/metrics", "/ops/metrics")]

    assert both[0].text == both[1].text
    assert "text/plain; version=0.0.4; charset=utf-8" == both[0].headers["content-type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods(control: PaperControl, method):
    """Every other method is a 405."""
    answer = await control.ask("/api/v1/agents", method)

    assert 405 == answer.status_code
