"""One service as a JSON-ready document, and what each of its paths brought."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from mission_control.cluster.present import (
    pod_documents,
    warning_documents,
    workload_summary,
)
from mission_control.documents.canonical_json import embed_answer
from mission_control.documents.document import document
from mission_control.documents.instants import (
    new_york_text,
    rounded,
    seconds_since,
    utc_text,
    utc_text_or_none,
)
from mission_control.floor.model import FloorSnapshot, Freshness, ServiceReport
from mission_control.floor.present.posture import reason_documents
from mission_control.floor.present.predecessor import (
    by_name,
    endpoint_results,
    freshness_result,
    listed,
    online_status,
    raw_status,
)
from mission_control.floor.present.sentences import Sentences
from mission_control.model.reading import EndpointReading, Seen


class AgentsDocument(TypedDict):
    """Every service, sorted by name."""

    ts: str
    sequence: int
    agents: list[dict[str, Any]]
    label: NotRequired[str]


class AgentDocument(TypedDict):
    """One service in full."""

    ts: str
    sequence: int
    agent: dict[str, Any]
    label: NotRequired[str]


def agents_document(snapshot: FloorSnapshot) -> AgentsDocument:
    """Return every service's summary, sorted by name."""
    sentences = Sentences(snapshot)
    return {
        "ts": utc_text(snapshot.at),
        "sequence": snapshot.sequence,
        "agents": [_summary(report, snapshot, sentences) for report in by_name(snapshot)],
    }


def agent_document(snapshot: FloorSnapshot, agent_name: str) -> AgentDocument | None:
    """Return one service in full; None when the inventory does not list it."""
    report = snapshot.service(agent_name)
    if report is None:
        return None
    detail = {
        **_summary(report, snapshot, Sentences(snapshot)),
        "raw_ops_status": raw_status(report),
        "readings": reading_documents(report.readings),
        "pods": pod_documents(report.workload),
        "warnings": warning_documents(report.workload),
    }
    return {"ts": utc_text(snapshot.at), "sequence": snapshot.sequence, "agent": detail}


def _summary(
    report: ServiceReport, snapshot: FloorSnapshot, sentences: Sentences
) -> dict[str, Any]:
    """
    Return one service: the predecessor's fields first, then how we judge it.

    `waits_for` is what its trouble begins with, null where that is itself.
    While the session gates it is asked every `gating_interval_seconds`, where there is one.
    """
    agent = report.agent
    return {
        **listed(agent),
        "status": online_status(report, snapshot),
        "last_poll_at": utc_text_or_none(report.round.finished if report.round else None),
        **endpoint_results(report),
        "marketdata_freshness": freshness_result(report, snapshot),
        "state": report.state.value,
        "expected": report.expected,
        "reasons": reason_documents(report.reasons, sentences),
        "waits_for": sentences.causes.get(agent.agent_name),
        "reported_codes": list(report.reported_codes),
        "since": utc_text(report.since),
        "since_et": new_york_text(report.since),
        "evidence_at": utc_text_or_none(report.evidence_at),
        "evidence_age_seconds": seconds_since(report.evidence_at, snapshot.at),
        "freshness": _freshness(report.freshness, snapshot.at),
        "contract": agent.contract.value,
        "depends_on": list(agent.depends_on),
        "owner": document(agent.owner),
        "slo": document(agent.slo),
        "interval_seconds": agent.interval_seconds,
        "gating_interval_seconds": agent.gating_interval_seconds,
        "deadline_seconds": agent.deadline_seconds,
        "workload": workload_summary(report.workload),
    }


def _freshness(freshness: Freshness, now: datetime) -> dict[str, Any]:
    return {
        "state": freshness.state.value,
        "age_seconds": rounded(freshness.age_seconds(now)),
        "threshold_seconds": freshness.threshold_seconds,
        "last_tick": utc_text_or_none(freshness.last_tick),
        "source": freshness.source,
        "detail": freshness.detail,
    }


def reading_documents(readings: Mapping[str, EndpointReading]) -> list[dict[str, Any]]:
    """Return every path's reading, sorted by path."""
    return [reading_document(path, reading) for path, reading in sorted(readings.items())]


def reading_document(path: str, reading: EndpointReading) -> dict[str, Any]:
    """
    Return what one path brought: a shape (`rich`) or the reason it was not seen (`TIMEOUT`).

    `document` is the redacted answer, `excerpt` at most 200 redacted characters of one that was
    not understood. `peer` is the address that was asked (`10.0.0.7:8080`), empty without a
    connection; `phases` are there where one was opened for this reading. A first silence is not
    `confirmed`: it is asked about again.
    """
    exchange = reading.exchange
    if isinstance(reading, Seen):
        outcome, detail = reading.value.shape.value, ""
        status, problems = reading.value.http_status, ()
        document = embed_answer(reading.value.document)
    else:
        outcome, detail = reading.code, reading.detail
        status, problems = exchange.status, reading.problems
        document = None
    return {
        "path": path,
        "seen": isinstance(reading, Seen),
        "outcome": outcome,
        "confirmed": isinstance(reading, Seen) or reading.confirmed,
        "detail": detail,
        "http_status": status,
        "at": utc_text(reading.at),
        "took_seconds": round(reading.took, 6),
        "phases": [{"name": name, "seconds": seconds} for name, seconds in exchange.phases],
        "date_skew_seconds": exchange.date_skew,
        "excerpt": exchange.excerpt,
        "problems": [{"field": field, "problem": text} for field, text in problems],
        "document": document,
        "peer": exchange.peer,
    }
