"""Strategy-engine, which asks marketdata before it answers."""

from dataclasses import replace

from mission_control.model.fleet import Kind
from mission_control.simulation.answers import Answer, answer_by_route, json_answer
from mission_control.simulation.moment import Moment
from mission_control.simulation.services.rich_status import (
    Speaker,
    fleet_identity,
    metrics,
    ops_health,
    rich_document,
)

SPEAKER = Speaker("strategy-engine", Kind.STRATEGY, "strategy")
CYCLE_SECONDS = 30
HEARTBEAT_URL = "http://marketdata-mcp-server/heartbeat"


def respond(moment: Moment, method: str, path: str) -> Answer:
    """Answer as strategy-engine does."""
    return answer_by_route(_ROUTES, moment, method, path)


def _status(moment: Moment) -> Answer:
    """Answer with the tick of marketdata, or after a timeout with no tick at all."""
    seen = moment if moment.marketdata_fault is None else replace(moment, last_tick=None)
    document = rich_document(SPEAKER, seen)
    return json_answer(document, after_seconds=moment.upstream_seconds)


def _healthz(_moment: Moment) -> Answer:
    return json_answer({"status": "ok"})


def _health(_moment: Moment) -> Answer:
    return json_answer({"status": "ok", "service": "strategy-engine"})


def _readyz(moment: Moment) -> Answer:
    about = {"identity": fleet_identity(moment), "marketdata_heartbeat_url": HEARTBEAT_URL}
    if moment.marketdata_fault is None:
        upstream = {"age_seconds": moment.tick_age_seconds, "is_stale": moment.is_fresh is False}
        return json_answer({"status": "ok", **about, "marketdata": upstream, "ready": True})
    failed = {"status": "degraded", **about, "error": "URLError: no usable answer", "ready": True}
    return json_answer(failed, status=503, after_seconds=moment.upstream_seconds)


def _livez(_moment: Moment) -> Answer:
    return json_answer({"status": "ok"})


def _metrics(moment: Moment) -> Answer:
    cycles = float(moment.uptime_seconds // CYCLE_SECONDS)
    counters = {
        "agent_start_total": 1.0,
        "strategy_cycles_total": cycles,
        "strategy_cycles_skipped_total": cycles if moment.kill_switch else 0.0,
        "safety_halted_total": cycles if moment.kill_switch else 0.0,
    }
    return metrics(counters)


_ROUTES = {
    ("GET", "/ops/status"): _status,
    ("GET", "/ops/health"): ops_health,
    ("GET", "/ops/metrics"): _metrics,
    ("GET", "/metrics"): _metrics,
    ("GET", "/healthz"): _healthz,
    ("GET", "/health"): _health,
    ("GET", "/readyz"): _readyz,
    ("GET", "/livez"): _livez,
}
