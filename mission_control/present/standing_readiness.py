"""Present: the newest recorded readiness and what it is worth now, as a JSON-ready document."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from mission_control.model.readiness import ReadinessStanding
from mission_control.model.snapshot import FloorSnapshot
from mission_control.present.instants import new_york_text, utc_text


class LatestReadinessDocument(TypedDict):
    """
    The verdict as it stands now, and the recorded report that it stands on.

    `verdict` may be NO-GO although the report says GO: GO does not keep. `report_is_current` is
    false where the report is about another session than today's, or where none is recorded.
    """

    ts: str
    at_et: str
    verdict: str
    code: str
    detail: str
    session_date: str | None
    report_path: str | None
    report: Mapping[str, Any] | None
    report_is_current: bool
    label: NotRequired[str]


def latest_readiness(
    snapshot: FloorSnapshot,
    standing: ReadinessStanding,
    path: str | None,
    report: Mapping[str, Any] | None,
) -> LatestReadinessDocument:
    """Give the verdict of this moment, with the report."""
    date = snapshot.session.session_date
    document: LatestReadinessDocument = {
        "ts": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "verdict": standing.verdict.value,
        "code": standing.code,
        "detail": standing.detail,
        "session_date": date.isoformat() if date else None,
        "report_path": path,
        "report": report,
        "report_is_current": report is not None and _is_of_today(report, snapshot),
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


def _is_of_today(report: Mapping[str, Any], snapshot: FloorSnapshot) -> bool:
    """Tell whether a report was made today in New York, about today's session if any."""
    date = snapshot.session.session_date
    made = str(report.get("generated_et"))[: len("2026-11-18")]
    today = new_york_text(snapshot.at)[: len("2026-11-18")]
    return made == today and report.get("session_date") == (date and date.isoformat())
