"""The predecessor's aggregate over the fleet."""

from typing import TypedDict

from mission_control.contract.model.shapes import RichStatus
from mission_control.documents.canonical_json import embed_answer, embed_model
from mission_control.documents.instants import utc_text_or_none, whole_seconds_text
from mission_control.floor.model import FloorSnapshot, ServiceReport
from mission_control.floor.present.predecessor import (
    STATUS,
    EndpointsResult,
    FreshnessResult,
    by_name,
    endpoint_results,
    freshness_result,
    online_status,
    reading_of,
)
from mission_control.model.reading import Seen


class OpsResult(TypedDict):
    """How an agent is, in the aggregate."""

    state: str
    summary: str
    reason_codes: list[str]
    last_updated_utc: str | None


class AggregateAgent(TypedDict):
    """One agent of the aggregate."""

    agent_name: str
    kind: str
    criticality: str
    service_dns: str
    expected_endpoints: list[str]
    online: bool
    last_poll_at: str | None
    endpoints: EndpointsResult
    ops_status: object
    ops: OpsResult
    raw_ops_status_redacted: object
    marketdata_freshness: FreshnessResult | None


def last_poll_cycle_at(snapshot: FloorSnapshot) -> str | None:
    """Say when the newest round over any service ended; None before the first."""
    finished = [r.round.finished for r in snapshot.services if r.round]
    return utc_text_or_none(max(finished, default=None))


def aggregate_agents(snapshot: FloorSnapshot) -> list[AggregateAgent]:
    """Return each agent as the predecessor's aggregate did; `ops` is our own judgement."""
    return [
        {
            "agent_name": report.agent.agent_name,
            "kind": report.agent.kind.value,
            "criticality": report.agent.criticality.value,
            "service_dns": report.agent.service_dns or "",
            "expected_endpoints": list(report.agent.expected_endpoints),
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


def _ops(report: ServiceReport) -> OpsResult:
    status = _rich(report)
    codes = dict.fromkeys([*(r.code for r in report.reasons), *report.reported_codes])
    updated = status.status.last_updated_utc if status else None
    return {
        "state": report.state.value,
        "summary": report.state.summary,
        "reason_codes": list(codes),
        "last_updated_utc": None if updated is None else whole_seconds_text(updated),
    }
