"""A run of copying as JSON and as Markdown, and the state of the durable copy now."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from mission_control.documents.document import document
from mission_control.documents.instants import (
    new_york_text,
    new_york_text_or_none,
    utc_text,
    utc_text_or_none,
)
from mission_control.documents.markdown import render
from mission_control.durable_copy.model import CopyMemory, CopyReport, CopyState

MOST_PROBLEMS = 200
_REACHED = ("copied", "pending", "pending_seq", "pending_since")
_MEMORY = TypeAdapter(CopyMemory)
_REMEMBERED = {"destination", "head_seq", *(f.name for f in fields(CopyMemory))}


def copy_document(report: CopyReport) -> dict[str, Any]:
    """
    Return what a run of copying found and did; at most 200 problems are listed, worst first.

    What it reached is null where the destination did not say what it holds.
    """
    reach = report.reach
    return {
        "generated_utc": utc_text(report.finished),
        "generated_et": new_york_text(report.finished),
        "started_utc": utc_text(report.started),
        "complete": report.complete,
        "contradicted": report.contradicted,
        **document(report, "started", "finished", "head", "reach", "problems", "memory"),
        "head": document(report.head),
        "verified_through": reach and reach.through,
        "runs_copied": reach and reach.runs,
        **(document(reach, "through", "runs") if reach else dict.fromkeys(_REACHED)),
        "problems_found": len(report.problems),
        "problems": document(report.problems[:MOST_PROBLEMS]),
    }


_TEMPLATE = """\
# Durable copy: {{ headline }}

{% if label %}
**{{ label | md }}**

{% endif %}
{% if r.failure %}
**It did not finish:** {{ r.failure | md }}

{% endif %}
{% for c in r.cautions %}
**Mind:** {{ c | md }}

{% endfor %}
| About | This run |
|---|---|
| Destination | {{ r.destination | md }} |
| Finished | {{ r.generated_et | md }} ({{ r.generated_utc }}) |
| Ledger's head when it began | line {{ r.head.seq }}, `{{ r.head.hash[:16] }}` |
{% if r.verified_through is none %}
| There, and verified | not known: the destination did not say what it holds |
{% else %}
| There, and verified | {{ r.runs_copied }} runs, {{ r.copied.files }} files, {{ r.copied.bytes }} bytes; every line up to {{ r.verified_through }} |
| Not there yet | {{ r.pending }} runs{% if r.pending %}, the oldest is line {{ r.pending_seq }} of {{ r.pending_since }}{% endif %} |
{% endif %}
| Sent now | {{ r.sent.files }} files, {{ r.sent.bytes }} bytes |
| There already, and equal | {{ r.found.files }} files, {{ r.found.bytes }} bytes |
| Read back once more | {{ r.reread.files }} files, {{ r.reread.bytes }} bytes |

## Problems

{% for p in r.problems %}
- **{{ p.kind }}** {{ p.path | md }}: {{ p.detail | md }}
{% else %}
None{{ " that was seen" if r.failure }}.
{% endfor %}
{% if r.problems_found > r.problems | length %}
- and {{ r.problems_found - r.problems | length }} more
{% endif %}

This run's own record is copied by the next one. No file that was copied is ever overwritten or
removed there; only what a copy of ours left half written more than a day ago is.
"""  # noqa: E501  (a template's lines are the report's lines)


def copy_markdown(document: Mapping[str, Any], label: str = "") -> str:
    """Write a run of copying for people; the first line says whether all is well."""
    title = headline(document)
    return render({"copy": _TEMPLATE}, "copy", r=document, label=label, headline=title)


def headline(document: Mapping[str, Any]) -> str:
    """Return in a few words how a run of copying ended."""
    if document["contradicted"]:
        return f"NOT INTACT, problems: {document['problems_found']}"
    if document["complete"]:
        mind = ", but mind the place" if document["cautions"] else ""
        return f"complete up to line {document['head']['seq']}{mind}"
    return "NOT complete"


def durable_copy_document(
    state: CopyState, destination: str, head_seq: int, newest: Mapping[str, Any] | None
) -> dict[str, Any]:
    """
    Return the state of the durable copy; `newest` holds what is known of the newest recorded runs.

    It may be of another version: what it does not hold is null. `fine` only if all is well, and
    `lags_since` is when the oldest run that is not copied and verified was recorded.
    """
    told = newest or {}
    copied, problems = told.get("copied"), told.get("problems")
    counted = cast("Mapping[str, Any]", copied if isinstance(copied, Mapping) else {})
    return {
        **document(state, "since"),
        "fine": state.fine,
        "destination": destination or None,
        "runs_copied": told.get("runs_copied"),
        "bytes_copied": counted.get("bytes"),
        "verified_through": told.get("verified_through"),
        "head_seq": head_seq,
        "lags_since": utc_text_or_none(state.since),
        "lags_since_et": new_york_text_or_none(state.since),
        "last_run": told.get("path"),
        "last_run_at": told.get("generated_utc"),
        "last_run_at_et": told.get("generated_et"),
        "problems_found": told.get("problems_found"),
        "problems": problems[:10] if isinstance(problems, list) else [],
    }


def memory_document(report: CopyReport) -> dict[str, Any]:
    """
    Return what a run passes to the next one; nothing is cut off here.

    `head_seq` is where the ledger ended when the run began: later lines it did not know.
    """
    return {
        "destination": report.destination,
        "head_seq": report.head.seq,
        **document(report.memory),
    }


def read_memory(told: Mapping[str, Any]) -> CopyMemory | None:
    """Read what a run passed on; None where anything of it is missing or of another shape."""
    destination, head_seq = told.get("destination"), told.get("head_seq")
    named = isinstance(destination, str) and type(head_seq) is int
    if not named or not told.keys() >= _REMEMBERED:
        return None
    try:
        return _MEMORY.validate_json(orjson.dumps(dict(told)), strict=True)
    except ValidationError:
        return None
