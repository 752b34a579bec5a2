"""The predecessor's fields, exactly as its clients know them."""

from typing import TypedDict

from mission_control.documents.instants import rounded, seconds_since
from mission_control.floor.decide.stall import still_decided
from mission_control.floor.model import FloorSnapshot, FreshnessState, ServiceReport
from mission_control.floor.present.readings import readings_of
from mission_control.model.fleet import Kind
from mission_control.model.reading import EndpointReading, Unseen, UnseenReason

HEALTH, STATUS, HEARTBEAT = "/healthz", "/ops/status", "/heartbeat"

NOT_ASKED = "NOT_ASKED"
"""The error of an endpoint that is not asked at all, by configuration or not yet."""
EXPIRES_AFTER_SECONDS = 45.0
"""Older than this, an answer no longer says that a service is online."""

_SUCCESS = range(200, 300)


class EndpointResult(TypedDict):
    """How one endpoint answered; `ok` only for a 2xx that could be read."""

    ok: bool
    status_code: int | None
    latency_ms: int | None
    error: str | None


class FreshnessResult(TypedDict):
    """Freshness of a marketdata service, as we reckon it."""

    source: str
    ok: bool
    age_seconds: float | None
    max_age_seconds: float | None
    last_tick_epoch_seconds: float | None


class PollOutcome(TypedDict):
    """One agent in a poll event."""

    agent_name: str
    online: bool
    healthz: EndpointResult
    ops_status: EndpointResult
    heartbeat: EndpointResult | None


class EndpointsResult(TypedDict):
    """The endpoints of one agent in the aggregate."""

    healthz: EndpointResult
    ops_status: EndpointResult
    heartbeat: EndpointResult | None


def endpoint_result(reading: EndpointReading | None) -> EndpointResult:
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


def endpoint_results(report: ServiceReport) -> EndpointsResult:
    """Say how an agent's endpoints answered; the heartbeat belongs to marketdata alone."""
    return {
        "healthz": endpoint_result(reading_of(report, HEALTH)),
        "ops_status": endpoint_result(reading_of(report, STATUS)),
        "heartbeat": _heartbeat(report),
    }


def _heartbeat(report: ServiceReport) -> EndpointResult | None:
    reading = reading_of(report, HEARTBEAT)
    offers = report.agent.kind is Kind.MARKETDATA and reading is not None
    return endpoint_result(reading) if offers else None


def reading_of(report: ServiceReport, path: str) -> EndpointReading | None:
    """Return the newest reading of a path; None where it was not asked."""
    return readings_of(report).get(path)


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


def freshness_result(report: ServiceReport, snapshot: FloorSnapshot) -> FreshnessResult | None:
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


def poll_outcomes(snapshot: FloorSnapshot) -> list[PollOutcome]:
    """Return what the predecessor's poll event tells of each agent, sorted by name."""
    return [
        {
            "agent_name": report.agent.agent_name,
            "online": online_status(report, snapshot) == "ONLINE",
            **endpoint_results(report),
        }
        for report in by_name(snapshot)
    ]


def by_name(snapshot: FloorSnapshot) -> list[ServiceReport]:
    """Sort the floor's services by name."""
    return sorted(snapshot.services, key=lambda r: r.agent.agent_name)
