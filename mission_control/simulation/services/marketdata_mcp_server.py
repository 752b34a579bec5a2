"""Marketdata-mcp-server, whose `/healthz` says nothing about freshness."""

from mission_control.model.fleet import Kind
from mission_control.simulation.answers import Answer, answer_by_route, json_answer
from mission_control.simulation.fleet_rules import (
    STALE_AFTER_SECONDS,
    fleet_takes_market_for_open,
)
from mission_control.simulation.moment import Moment
from mission_control.simulation.services.rich_status import (
    Speaker,
    fleet_identity,
    metrics,
    ops_health,
    rich_document,
)

SPEAKER = Speaker("marketdata-mcp-server", Kind.MARKETDATA, "marketdata", heartbeat="/heartbeat")
HEALTH_CONTRACT_MAX_AGE_SECONDS = 60


def respond(moment: Moment, method: str, path: str) -> Answer:
    """Answer as marketdata-mcp-server does."""
    return answer_by_route(_ROUTES, moment, method, path)


def _root(moment: Moment) -> Answer:
    return json_answer({"status": "ok", "service": moment.agent_name})


def _status(moment: Moment) -> Answer:
    return json_answer(rich_document(SPEAKER, moment))


def _healthz(moment: Moment) -> Answer:
    if moment.scenario.feed.healthz_forced_stale:
        return _forced_stale(moment)
    return json_answer(
        {"status": "ok", "service": moment.agent_name, "identity": fleet_identity(moment)}
    )


def _forced_stale(moment: Moment) -> Answer:
    """Answer in the form the documents promise, with their test toggle set."""
    tick = moment.last_tick
    document = {
        "service": moment.agent_name,
        "last_tick_epoch_seconds": None if tick is None else int(tick.timestamp()),
        "age_seconds": moment.tick_age_seconds,
        "max_age_seconds": HEALTH_CONTRACT_MAX_AGE_SECONDS,
        "ok": False,
        "forced_stale": True,
    }
    return json_answer(document, status=503)


def _health(_moment: Moment) -> Answer:
    return json_answer({"status": "healthy", "service_id": "agenttrader-prod-streamer"})


def _heartbeat(moment: Moment) -> Answer:
    """Answer 200 always; its clock is only marked when the process starts, whatever ticks do."""
    age = moment.uptime_seconds
    heartbeat = {
        "age_seconds": age,
        "stale_threshold_seconds": float(STALE_AFTER_SECONDS),
        "is_stale": age > STALE_AFTER_SECONDS,
        "last_observed_epoch_s": moment.started_at.timestamp(),
    }
    return json_answer({"status": "ok", "service": moment.agent_name, "heartbeat": heartbeat})


def _readyz(moment: Moment) -> Answer:
    return json_answer(
        {
            "status": "ok",
            "service": moment.agent_name,
            "identity": fleet_identity(moment),
            "ready": True,
            "stream_task_alive": True,
        }
    )


def _livez(moment: Moment) -> Answer:
    age = moment.tick_age_seconds
    trading = fleet_takes_market_for_open(moment.now)
    if age is None or age <= STALE_AFTER_SECONDS or not trading:
        return json_answer({"status": "ok"})
    document = {
        "status": "stale",
        "market_session": "open",
        "age_seconds": age,
        "stale_threshold_seconds": float(STALE_AFTER_SECONDS),
    }
    return json_answer(document, status=503)


def _metrics(moment: Moment) -> Answer:
    age = moment.tick_age_seconds
    counters = {
        "agent_start_total": 1.0,
        "marketdata_ticks_total": 0.0 if age is None else max(0.0, moment.uptime_seconds - age),
        "marketdata_stale_total": float(moment.is_fresh is False),
    }
    return metrics(counters, float("inf") if age is None else age)


_ROUTES = {
    ("GET", "/"): _root,
    ("GET", "/ops/status"): _status,
    ("GET", "/ops/health"): ops_health,
    ("GET", "/ops/metrics"): _metrics,
    ("GET", "/metrics"): _metrics,
    ("GET", "/healthz"): _healthz,
    ("GET", "/health"): _health,
    ("GET", "/heartbeat"): _heartbeat,
    ("GET", "/readyz"): _readyz,
    ("GET", "/livez"): _livez,
}
