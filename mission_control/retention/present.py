"""How much is kept, as JSON and as Markdown."""

from collections.abc import Mapping
from typing import Any, cast

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.markdown import render
from mission_control.retention.model import (
    KEPT_CAPTURES,
    KEPT_TRADING_DAYS,
    KeptCollection,
    RetentionReport,
)

MOST_PATHS = 200


def retention_document(report: RetentionReport) -> dict[str, Any]:
    """Return a report of what is kept; of long lists the first 200 paths."""
    return {
        "generated_utc": utc_text(report.at),
        "generated_et": new_york_text(report.at),
        "fine": not report.warnings,
        "kept_since": document(report.since),
        "cutoff": document(report.cutoff),
        "trading_days_kept": report.trading_days,
        "trading_days_wanted": KEPT_TRADING_DAYS,
        "captures_wanted": KEPT_CAPTURES,
        "days_without_runs": document(report.empty_days),
        "missing_files": len(report.missing),
        "missing": list(report.missing[:MOST_PATHS]),
        "collections": [_kept(each) for each in report.collections],
        "warnings": list(report.warnings),
    }


def _kept(kept: KeptCollection) -> dict[str, Any]:
    beyond = {"beyond_runs": len(kept.beyond), "beyond": list(kept.beyond[:MOST_PATHS])}
    return document(kept, "beyond") | beyond


_TEMPLATE = """\
# Retention: {{ headline }}

{% if label %}
**{{ label | md }}**

{% endif %}
{% for w in r.warnings %}
**Mind:** {{ w | md }}

{% endfor %}
Mission Control deletes no artifact, ever. What lies beyond {{ r.trading_days_wanted }} trading days ({{ "before " ~ r.cutoff if r.cutoff else "which cannot be counted" }}), or beyond
the newest {{ r.captures_wanted }} captures, need not be kept any longer; whether it is, people decide.

| Collection | Runs | Files | Bytes | Oldest | Newest | Beyond: runs | Beyond: bytes |
|---|---|---|---|---|---|---|---|
{% for c in r.collections %}
| `{{ c.collection }}` | {{ c.runs }} | {{ c.files }} | {{ c.bytes }} | {{ c.oldest or "none" }} | {{ c.newest or "none" }} | {{ c.beyond_runs }} | {{ c.beyond_bytes }} |
{% endfor %}

Kept since {{ r.kept_since or "never" }}; reported {{ r.generated_et | md }} ({{ r.generated_utc }}).
{% for c in r.collections if c.beyond %}

## Beyond, in {{ c.collection }}

{% for path in c.beyond %}
- `{{ path }}`
{% endfor %}
{% if c.beyond_runs > c.beyond | length %}
- and {{ c.beyond_runs - c.beyond | length }} more
{% endif %}
{% endfor %}
{% if r.missing %}

## Recorded, and not there any more

{% for path in r.missing %}
- `{{ path }}`
{% endfor %}
{% if r.missing_files > r.missing | length %}
- and {{ r.missing_files - r.missing | length }} more
{% endif %}
{% endif %}
"""  # noqa: E501  (a template's lines are the report's lines)


def retention_markdown(document: Mapping[str, Any], label: str = "") -> str:
    """Write what is kept for people; the first line says whether it is enough."""
    kept = f"{document['trading_days_kept']} of {document['trading_days_wanted']} trading days"
    headline = kept if document["fine"] else f"{kept}, mind the warnings"
    return render({"retention": _TEMPLATE}, "retention", r=document, label=label, headline=headline)


def retention_state_document(newest: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the newest report says, which may be of another version; None without one."""
    told: Mapping[str, Any] = newest or {}
    warnings = told.get("warnings")
    listed = [str(w) for w in cast("list[object]", warnings)] if isinstance(warnings, list) else []
    fine = told.get("fine") is True and warnings == []
    kept = told.get("trading_days_kept")
    if newest is None:
        detail = "no retention report was recorded yet"
    elif fine:
        detail = f"{kept} trading days are kept, since {told.get('kept_since')}"
    else:
        detail = "; ".join(listed) or str(
            told.get("unreadable") or "the report does not say enough"
        )
    return {
        "fine": fine,
        "detail": detail,
        "kept_since": told.get("kept_since"),
        "trading_days_kept": kept,
        "trading_days_wanted": KEPT_TRADING_DAYS,
        "warnings": listed,
        "last_run": told.get("path"),
        "last_run_at": told.get("generated_utc"),
    }
