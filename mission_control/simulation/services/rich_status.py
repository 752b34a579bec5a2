"""The rich contract's document, as the fleet's services build it."""

from collections.abc import Mapping
from dataclasses import dataclass

from mission_control.contract.model.shapes import ServiceState
from mission_control.model.fleet import Kind
from mission_control.simulation.answers import Answer, json_answer
from mission_control.simulation.fleet_rules import (
    HEARTBEAT_TTL_SECONDS,
    STALE_AFTER_SECONDS,
    SelfView,
    fleet_state,
    fleet_takes_market_for_open,
    gating_reasons,
    may_run_strategies,
)
from mission_control.simulation.moment import Moment, in_whole_seconds

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
