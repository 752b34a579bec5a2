"""Everything that concerns execution: switch, marketdata gate, evidence, claims."""

from collections.abc import Iterator
from typing import Any, NotRequired, TypedDict

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.floor.decide.stall import still_decided
from mission_control.floor.model import FloorSnapshot, FreshnessState, ServiceReport
from mission_control.floor.present.posture import (
    alarm_documents,
    execution_document,
    needs_document,
)
from mission_control.floor.present.predecessor import (
    by_name,
    freshness_result,
    online_status,
)
from mission_control.kill_switch.present import kill_switch_document
from mission_control.model.codes import EXECUTION_EVIDENCE
from mission_control.model.fleet import Criticality, Kind
from mission_control.model.reading import Seen


class SafetyDocument(TypedDict):
    """The predecessor's safety answer, with our sources and evidence beside it."""

    ts: str
    at_et: str
    sequence: int
    kill_switch: dict[str, Any]
    needs: dict[str, Any]
    marketdata: dict[str, Any]
    execution_evidence: list[dict[str, Any]]
    accusations: list[dict[str, Any]]
    execution_services: list[dict[str, Any]]
    execution: dict[str, Any]
    claims: list[dict[str, Any]]
    label: NotRequired[str]


def safety_document(snapshot: FloorSnapshot) -> SafetyDocument:
    """Return all that concerns execution; `execution_evidence` are the latched alarms of it."""
    latched = snapshot.latched.alarms
    evidence = [a for a in latched if a.code == EXECUTION_EVIDENCE]
    return {
        "ts": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "sequence": snapshot.sequence,
        "kill_switch": kill_switch_document(snapshot),
        "needs": needs_document(snapshot.fleet),
        "marketdata": _marketdata(snapshot),
        "execution_evidence": alarm_documents(evidence),
        "accusations": alarm_documents(latched),
        "execution_services": [
            {
                "agent_name": report.agent.agent_name,
                "state": report.state.value,
                "expected": report.expected,
                "reason_code": report.reason_code,
            }
            for report in by_name(snapshot)
            if report.agent.kind is Kind.EXECUTION
        ],
        "execution": execution_document(snapshot.fleet.execution),
        "claims": [claim for report in by_name(snapshot) for claim in _claims(report)],
    }


def _marketdata(snapshot: FloorSnapshot) -> dict[str, Any]:
    """Return whether every critical marketdata service is fresh; false when there is none."""
    feeds = [r for r in by_name(snapshot) if r.agent.kind is Kind.MARKETDATA]
    critical = [r for r in feeds if r.agent.criticality is Criticality.CRITICAL]
    fresh = [r.freshness.state is FreshnessState.FRESH for r in critical]
    return {
        "all_critical_fresh": bool(fresh) and all(fresh) and still_decided(snapshot),
        "agents": [
            {
                "agent_name": report.agent.agent_name,
                "criticality": report.agent.criticality.value,
                "status": online_status(report, snapshot),
                "freshness": freshness_result(report, snapshot),
            }
            for report in feeds
        ],
    }


def _claims(report: ServiceReport) -> Iterator[dict[str, Any]]:
    """Return what each answer claims about execution, also a broken one."""
    for path, reading in sorted(report.readings.items()):
        claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
        if not claims.silent:
            yield {
                "agent_name": report.agent.agent_name,
                "path": path,
                "at": utc_text(reading.at),
                **document(claims),
            }
