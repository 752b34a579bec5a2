"""Ops bundle: what the floor showed: marketdata's health, pods as JSON, the run's own facts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from mission_control.model.event import FloorEvent
from mission_control.model.fleet import Kind
from mission_control.model.history import Span
from mission_control.model.reading import Seen
from mission_control.model.snapshot import FloorSnapshot, ServiceReport
from mission_control.present.cluster_identity import ClusterDocument, cluster_document
from mission_control.present.event_document import EventDocument, event_document
from mission_control.present.instants import new_york_text, utc_text
from mission_control.present.reading_document import readings_of
from mission_control.present.workload_document import (
    PodDocument,
    WorkloadSummary,
    pod_documents,
    workload_summary,
)

HEALTHZ = "/healthz"
NO_CONNECTION = "000"


class AgentPodsDocument(TypedDict):
    """The workload of one service and its pods; null where the inventory names none."""

    agent_name: str
    workload: WorkloadSummary | None
    pods: list[PodDocument]


class PodsDocument(TypedDict):
    """How the pods of every service fare, sorted by the service's name."""

    at: str
    cluster: str
    cluster_identity: ClusterDocument
    agents: list[AgentPodsDocument]
    label: NotRequired[str]


class GapSpan(TypedDict):
    """A stretch in which nobody watched."""

    begin: str
    end: str


class PostureTimelineDocument(TypedDict):
    """
    How the posture was over a stretch of time.

    `at_first` is the posture in force at its beginning, null where nobody watched then. `changes`
    are oldest first, and `unwatched` every stretch of which nothing is known.
    """

    since: str
    since_et: str
    until: str
    until_et: str
    at_first: str | None
    changes: list[EventDocument]
    unwatched: list[GapSpan]


def pods_document(snapshot: FloorSnapshot) -> PodsDocument:
    """Give how the pods of every service fare."""
    reports = sorted(snapshot.services, key=lambda r: r.agent.agent_name)
    document: PodsDocument = {
        "at": utc_text(snapshot.at),
        "cluster": snapshot.fleet.cluster,
        "cluster_identity": cluster_document(snapshot.cluster_identity),
        "agents": [
            {
                "agent_name": r.agent.agent_name,
                "workload": workload_summary(r.workload),
                "pods": pod_documents(r.workload),
            }
            for r in reports
        ],
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


def find_marketdata(snapshot: FloorSnapshot) -> ServiceReport | None:
    """Give the marketdata service whose health is kept; the first by name."""
    found = [r for r in snapshot.services if r.agent.kind is Kind.MARKETDATA]
    return min(found, key=lambda r: r.agent.agent_name, default=None)


def marketdata_health(snapshot: FloorSnapshot) -> tuple[Mapping[str, bytes], str]:
    """
    Give marketdata's `/healthz` as the predecessor kept it, and why there is no body, if so.

    `000` is its word for no answer at all.
    """
    report = find_marketdata(snapshot)
    reading = readings_of(report).get(HEALTHZ) if report else None
    if reading is None:
        return {}, "no marketdata service was asked for /healthz"
    status = reading.exchange.status
    code = f"marketdata_health_http_code={status or NO_CONNECTION}\n".encode()
    if isinstance(reading, Seen):
        body = reading.value.document
        return {"marketdata_health.status": code, "marketdata_health.json": body}, ""
    return {"marketdata_health.status": code}, f"{reading.code} {reading.detail}".strip()


def meta_text(kind: str, facts: Sequence[tuple[str, str]]) -> str:
    """Write the run's own facts as the predecessor did: `key=value`, its kind first."""
    lines = [f"{key}={' '.join(value.split())}" for key, value in facts]
    return "\n".join([f"agenttrader_v2_ops_snapshot: {kind}", *lines, ""])


def posture_timeline_document(
    since: datetime,
    until: datetime,
    at_first: str | None,
    changes: Sequence[FloorEvent],
    unwatched: Sequence[Span],
) -> PostureTimelineDocument:
    """Give how the posture was over a stretch of time."""
    return {
        "since": utc_text(since),
        "since_et": new_york_text(since),
        "until": utc_text(until),
        "until_et": new_york_text(until),
        "at_first": at_first,
        "changes": [event_document(e) for e in changes],
        "unwatched": [{"begin": utc_text(b), "end": utc_text(e)} for b, e in unwatched],
    }
