"""One service as a JSON-ready document, the predecessor's fields and ours beside them."""

from datetime import datetime
from typing import NotRequired, TypedDict

from mission_control.cluster.present.workload import (
    PodDocument,
    WarningDocument,
    WorkloadSummary,
    pod_documents,
    warning_documents,
    workload_summary,
)
from mission_control.documents.instants import (
    new_york_text,
    rounded,
    seconds_since,
    utc_text,
    utc_text_or_none,
)
from mission_control.floor.model import FloorSnapshot, Freshness, ServiceReport
from mission_control.floor.present.aggregate import raw_status
from mission_control.floor.present.posture import ReasonDocument, reason_documents
from mission_control.floor.present.predecessor import (
    EndpointResult,
    FreshnessResult,
    by_name,
    endpoint_results,
    freshness_result,
    online_status,
)
from mission_control.floor.present.readings import ReadingDocument, reading_documents, readings_of
from mission_control.model.fleet import Agent


class OwnerDocument(TypedDict):
    """Who is paged for a service, and who if they do not answer."""

    primary: str
    secondary: str | None


class SloDocument(TypedDict):
    """The service's target, as a percentage of the window's time."""

    target: float
    window: str


class FreshnessDocument(TypedDict):
    """Freshness of the marketdata as this service reports it, by our clock."""

    state: str
    age_seconds: float | None
    threshold_seconds: float | None
    last_tick: str | None
    source: str
    detail: str


class AgentSummary(TypedDict):
    """
    One service: the predecessor's fields first, then how we judge it.

    While the session gates it is asked every `gating_interval_seconds`, where there is one.
    """

    agent_name: str
    kind: str
    criticality: str
    service_dns: str
    expected_endpoints: list[str]
    status: str
    last_poll_at: str | None
    healthz: EndpointResult
    ops_status: EndpointResult
    heartbeat: EndpointResult | None
    marketdata_freshness: FreshnessResult | None
    state: str
    expected: bool
    reasons: list[ReasonDocument]
    reported_codes: list[str]
    since: str
    since_et: str
    evidence_at: str | None
    evidence_age_seconds: float | None
    freshness: FreshnessDocument
    contract: str
    depends_on: list[str]
    owner: OwnerDocument | None
    slo: SloDocument | None
    interval_seconds: float
    gating_interval_seconds: float | None
    deadline_seconds: float
    workload: WorkloadSummary | None


class AgentDetail(AgentSummary):
    """One service with every answer it gave, redacted, and every pod that runs it."""

    raw_ops_status: object
    readings: list[ReadingDocument]
    pods: list[PodDocument]
    warnings: list[WarningDocument]


class AgentsDocument(TypedDict):
    """Every service, sorted by name."""

    ts: str
    sequence: int
    agents: list[AgentSummary]
    label: NotRequired[str]


class AgentDocument(TypedDict):
    """One service in full."""

    ts: str
    sequence: int
    agent: AgentDetail
    label: NotRequired[str]


def agents_document(snapshot: FloorSnapshot) -> AgentsDocument:
    """Return every service's summary, sorted by name."""
    document: AgentsDocument = {
        "ts": utc_text(snapshot.at),
        "sequence": snapshot.sequence,
        "agents": [_summary(report, snapshot) for report in by_name(snapshot)],
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


def agent_document(snapshot: FloorSnapshot, agent_name: str) -> AgentDocument | None:
    """Return one service in full; None when the inventory does not list it."""
    report = snapshot.service(agent_name)
    if report is None:
        return None
    detail: AgentDetail = {
        **_summary(report, snapshot),
        "raw_ops_status": raw_status(report),
        "readings": reading_documents(readings_of(report)),
        "pods": pod_documents(report.workload),
        "warnings": warning_documents(report.workload),
    }
    document: AgentDocument = {
        "ts": utc_text(snapshot.at),
        "sequence": snapshot.sequence,
        "agent": detail,
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


def _summary(report: ServiceReport, snapshot: FloorSnapshot) -> AgentSummary:
    agent = report.agent
    return {
        "agent_name": agent.agent_name,
        "kind": agent.kind.value,
        "criticality": agent.criticality.value,
        "service_dns": agent.service_dns or "",
        "expected_endpoints": list(agent.expected_endpoints),
        "status": online_status(report, snapshot),
        "last_poll_at": utc_text_or_none(report.round.finished if report.round else None),
        **endpoint_results(report),
        "marketdata_freshness": freshness_result(report, snapshot),
        "state": report.state.value,
        "expected": report.expected,
        "reasons": reason_documents(report.reasons),
        "reported_codes": list(report.reported_codes),
        "since": utc_text(report.since),
        "since_et": new_york_text(report.since),
        "evidence_at": utc_text_or_none(report.evidence_at),
        "evidence_age_seconds": seconds_since(report.evidence_at, snapshot.at),
        "freshness": _freshness(report.freshness, snapshot.at),
        "contract": agent.contract.value,
        "depends_on": list(agent.depends_on),
        "owner": _owner(agent),
        "slo": _slo(agent),
        "interval_seconds": agent.interval_seconds,
        "gating_interval_seconds": agent.gating_interval_seconds,
        "deadline_seconds": agent.deadline_seconds,
        "workload": workload_summary(report.workload),
    }


def _freshness(freshness: Freshness, now: datetime) -> FreshnessDocument:
    return {
        "state": freshness.state.value,
        "age_seconds": rounded(freshness.age_seconds(now)),
        "threshold_seconds": freshness.threshold_seconds,
        "last_tick": utc_text_or_none(freshness.last_tick),
        "source": freshness.source,
        "detail": freshness.detail,
    }


def _owner(agent: Agent) -> OwnerDocument | None:
    owner = agent.owner
    return {"primary": owner.primary, "secondary": owner.secondary} if owner else None


def _slo(agent: Agent) -> SloDocument | None:
    slo = agent.slo
    return {"target": slo.target, "window": slo.window.value} if slo else None
