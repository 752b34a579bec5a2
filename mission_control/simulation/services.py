"""The services of the floor, each as the real one answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from mission_control.contract.model.shapes import ServiceState
from mission_control.model.fleet import Kind
from mission_control.simulation.answers import Answer, Respond, Route, answer_by_route, json_answer
from mission_control.simulation.moment import (
    HEARTBEAT_TTL_SECONDS,
    STALE_AFTER_SECONDS,
    Moment,
    SelfView,
    fleet_state,
    fleet_takes_market_for_open,
    gating_reasons,
    in_whole_seconds,
    may_run_strategies,
)

REPO_ID = "agent-trader-v2"
GIT_SHA = "54afffe"

_WITHOUT_FEED = frozenset({Kind.INGEST, Kind.OPS})


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who a service says it is, and where it says its other endpoints are."""

    service_name: str
    kind: Kind
    agent_role: str
    agent_mode: str = "OBSERVE"
    healthz: str = "/healthz"
    heartbeat: str | None = None
    metrics: str | None = "/metrics"


def self_view(speaker: Speaker, moment: Moment) -> SelfView:
    """Return what a service judges itself by."""
    execution = speaker.kind is Kind.EXECUTION
    return SelfView(
        speaker.kind,
        fleet_takes_market_for_open(moment.now),
        None if speaker.kind in _WITHOUT_FEED else moment.is_fresh,
        moment.kill_switch,
        execution_enabled=False if execution else None,
    )


def rich_document(speaker: Speaker, moment: Moment) -> Mapping[str, object]:
    """Return the document of `/ops/status`; its heartbeat is always now."""
    view = self_view(speaker, moment)
    state, reasons = fleet_state(view)
    now = in_whole_seconds(moment.now)
    name = moment.twist.calls_itself or speaker.service_name
    return {
        "service_name": name,
        "service_kind": speaker.kind.value,
        "repo_id": REPO_ID,
        "git_sha": GIT_SHA,
        "build_id": None,
        "agent_identity": {
            "agent_name": name,
            "agent_role": speaker.agent_role,
            "agent_mode": moment.twist.agent_mode or speaker.agent_mode,
        },
        "status": {
            "state": state.value,
            "summary": _summary(state),
            "reason_codes": reasons,
            "last_updated_utc": now,
        },
        "heartbeat": {
            "last_heartbeat_utc": now,
            "age_seconds": 0.0,
            "ttl_seconds": HEARTBEAT_TTL_SECONDS,
        },
        "marketdata": None if speaker.kind in _WITHOUT_FEED else _feed(moment),
        "safety": {
            "kill_switch": view.kill_switch,
            "safe_to_run_strategies": may_run_strategies(view),
            "safe_to_execute_orders": moment.twist.safe_to_execute_orders,
            "gating_reasons": gating_reasons(view),
        },
        "endpoints": {
            "healthz": speaker.healthz,
            "heartbeat": speaker.heartbeat,
            "metrics": speaker.metrics,
        },
    }


def _summary(state: ServiceState) -> str:
    return "Healthy" if state is ServiceState.OK else state.value.replace("_", " ").capitalize()


def _feed(moment: Moment) -> Mapping[str, object]:
    return {
        "last_tick_utc": in_whole_seconds(moment.last_tick),
        "last_bar_utc": None,
        "stale_threshold_seconds": STALE_AFTER_SECONDS,
        "is_fresh": moment.is_fresh,
    }


PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def ops_health(moment: Moment) -> Answer:
    """Answer `/ops/health`."""
    return json_answer({"status": "ok", "service": moment.agent_name, "ts": moment.now.isoformat()})


def fleet_identity(moment: Moment) -> Mapping[str, object]:
    """Return the identity that health answers carry."""
    return {
        "agent_name": moment.agent_name,
        "workload": moment.agent_name,
        "git_sha": GIT_SHA,
        "environment": None,
    }


def build_facts() -> Mapping[str, object]:
    """Return the build facts that execution and ingest carry in their health answers."""
    return {
        "repo_id": REPO_ID,
        "git_sha": GIT_SHA,
        "build_id": "unknown",
        "image_ref": "unknown",
        "build_time_utc": "unknown",
    }


def metrics(counters: Mapping[str, float], heartbeat_age_seconds: float = 0.0) -> Answer:
    """Answer in the Prometheus text format; the heartbeat gauge is 0 where it is never set."""
    lines = list[str]()
    for name, value in sorted(counters.items()):
        lines += [f"# TYPE {name} counter", f"{name} {value:g}"]
    age = "+Inf" if heartbeat_age_seconds == float("inf") else f"{heartbeat_age_seconds:g}"
    lines += ["# TYPE heartbeat_age_seconds gauge", f"heartbeat_age_seconds {age}", ""]
    return Answer(body="\n".join(lines).encode("ascii"), content_type=PROMETHEUS_TEXT)


def _status(speaker: Speaker) -> Route:
    return lambda moment: json_answer(rich_document(speaker, moment))


def _ok(_moment: Moment) -> Answer:
    return json_answer({"status": "ok"})


def _ok_by_name(moment: Moment) -> Answer:
    return json_answer({"status": "ok", "service": moment.agent_name})


def _rich_routes(status: Route, metrics_: Route) -> dict[tuple[str, str], Route]:
    """Return the routes that every service with the rich contract has."""
    return {
        ("GET", "/ops/status"): status,
        ("GET", "/ops/health"): ops_health,
        ("GET", "/ops/metrics"): metrics_,
        ("GET", "/metrics"): metrics_,
    }


MARKETDATA_SPEAKER = Speaker(
    "marketdata-mcp-server", Kind.MARKETDATA, "marketdata", heartbeat="/heartbeat"
)
HEALTH_CONTRACT_MAX_AGE_SECONDS = 60


def _marketdata_healthz(moment: Moment) -> Answer:
    """Answer without a word on freshness; with the test toggle in the documented form."""
    if not moment.scenario.feed.healthz_forced_stale:
        return json_answer(
            {"status": "ok", "service": moment.agent_name, "identity": fleet_identity(moment)}
        )
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


def _marketdata_health(_moment: Moment) -> Answer:
    return json_answer({"status": "healthy", "service_id": "agenttrader-prod-streamer"})


def _marketdata_heartbeat(moment: Moment) -> Answer:
    """Answer 200 always; its clock is only marked when the process starts, whatever ticks do."""
    age = moment.uptime_seconds
    heartbeat = {
        "age_seconds": age,
        "stale_threshold_seconds": float(STALE_AFTER_SECONDS),
        "is_stale": age > STALE_AFTER_SECONDS,
        "last_observed_epoch_s": moment.started_at.timestamp(),
    }
    return json_answer({"status": "ok", "service": moment.agent_name, "heartbeat": heartbeat})


def _marketdata_readyz(moment: Moment) -> Answer:
    about = {"identity": fleet_identity(moment), "ready": True, "stream_task_alive": True}
    return json_answer({"status": "ok", "service": moment.agent_name, **about})


def _marketdata_livez(moment: Moment) -> Answer:
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


def _marketdata_metrics(moment: Moment) -> Answer:
    age = moment.tick_age_seconds
    counters = {
        "agent_start_total": 1.0,
        "marketdata_ticks_total": 0.0 if age is None else max(0.0, moment.uptime_seconds - age),
        "marketdata_stale_total": float(moment.is_fresh is False),
    }
    return metrics(counters, float("inf") if age is None else age)


STRATEGY_SPEAKER = Speaker("strategy-engine", Kind.STRATEGY, "strategy")
CYCLE_SECONDS = 30
HEARTBEAT_URL = "http://marketdata-mcp-server/heartbeat"


def _strategy_status(moment: Moment) -> Answer:
    """Answer with the tick of marketdata, or after a timeout with no tick at all."""
    seen = moment if moment.marketdata_fault is None else replace(moment, last_tick=None)
    document = rich_document(STRATEGY_SPEAKER, seen)
    return json_answer(document, after_seconds=moment.upstream_seconds)


def _strategy_readyz(moment: Moment) -> Answer:
    about = {"identity": fleet_identity(moment), "marketdata_heartbeat_url": HEARTBEAT_URL}
    if moment.marketdata_fault is None:
        upstream = {"age_seconds": moment.tick_age_seconds, "is_stale": moment.is_fresh is False}
        return json_answer({"status": "ok", **about, "marketdata": upstream, "ready": True})
    failed = {"status": "degraded", **about, "error": "URLError: no usable answer", "ready": True}
    return json_answer(failed, status=503, after_seconds=moment.upstream_seconds)


def _strategy_metrics(moment: Moment) -> Answer:
    cycles = float(moment.uptime_seconds // CYCLE_SECONDS)
    counters = {
        "agent_start_total": 1.0,
        "strategy_cycles_total": cycles,
        "strategy_cycles_skipped_total": cycles if moment.kill_switch else 0.0,
        "safety_halted_total": cycles if moment.kill_switch else 0.0,
    }
    return metrics(counters)


def _runtime_livez(moment: Moment) -> Answer:
    return json_answer(
        {"status": "alive", "service": moment.agent_name, "loop_heartbeat_age_s": 0.4}
    )


INGEST_SPEAKER = Speaker("market-ingest", Kind.INGEST, "ingest")


def _ingest_health(moment: Moment) -> Answer:
    document = {"status": "ok", "service": moment.agent_name, "stats": None, **build_facts()}
    return json_answer(document)


def _unprocessable(_moment: Moment) -> Answer:
    missing = {"type": "missing", "loc": ["query", "request"], "msg": "Field required"}
    return json_answer({"detail": [{**missing, "input": None}]}, status=422)


def _ingest_metrics(moment: Moment) -> Answer:
    received = float(moment.uptime_seconds // 1)
    return metrics({"agent_start_total": 1.0, "messages_received_total": received})


EXECUTION_SPEAKER = Speaker(
    "execution-agent", Kind.EXECUTION, "execution", "OFF", healthz="/health", metrics=None
)


def _execution_health(moment: Moment) -> Answer:
    return json_answer({"status": "ok", "service": moment.agent_name, **build_facts()})


def _execution_state(moment: Moment) -> Answer:
    halted = moment.kill_switch
    document = {
        "agent_id": "execution_engine",
        "state": "HALTED" if halted else "DEGRADED",
        "last_transition_at": in_whole_seconds(moment.now),
        "error_count": 0,
        "restart_not_before": None,
        "last_error": None,
        "agent_mode": moment.twist.agent_mode or EXECUTION_SPEAKER.agent_mode,
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
        "live_trading_block_reason": _execution_refusal(moment),
    }
    return json_answer(document, mutates=True)


def _execution_refused(moment: Moment) -> Answer:
    state = "HALTED" if moment.kill_switch else "DEGRADED"
    document = {"refused": True, "reason": _execution_refusal(moment), "state": state}
    return json_answer(document, status=409, mutates=True)


def _execution_refusal(moment: Moment) -> str:
    return "kill_switch_enabled" if moment.kill_switch else "agent_mode_not_live"


def _execution_metrics(_moment: Moment) -> Answer:
    return metrics({"agent_start_total": 1.0})


PAGE = (
    b"<!doctype html>\n<html><head><title>AgentTrader Ops</title></head>"
    b'<body><div id="root"></div></body></html>\n'
)


def _ops_ui(_moment: Moment, method: str, _path: str) -> Answer:
    """Answer any path with the page, as the web server's fallback does."""
    if method not in {"GET", "HEAD"}:
        return Answer(405, b"<h1>405 Not Allowed</h1>\n", "text/html", (("allow", "GET, HEAD"),))
    return Answer(body=PAGE, content_type="text/html")


_RUNTIME = {
    ("GET", "/healthz"): _ok_by_name,
    ("GET", "/readyz"): _ok_by_name,
    ("GET", "/livez"): _runtime_livez,
}
_ROUTES: Mapping[str, Mapping[tuple[str, str], Route]] = {
    "marketdata-mcp-server": {
        ("GET", "/"): _ok_by_name,
        **_rich_routes(_status(MARKETDATA_SPEAKER), _marketdata_metrics),
        ("GET", "/healthz"): _marketdata_healthz,
        ("GET", "/health"): _marketdata_health,
        ("GET", "/heartbeat"): _marketdata_heartbeat,
        ("GET", "/readyz"): _marketdata_readyz,
        ("GET", "/livez"): _marketdata_livez,
    },
    "strategy-engine": {
        **_rich_routes(_strategy_status, _strategy_metrics),
        ("GET", "/healthz"): _ok,
        ("GET", "/health"): _ok_by_name,
        ("GET", "/readyz"): _strategy_readyz,
        ("GET", "/livez"): _ok,
    },
    "gamma-strategy": _RUNTIME,
    "whale-strategy": _RUNTIME,
    "strategy-service": _RUNTIME,
    "execution-engine": {
        **_rich_routes(_status(EXECUTION_SPEAKER), _execution_metrics),
        ("GET", "/healthz"): _execution_health,
        ("GET", "/health"): _execution_health,
        ("GET", "/readyz"): _ok,
        ("GET", "/state"): _execution_state,
        ("POST", "/recover"): _execution_refused,
        ("POST", "/execute"): _execution_refused,
    },
    "market-ingest": {
        **_rich_routes(_status(INGEST_SPEAKER), _ingest_metrics),
        ("GET", "/healthz"): _ingest_health,
        ("GET", "/health"): _ingest_health,
        ("GET", "/readyz"): _unprocessable,
        ("GET", "/livez"): _unprocessable,
    },
}


def answering_services() -> Mapping[str, Respond]:
    """Return how each service that has HTTP answers, by its name."""
    routed = {name: partial(answer_by_route, routes) for name, routes in _ROUTES.items()}
    return {**routed, "ops-ui": _ops_ui}
