"""How much is kept, as JSON and as Markdown."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.markdown import render
from mission_control.retention.model import (
    KEPT_CAPTURES,
    KEPT_TRADING_DAYS,
    KeptCollection,
    RetentionReport,
)

MOST_PATHS = 200


class KeptDocument(TypedDict):
    """What one collection holds; at most 200 paths of what lies beyond are listed, oldest first."""

    collection: str
    runs: int
    files: int
    bytes: int
    oldest: str | None
    newest: str | None
    beyond_runs: int
    beyond_bytes: int
    beyond: list[str]


class RetentionDocument(TypedDict):
    """How much is kept, and why that may be less than it should be."""

    generated_utc: str
    generated_et: str
    fine: bool
    kept_since: str | None
    cutoff: str | None
    trading_days_kept: int
    trading_days_wanted: int
    captures_wanted: int
    days_without_runs: list[str]
    missing_files: int
    missing: list[str]
    collections: list[KeptDocument]
    warnings: list[str]
    label: NotRequired[str]


def retention_document(report: RetentionReport, label: str = "") -> RetentionDocument:
    """Give a report of what is kept."""
    document: RetentionDocument = {
        "generated_utc": utc_text(report.at),
        "generated_et": new_york_text(report.at),
        "fine": not report.warnings,
        "kept_since": None if report.since is None else report.since.isoformat(),
        "cutoff": None if report.cutoff is None else report.cutoff.isoformat(),
        "trading_days_kept": report.trading_days,
        "trading_days_wanted": KEPT_TRADING_DAYS,
        "captures_wanted": KEPT_CAPTURES,
        "days_without_runs": [day.isoformat() for day in report.empty_days],
        "missing_files": len(report.missing),
        "missing": list(report.missing[:MOST_PATHS]),
        "collections": [_kept(each) for each in report.collections],
        "warnings": list(report.warnings),
    }
    if label:
        document["label"] = label
    return document


def _kept(kept: KeptCollection) -> KeptDocument:
    return {
        "collection": kept.collection.value,
        "runs": kept.runs,
        "files": kept.files,
        "bytes": kept.bytes,
        "oldest": kept.oldest,
        "newest": kept.newest,
        "beyond_runs": len(kept.beyond),
        "beyond_bytes": kept.beyond_bytes,
        "beyond": list(kept.beyond[:MOST_PATHS]),
    }


_TEMPLATE = """\
# Retention: {{ headline }}

{% if r.label is defined %}
**{{ r.label | md }}**

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


def retention_markdown(document: RetentionDocument) -> str:
    """Write what is kept for people; the first line says whether it is enough."""
    kept = f"{document['trading_days_kept']} of {document['trading_days_wanted']} trading days"
    headline = kept if document["fine"] else f"{kept}, mind the warnings"
    return render({"retention": _TEMPLATE}, "retention", r=document, headline=headline)


class RetentionStateDocument(TypedDict):
    """How much is kept as the newest recorded report says; `fine` only where it says so."""

    fine: bool
    detail: str
    kept_since: str | None
    trading_days_kept: int | None
    trading_days_wanted: int
    warnings: list[str]
    last_run: str | None
    last_run_at: str | None


def retention_state_document(newest: Mapping[str, Any] | None) -> RetentionStateDocument:
    """Give what the newest report says, which may be of another version; None if there is none."""
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
