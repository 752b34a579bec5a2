"""Present: what every service answered at one instant, with timings, as evidence."""

from typing import NotRequired, TypedDict

from mission_control.model.snapshot import FloorSnapshot, ServiceReport
from mission_control.present.instants import utc_text, utc_text_or_none
from mission_control.present.predecessor import by_name
from mission_control.present.reading_document import (
    ReadingDocument,
    reading_documents,
    readings_of,
)


class ServiceHeartbeat(TypedDict):
    """One service: how it was judged, and every answer that it gave, redacted."""

    agent_name: str
    state: str
    expected: bool
    reason_codes: list[str]
    asked_at: str | None
    readings: list[ReadingDocument]


class HeartbeatDocument(TypedDict):
    """Every service's heartbeat, sorted by name."""

    at: str
    fleet_digest: str
    services: list[ServiceHeartbeat]
    label: NotRequired[str]


def heartbeat_document(snapshot: FloorSnapshot) -> HeartbeatDocument:
    """Give what every service answered; equal snapshots give equal documents."""
    document: HeartbeatDocument = {
        "at": utc_text(snapshot.at),
        "fleet_digest": snapshot.fleet.digest,
        "services": [_service(report) for report in by_name(snapshot)],
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


def _service(report: ServiceReport) -> ServiceHeartbeat:
    return {
        "agent_name": report.agent.agent_name,
        "state": report.state.value,
        "expected": report.expected,
        "reason_codes": [r.code for r in report.reasons],
        "asked_at": utc_text_or_none(report.round.started if report.round else None),
        "readings": reading_documents(readings_of(report)),
    }
