"""The predecessor's fields and its aggregate over the fleet, as its clients know them."""

from typing import Any

from mission_control.contract.model.shapes import RichStatus
from mission_control.documents.canonical_json import embed_answer, embed_model
from mission_control.documents.instants import (
    rounded,
    seconds_since,
    utc_text_or_none,
    whole_seconds_text,
)
from mission_control.floor.decide.stall import still_decided
from mission_control.floor.model import FloorSnapshot, FreshnessState, ServiceReport
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason

HEALTH, STATUS, HEARTBEAT = "/healthz", "/ops/status", "/heartbeat"

NOT_ASKED = "NOT_ASKED"
"""The error of an endpoint that is not asked at all, by configuration or not yet."""
EXPIRES_AFTER_SECONDS = 45.0
"""Older than this, an answer no longer says that a service is online."""

_SUCCESS = range(200, 300)


def listed(agent: Agent) -> dict[str, Any]:
    """Return what the inventory says of a service, as the predecessor showed it."""
    return {
        "agent_name": agent.agent_name,
        "kind": agent.kind.value,
        "criticality": agent.criticality.value,
        "service_dns": agent.service_dns or "",
        "expected_endpoints": list(agent.expected_endpoints),
    }


def endpoint_result(reading: EndpointReading | None) -> dict[str, Any]:
    """Say how one endpoint answered; a broken answer is never ok, whatever its status."""
    if reading is None:
        return {"ok": False, "status_code": None, "latency_ms": None, "error": NOT_ASKED}
    took = round(reading.took * 1000)
    if isinstance(reading, Unseen):
        status, error = reading.exchange.status, reading.code
        return {"ok": False, "status_code": status, "latency_ms": took, "error": error}
    status = reading.value.http_status
    ok = status in _SUCCESS
    error = None if ok else f"HTTP_{status}"
    return {"ok": ok, "status_code": status, "latency_ms": took, "error": error}


def endpoint_results(report: ServiceReport) -> dict[str, Any]:
    """Say how an agent's endpoints answered; the heartbeat belongs to marketdata alone."""
    return {
        "healthz": endpoint_result(reading_of(report, HEALTH)),
        "ops_status": endpoint_result(reading_of(report, STATUS)),
        "heartbeat": _heartbeat(report),
    }


def _heartbeat(report: ServiceReport) -> dict[str, Any] | None:
    reading = reading_of(report, HEARTBEAT)
    offers = report.agent.kind is Kind.MARKETDATA and reading is not None
    return endpoint_result(reading) if offers else None


def reading_of(report: ServiceReport, path: str) -> EndpointReading | None:
    """Return the newest reading of a path; None where it was not asked."""
    return report.readings.get(path)


def online_status(report: ServiceReport, snapshot: FloorSnapshot) -> str:
    """Say ONLINE, OFFLINE or UNKNOWN, from `/healthz` alone, as the predecessor did."""
    reading = reading_of(report, HEALTH)
    if reading is None or not still_decided(snapshot):
        return "UNKNOWN"
    keeps = isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED
    age = seconds_since(reading.at, snapshot.at) or 0.0
    if not keeps and age > EXPIRES_AFTER_SECONDS:
        return "UNKNOWN"
    return "ONLINE" if endpoint_result(reading)["ok"] else "OFFLINE"


def freshness_result(report: ServiceReport, snapshot: FloorSnapshot) -> dict[str, Any] | None:
    """Return a marketdata service's freshness; None for every other kind."""
    if report.agent.kind is not Kind.MARKETDATA:
        return None
    freshness = report.freshness
    tick = freshness.last_tick
    return {
        "source": freshness.source,
        "ok": freshness.state is FreshnessState.FRESH and still_decided(snapshot),
        "age_seconds": rounded(freshness.age_seconds(snapshot.at)),
        "max_age_seconds": freshness.threshold_seconds,
        "last_tick_epoch_seconds": None if tick is None else tick.timestamp(),
    }


def poll_outcomes(snapshot: FloorSnapshot) -> list[dict[str, Any]]:
    """Return what the predecessor's poll event tells of each agent, sorted by name."""
    return [poll_outcome(report, snapshot) for report in by_name(snapshot)]


def poll_outcome(report: ServiceReport, snapshot: FloorSnapshot) -> dict[str, Any]:
    """Return what the predecessor's poll event tells of one agent."""
    return {
        "agent_name": report.agent.agent_name,
        "online": online_status(report, snapshot) == "ONLINE",
        **endpoint_results(report),
    }


def by_name(snapshot: FloorSnapshot) -> list[ServiceReport]:
    """Sort the floor's services by name."""
    return sorted(snapshot.services, key=lambda r: r.agent.agent_name)


def last_poll_cycle_at(snapshot: FloorSnapshot) -> str | None:
    """Say when the newest round over any service ended; None before the first."""
    finished = [r.round.finished for r in snapshot.services if r.round]
    return utc_text_or_none(max(finished, default=None))


def aggregate_agents(snapshot: FloorSnapshot) -> list[dict[str, Any]]:
    """Return each agent as the predecessor's aggregate did; `ops` is our own judgement."""
    return [
        {
            **listed(report.agent),
            "online": online_status(report, snapshot) == "ONLINE",
            "last_poll_at": utc_text_or_none(report.round.finished if report.round else None),
            "endpoints": endpoint_results(report),
            "ops_status": validated_status(report),
            "ops": _ops(report),
            "raw_ops_status_redacted": raw_status(report),
            "marketdata_freshness": freshness_result(report, snapshot),
        }
        for report in by_name(snapshot)
    ]


def validated_status(report: ServiceReport) -> object:
    """Return the contract that an agent answered with; None unless it was valid."""
    status = _rich(report)
    return None if status is None else embed_model(status)


def raw_status(report: ServiceReport) -> object:
    """Return what `/ops/status` answered, redacted; None when no answer was understood."""
    reading = reading_of(report, STATUS)
    return embed_answer(reading.value.document) if isinstance(reading, Seen) else None


def _rich(report: ServiceReport) -> RichStatus | None:
    reading = reading_of(report, STATUS)
    if isinstance(reading, Seen) and isinstance(reading.value.status, RichStatus):
        return reading.value.status
    return None


def _ops(report: ServiceReport) -> dict[str, Any]:
    status = _rich(report)
    codes = dict.fromkeys([*(r.code for r in report.reasons), *report.reported_codes])
    updated = status.status.last_updated_utc if status else None
    return {
        "state": report.state.value,
        "summary": report.state.summary,
        "reason_codes": list(codes),
        "last_updated_utc": None if updated is None else whole_seconds_text(updated),
    }
