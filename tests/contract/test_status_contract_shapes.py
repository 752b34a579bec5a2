"""Model: every answer met in the field is recognised as what it is."""

import json
from datetime import UTC, datetime

import pytest

from mission_control.contract.model.answer import Shape, read_answer, recognise_shape
from mission_control.contract.model.shapes import RichStatus, ServiceState
from mission_control.errors import ContractViolation
from tests.contract.contract_answers import STRATEGY

IDENTITY = {"agent_name": "a", "workload": "a", "git_sha": "54afffe", "environment": None}

STRATEGY_WITH_DEAD_MARKETDATA = STRATEGY | {
    "marketdata": {
        "last_tick_utc": "2026-03-06T14:41:00Z",
        "last_bar_utc": None,
        "stale_threshold_seconds": 120,
        "is_fresh": False,
    },
    "safety": {
        "kill_switch": True,
        "safe_to_run_strategies": False,
        "safe_to_execute_orders": False,
        "gating_reasons": ["KILL_SWITCH", "MARKETDATA_STALE"],
    },
}

DISABLED_EXECUTION = STRATEGY_WITH_DEAD_MARKETDATA | {
    "service_name": "execution-agent",
    "service_kind": "execution",
    "status": {
        "state": "OFFLINE",
        "summary": "Offline",
        "reason_codes": ["EXECUTION_DISABLED"],
        "last_updated_utc": "2026-03-06T15:00:07Z",
    },
    "endpoints": {"healthz": "/health", "heartbeat": None, "metrics": None},
}

INGEST = STRATEGY_WITH_DEAD_MARKETDATA | {
    "service_name": "market-ingest",
    "service_kind": "ingest",
    "marketdata": None,
}

MINIMAL = {
    "uptime": 86_400.5,
    "last_heartbeat": "2026-03-06T15:00:07+00:00",
    "data_freshness_seconds": None,
    "build_sha": "unknown",
    "agent_mode": "OBSERVE",
}

HEALTH_FRESHNESS = {
    "service": "marketdata-mcp-server",
    "last_tick_epoch_seconds": 1_772_809_204,
    "age_seconds": 3.2,
    "max_age_seconds": 60,
    "ok": True,
    "forced_stale": False,
}

PREDECESSORS_AGGREGATE = {
    "ts": "2026-03-06T15:00:07+00:00",
    "kill_switch": {"execution_halted": True, "source": "env:EXECUTION_HALTED"},
    "last_poll_cycle_at": None,
    "agents": [],
}


def read(document, path="/ops/status", http_status=200):
    """Read a document as the probe hands it over."""
    body = json.dumps(document).encode()
    return read_answer(body, document, path=path, http_status=http_status, shown=body)


@pytest.mark.parametrize(
    ("path", "http_status", "document", "shape"),
    [
        pytest.param(
            "/ops/status", 200, STRATEGY_WITH_DEAD_MARKETDATA, Shape.RICH, id="strategy, halted"
        ),
        pytest.param("/ops/status", 200, DISABLED_EXECUTION, Shape.RICH, id="execution, disabled"),
        pytest.param("/ops/status", 200, INGEST, Shape.RICH, id="ingest, without marketdata"),
        pytest.param(
            "/ops/status",
            200,
            INGEST | {"agents": [], "fleet": {}},
            Shape.RICH,
            id="another mission control",
        ),
        pytest.param(
            "/ops/status",
            200,
            INGEST | {"ok": True, "last_tick_age_seconds": 1},
            Shape.RICH,
            id="rich with keys of the legacy tick",
        ),
        pytest.param("/ops/status", 200, MINIMAL, Shape.MINIMAL, id="minimal"),
        pytest.param("/status", 200, MINIMAL, Shape.MINIMAL, id="minimal on another path"),
        pytest.param("/healthz", 200, HEALTH_FRESHNESS, Shape.HEALTH_FRESHNESS, id="fresh"),
        pytest.param(
            "/healthz",
            503,
            HEALTH_FRESHNESS | {"ok": False},
            Shape.HEALTH_FRESHNESS,
            id="refusing freshness",
        ),
        pytest.param("/healthz", 200, {"ok": True}, Shape.HEALTH_FRESHNESS, id="bare ok"),
        pytest.param(
            "/healthz",
            200,
            {"ok": True, "last_tick_epoch_seconds": 1_772_809_204, "last_tick_age_seconds": 3},
            Shape.LEGACY_TICK,
            id="legacy tick",
        ),
        pytest.param(
            "/ops/status",
            200,
            {"ok": True, "last_tick_epoch_seconds": None, "last_tick_age_seconds": None},
            Shape.LEGACY_TICK,
            id="legacy tick as status",
        ),
        pytest.param(
            "/healthz",
            200,
            {"status": "ok", "service": "marketdata-mcp-server", "identity": IDENTITY},
            Shape.LIVENESS,
            id="marketdata healthz",
        ),
        pytest.param(
            "/health",
            200,
            {"status": "healthy", "service_id": "agenttrader-prod-streamer"},
            Shape.LIVENESS,
            id="marketdata health",
        ),
        pytest.param(
            "/heartbeat",
            200,
            {
                "status": "ok",
                "service": "marketdata-mcp-server",
                "heartbeat": {
                    "age_seconds": None,
                    "stale_threshold_seconds": 120.0,
                    "is_stale": True,
                    "last_observed_epoch_s": None,
                },
            },
            Shape.LIVENESS,
            id="marketdata heartbeat",
        ),
        pytest.param(
            "/readyz",
            503,
            {"status": "not_ready", "service": "a", "identity": IDENTITY, "ready": False},
            Shape.LIVENESS,
            id="not ready",
        ),
        pytest.param("/livez", 503, {"status": "wedged"}, Shape.LIVENESS, id="wedged"),
        pytest.param(
            "/ops/health",
            200,
            {"status": "ok", "service": "a", "ts": "2026-03-06T15:00:07.123456+00:00"},
            Shape.LIVENESS,
            id="ops health",
        ),
        pytest.param("/healthz", 200, {"status": "ok"}, Shape.LIVENESS, id="strategy healthz"),
        pytest.param(
            "/livez",
            200,
            {"status": "alive", "service": "gamma-strategy", "loop_heartbeat_age_s": 0.4},
            Shape.LIVENESS,
            id="gamma livez",
        ),
        pytest.param(
            "/health",
            200,
            {"status": "ok", "service": "a", "uptime": 4.0, "build_sha": "54afffe"},
            Shape.LIVENESS,
            id="health with keys of the minimal contract",
        ),
        pytest.param(
            "/health",
            200,
            {"status": "ok", "service": "market-ingest", "stats": None, "build_id": "…"},
            Shape.LIVENESS,
            id="ingest health",
        ),
    ],
)
def test_answers_of_the_field_are_recognised(path, http_status, document, shape):
    """
    Each answer that the fleet gives is valid in its own shape, with its HTTP status kept.
    """
    answer = read(document, path, http_status)

    assert shape is answer.shape
    assert http_status == answer.http_status
    assert document == json.loads(answer.document)


@pytest.mark.parametrize(
    ("path", "document", "complaint"),
    [
        pytest.param("/ops/status", {"status": "ok"}, "service_name: is missing", id="liveness"),
        pytest.param("/ops/status", PREDECESSORS_AGGREGATE, "safety: is missing", id="aggregate"),
        pytest.param("/ops/status", {"uptime": 1.0}, "build_sha: is missing", id="half minimal"),
        pytest.param("/healthz", {"ok": "true"}, "ok: Input should be a valid boolean", id="ok"),
        pytest.param("/healthz", {"detail": "x"}, "none of the keys", id="unknown object"),
        pytest.param("/healthz", {}, "none of the keys", id="empty object"),
        pytest.param("/healthz", ["ok"], "not a JSON object", id="list"),
        pytest.param("/healthz", None, "not a JSON object", id="null"),
        pytest.param("/healthz", "ok", "not a JSON object", id="text"),
    ],
)
def test_what_resembles_a_contract_and_breaks_it_is_refused(path, document, complaint):
    """
    An answer that is not what its shape promises is a violation that says why.
    """
    with pytest.raises(ContractViolation) as caught:
        read(document, path)

    assert complaint in "; ".join([str(caught.value), *map(": ".join, caught.value.problems)])


def test_rich_answer_is_read_field_by_field():
    """
    The rich contract arrives as typed values, with instants in UTC.
    """
    status = read(STRATEGY_WITH_DEAD_MARKETDATA).status

    assert isinstance(status, RichStatus)
    assert ServiceState.HALTED is status.status.state
    assert ("KILL_SWITCH",) == status.status.reason_codes
    assert status.marketdata is not None
    assert datetime(2026, 3, 6, 14, 41, tzinfo=UTC) == status.marketdata.last_tick_utc
    assert status.marketdata.is_fresh is False
    assert status.build_id is None


def test_shape_follows_the_path_it_was_asked_on():
    """
    The keys of the rich contract mean the contract on `/ops/status` alone.
    """
    document = {"status": "ok", "heartbeat": {}}

    assert Shape.RICH is recognise_shape(document, path="/ops/status")
    assert Shape.LIVENESS is recognise_shape(document, path="/heartbeat")


def test_body_that_is_no_json_is_a_violation():
    """
    A body that the strict reader cannot parse is a broken contract, never an escape.
    """
    with pytest.raises(ContractViolation, match="Invalid JSON"):
        read_answer(b'{"status": ', {"status": ""}, path="/healthz", http_status=200, shown=b"")
