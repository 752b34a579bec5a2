"""A readiness report as JSON, with the predecessor's fields, and as Markdown."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from mission_control.cluster.present import cluster_document
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.markdown import render
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.posture import NOT_JUDGED, fleet_document, needs_document
from mission_control.model.fleet import RepositoryLints
from mission_control.readiness.model import CurrentReadiness, ReadinessReport


def readiness_document(report: ReadinessReport) -> dict[str, Any]:
    """Return a report with every check, in the catalogue's order."""
    session = report.session
    return {
        "generated_utc": utc_text(report.at),
        "git_sha": report.git_sha or "unknown",
        "git_branch": report.git_branch or "unknown",
        "kubectl_context": report.context,
        "namespace": report.namespace,
        "ready": report.ready,
        "verdict": report.verdict.value,
        "code": report.code,
        "otherwise_ready": report.otherwise_ready,
        "generated_et": new_york_text(report.at),
        "evidence_utc": utc_text(session.at),
        "session_date": document(session.session_date),
        "session_phase": session.phase.value,
        "fleet_digest": report.fleet.digest,
        "fleet_file": fleet_document(report.fleet)["source"],
        "safety": needs_document(report.fleet),
        "repository_lints": document(report.repository_lints),
        "cluster_identity": report.cluster and cluster_document(report.cluster),
        "checks": [
            {"status": c.outcome.value, "details": c.detail, **document(c, "outcome", "detail")}
            for c in report.checks
        ],
    }


_TEMPLATE = """\
# Readiness: {{ headline }}

{% if label %}
**{{ label | md }}**

{% endif %}
{% if r.otherwise_ready %}
Every *required* check passes; only the session is missing: GO is given from an hour before the open to the close.

{% endif %}
{% if stopping %}
What says NO:

{% for c in stopping %}
- **{{ c.status }}** `{{ c.name }}`: {{ c.details | md }}
{% endfor %}

{% endif %}
{% if warning %}
What only warns:

{% for c in warning %}
- **{{ c.status }}** `{{ c.name }}`: {{ c.details | md }}
{% endfor %}

{% endif %}
| About | This report |
|---|---|
| Judged | {{ r.generated_et | md }} ({{ r.generated_utc }}) |
| Session | {{ r.session_date or "none" }}, {{ r.session_phase | md }} |
| Namespace | {{ r.namespace | md }} |
| Context | {{ r.kubectl_context | md }} |
| Cluster | {{ (r.cluster_identity.text if r.cluster_identity else "not recorded") | md }} |
| Git | {{ (r.git_sha ~ " on " ~ r.git_branch if repository else "no repository is configured: change control and build are not judged") | md }} |
| Fleet | {{ r.fleet_file | md }} `{{ r.fleet_digest }}` |
| What it needs | {{ r.safety.text | md }} |
| Not observed | {{ (unobserved | join("; ") or "nothing is declared so") | md }} |

## Checks

| Check | Status | Details |
|---|---|---|
{% for c in r.checks %}
| `{{ c.name }}` ({{ c.code }}) | {{ c.status }}{{ "" if c.blocks or c.status in ("PASS", "NOT_APPLICABLE") else " (warns)" }} | {{ c.details | md }} |
{% endfor %}

## Evidence

{% for c in r.checks if c.evidence %}
- `{{ c.name }}`: {{ c.evidence | join(", ") | md }}
{% endfor %}
"""  # noqa: E501  (a template's lines are the report's lines)


def readiness_markdown(report: ReadinessReport) -> str:
    """Write a report for people: the verdict first, then what says no, then everything."""
    told = readiness_document(report)
    worse = [c for c in told["checks"] if c["status"] in {"FAIL", "UNKNOWN"}]
    return render(
        {"readiness": _TEMPLATE},
        "readiness",
        r=told,
        label=report.label,
        headline=_headline(report),
        repository=report.repository,
        unobserved=[
            f"{u['agent_name']}, which {u['who']} watches: {u['why']}"
            for u in told["safety"]["unobserved"]
        ],
        stopping=[c for c in worse if c["blocks"]],
        warning=[c for c in worse if not c["blocks"]],
    )


def _headline(report: ReadinessReport) -> str:
    """Return the verdict, and what the fleet file leaves out of it."""
    said = "READY (GO)" if report.ready else f"NOT READY (NO-GO) {report.code}".strip()
    if not report.fleet.safety.judged:
        said += f", {NOT_JUDGED}"
    left_out = report.repository_lints is RepositoryLints.NOT_RUN
    return f"{said}, the repository's own lints not run" if left_out else said


class LatestReadinessDocument(TypedDict):
    """
    The verdict that is served now, and the recorded report behind it.

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
    current: CurrentReadiness,
    path: str | None,
    report: Mapping[str, Any] | None,
) -> LatestReadinessDocument:
    """Return the verdict of this moment, with the report."""
    return {
        "ts": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "verdict": current.verdict.value,
        "code": current.code,
        "detail": current.detail,
        "session_date": document(snapshot.session.session_date),
        "report_path": path,
        "report": report,
        "report_is_current": report is not None and _is_of_today(report, snapshot),
    }


def _is_of_today(report: Mapping[str, Any], snapshot: FloorSnapshot) -> bool:
    """Return whether a report was made today in New York, about today's session if any."""
    made = str(report.get("generated_et"))[: len("2026-11-18")]
    today = new_york_text(snapshot.at)[: len("2026-11-18")]
    return made == today and report.get("session_date") == document(snapshot.session.session_date)
