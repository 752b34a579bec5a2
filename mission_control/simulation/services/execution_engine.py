"""Execution-engine, which should never run and must never be asked for its state."""

from mission_control.model.fleet import Kind
from mission_control.simulation.answers import Answer, answer_by_route, json_answer
from mission_control.simulation.fleet_rules import STALE_AFTER_SECONDS
from mission_control.simulation.moment import Moment, in_whole_seconds
from mission_control.simulation.services.rich_status import (
    Speaker,
    build_facts,
    metrics,
    ops_health,
    rich_document,
)

SPEAKER = Speaker(
    "execution-agent", Kind.EXECUTION, "execution", "OFF", healthz="/health", metrics=None
)


def respond(moment: Moment, method: str, path: str) -> Answer:
    """Answer as execution-engine does; `/state` changes it, even by GET."""
    return answer_by_route(_ROUTES, moment, method, path)


def _status(moment: Moment) -> Answer:
    return json_answer(rich_document(SPEAKER, moment))


def _health(_moment: Moment) -> Answer:
    return json_answer({"status": "ok", "service": "execution-engine", **build_facts()})


def _readyz(_moment: Moment) -> Answer:
    return json_answer({"status": "ok"})


def _state(moment: Moment) -> Answer:
    halted = moment.kill_switch
    document = {
        "agent_id": "execution_engine",
        "state": "HALTED" if halted else "DEGRADED",
        "last_transition_at": in_whole_seconds(moment.now),
        "error_count": 0,
        "restart_not_before": None,
        "last_error": None,
        "agent_mode": moment.twist.agent_mode or SPEAKER.agent_mode,
        "engine_dry_run": True,
        "kill_switch_enabled": halted,
        "kill_switch_source": "env:EXECUTION_HALTED" if halted else None,
        "marketdata_heartbeat": {
            "path": "ops/market_ingest",
            "exists": moment.last_tick is not None,
            "last_heartbeat_at": in_whole_seconds(moment.last_tick),
            "age_seconds": moment.tick_age_seconds,
            "is_stale": moment.is_fresh is not True,
            "status": "running",
            "stale_threshold_seconds": STALE_AFTER_SECONDS,
        },
        "live_trading_allowed": False,
        "live_trading_block_reason": _refusal(moment),
    }
    return json_answer(document, mutates=True)


def _refused(moment: Moment) -> Answer:
    state = "HALTED" if moment.kill_switch else "DEGRADED"
    document = {"refused": True, "reason": _refusal(moment), "state": state}
    return json_answer(document, status=409, mutates=True)


def _refusal(moment: Moment) -> str:
    return "kill_switch_enabled" if moment.kill_switch else "agent_mode_not_live"


def _metrics(_moment: Moment) -> Answer:
    return metrics({"agent_start_total": 1.0})


_ROUTES = {
    ("GET", "/ops/status"): _status,
    ("GET", "/ops/health"): ops_health,
    ("GET", "/ops/metrics"): _metrics,
    ("GET", "/metrics"): _metrics,
    ("GET", "/healthz"): _health,
    ("GET", "/health"): _health,
    ("GET", "/readyz"): _readyz,
    ("GET", "/state"): _state,
    ("POST", "/recover"): _refused,
    ("POST", "/execute"): _refused,
}
