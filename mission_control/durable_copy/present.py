"""A run of copying as JSON and as Markdown, and how the durable copy stands now."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from mission_control.documents.instants import (
    new_york_text,
    new_york_text_or_none,
    utc_text,
    utc_text_or_none,
)
from mission_control.documents.markdown import render
from mission_control.durable_copy.model import (
    CopyMemory,
    CopyProblem,
    CopyProblemKind,
    CopyReport,
    CopyState,
    Tally,
)

MOST_PROBLEMS = 200


class TallyDocument(TypedDict):
    """How many files, of how many bytes."""

    files: int
    bytes: int


class CopyHeadDocument(TypedDict):
    """Where the ledger ended when the run began."""

    seq: int
    hash: str


class CopyProblemDocument(TypedDict):
    """One thing that is not copied and verified as it should be."""

    kind: str
    path: str
    detail: str


class CopyDocument(TypedDict):
    """
    One run of copying; at most 200 problems are listed, worst first.

    `verified_through` to `pending_since` are null where the destination did not tell what it
    holds.
    """

    generated_utc: str
    generated_et: str
    started_utc: str
    destination: str
    complete: bool
    contradicted: bool
    failure: str
    cautions: list[str]
    head: CopyHeadDocument
    verified_through: int | None
    runs_copied: int | None
    copied: TallyDocument | None
    pending: int | None
    pending_seq: int | None
    pending_since: str | None
    sent: TallyDocument
    found: TallyDocument
    reread: TallyDocument
    problems_found: int
    problems: list[CopyProblemDocument]
    label: NotRequired[str]


def copy_document(report: CopyReport, label: str = "") -> CopyDocument:
    """Give what a run of copying found and did."""
    reach = report.reach
    document: CopyDocument = {
        "generated_utc": utc_text(report.finished),
        "generated_et": new_york_text(report.finished),
        "started_utc": utc_text(report.started),
        "destination": report.destination,
        "complete": report.complete,
        "contradicted": report.contradicted,
        "failure": report.failure,
        "cautions": list(report.cautions),
        "head": {"seq": report.head.seq, "hash": report.head.hash},
        "verified_through": None if reach is None else reach.through,
        "runs_copied": None if reach is None else reach.runs,
        "copied": None if reach is None else _tally(reach.copied),
        "pending": None if reach is None else reach.pending,
        "pending_seq": None if reach is None else reach.pending_seq,
        "pending_since": None if reach is None else reach.pending_since,
        "sent": _tally(report.sent),
        "found": _tally(report.found),
        "reread": _tally(report.reread),
        "problems_found": len(report.problems),
        "problems": [
            {"kind": p.kind.value, "path": p.path, "detail": p.detail}
            for p in report.problems[:MOST_PROBLEMS]
        ],
    }
    if label:
        document["label"] = label
    return document


def _tally(tally: Tally) -> TallyDocument:
    return {"files": tally.files, "bytes": tally.bytes}


_TEMPLATE = """\
# Durable copy: {{ headline }}

{% if r.label is defined %}
**{{ r.label | md }}**

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
| There, and verified | not known: the destination did not tell what it holds |
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


def copy_markdown(document: CopyDocument) -> str:
    """Write a run of copying for people; the first line says whether all is well."""
    return render({"copy": _TEMPLATE}, "copy", r=document, headline=headline(document))


def headline(document: CopyDocument) -> str:
    """Say in a few words how a run of copying ended."""
    if document["contradicted"]:
        return f"NOT INTACT, problems: {document['problems_found']}"
    if document["complete"]:
        mind = ", but mind the place" if document["cautions"] else ""
        return f"complete up to line {document['head']['seq']}{mind}"
    return "NOT complete"


class DurableCopyDocument(TypedDict):
    """
    How the durable copy stands now, from the newest recorded run; `fine` only if all is well.

    `lags_since` is when the oldest run that is not copied and verified was recorded.
    """

    standing: str
    fine: bool
    detail: str
    destination: str | None
    runs_copied: int | None
    bytes_copied: int | None
    verified_through: int | None
    head_seq: int
    lags_since: str | None
    lags_since_et: str | None
    last_run: str | None
    last_run_at: str | None
    last_run_at_et: str | None
    problems_found: int | None
    problems: list[CopyProblemDocument]


def durable_copy_document(
    state: CopyState, destination: str, head_seq: int, newest: Mapping[str, Any] | None
) -> DurableCopyDocument:
    """
    Give how the durable copy stands; `newest` holds what is known of the newest recorded runs.

    It may be of another version: what it does not hold is null.
    """
    told = newest or {}
    copied, problems = told.get("copied"), told.get("problems")
    counted = cast("Mapping[str, Any]", copied if isinstance(copied, Mapping) else {})
    return {
        "standing": state.standing.value,
        "fine": state.fine,
        "detail": state.detail,
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


class DoubtDocument(TypedDict):
    """What is wrong with a file until it is read back equal."""

    kind: str
    path: str
    detail: str


class MemoryDocument(TypedDict):
    """
    What is known of a destination after a run; nothing is cut off here.

    `head_seq` is where the ledger ended when the run began: what was recorded later it did not
    know.
    """

    destination: str
    head_seq: int
    runs: int
    through: int
    proven: list[str]
    doubts: list[DoubtDocument]
    overdue: list[str]
    lost: bool


def memory_document(report: CopyReport) -> MemoryDocument:
    """Give what a run tells the next one."""
    memory = report.memory
    return {
        "destination": report.destination,
        "head_seq": report.head.seq,
        "runs": memory.runs,
        "through": memory.through,
        "proven": sorted(memory.proven),
        "doubts": [
            {"kind": d.kind.value, "path": d.path, "detail": d.detail} for d in memory.doubts
        ],
        "overdue": list(memory.overdue),
        "lost": memory.lost,
    }


def read_memory(document: Mapping[str, Any]) -> CopyMemory | None:
    """Read what a run told; None where anything of it is missing or of another shape."""
    told = [document.get(name) for name in MemoryDocument.__annotations__]
    shapes = [str, int, int, int, list, list, list, bool]
    if [type(value) for value in told] != shapes:
        return None
    _, _, runs, through, proven, doubts, overdue, lost = cast("list[Any]", told)
    read = [_read_doubt(doubt) for doubt in doubts]
    known = [doubt for doubt in read if doubt is not None]
    if len(known) != len(read) or not all(isinstance(p, str) for p in (*proven, *overdue)):
        return None
    return CopyMemory(runs, through, frozenset(proven), tuple(known), tuple(overdue), lost)


def _read_doubt(told: object) -> CopyProblem | None:
    if not isinstance(told, Mapping):
        return None
    doubt = cast("Mapping[str, Any]", told)
    path, kind, detail = (str(doubt.get(name) or "") for name in ("path", "kind", "detail"))
    if not path or kind not in set(CopyProblemKind):
        return None
    return CopyProblem(path, CopyProblemKind(kind), detail)
