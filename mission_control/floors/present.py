"""The floors as documents and as metrics; what others wrote is data, already redacted."""

from collections.abc import Iterator
from typing import Any, NotRequired, TypedDict

from prometheus_client.metrics_core import Metric

from mission_control.documents.instants import (
    new_york_text,
    rounded,
    utc_text,
    utc_text_or_none,
)
from mission_control.floor.present.metrics import NEVER, family
from mission_control.floors.decide import count_states
from mission_control.floors.model import FloorReport, FloorsSeen, FloorState


class FloorsDocument(TypedDict):
    """What is known of other floors, the worst first."""

    ts: str
    total: int
    counts: dict[str, int]
    floors: list[dict[str, Any]]
    label: NotRequired[str]


def floors_document(seen: FloorsSeen) -> FloorsDocument:
    """Return all floors in their order."""
    return {
        "ts": utc_text(seen.at),
        "total": len(seen.reports),
        "counts": dict(count_states(seen.reports)),
        "floors": [_floor(report, seen) for report in seen.reports],
    }


def _floor(report: FloorReport, seen: FloorsSeen) -> dict[str, Any]:
    said = report.said
    lasts = max(0.0, (seen.at - report.since).total_seconds())
    return {
        "name": report.floor.name,
        "link": report.floor.link,
        "state": report.state.value,
        "expected": report.expected,
        "severity": report.severity,
        "since": utc_text(report.since),
        "since_et": new_york_text(report.since),
        "lasts_seconds": rounded(lasts),
        "evidence_age_seconds": rounded(report.evidence_age_seconds),
        "reason": {"code": report.code, "sentence": report.sentence},
        "replica": said.replica if said else None,
        "services": said.services if said else None,
        "reasons": said.reasons if said else None,
        "heard_at": utc_text_or_none(report.heard_at),
        "last_said": _last_said(report) if report.state is FloorState.UNKNOWN else None,
    }


def _last_said(report: FloorReport) -> dict[str, Any] | None:
    """Return the posture that it told last, of which nothing is known any more."""
    said = report.said
    if said is None:
        return None
    return {
        "posture": said.posture,
        "severity": said.severity,
        "since": utc_text(said.since_utc),
        "decided_at": utc_text(said.decided_utc),
    }


def floor_families(seen: FloorsSeen) -> Iterator[Metric]:
    """Return the floors as metrics; the names are those of the fleet file."""
    state = family("other_floor", "1 for what another floor is shown as", "floor", "state")
    expected = family("other_floor_expected", "1 while it is as expected there", "floor")
    age = family("other_floor_evidence_age_seconds", "Of its oldest evidence", "floor")
    for report in sorted(seen.reports, key=lambda r: r.floor.name):
        name = report.floor.name
        for each in FloorState:
            state.add_metric([name, each.value], float(each is report.state))
        expected.add_metric([name], float(report.expected))
        known = report.evidence_age_seconds
        age.add_metric([name], NEVER if known is None else known)
    return iter((state, expected, age))
