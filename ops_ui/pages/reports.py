"""Readiness and deploy reports. What is missing is never GO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from ops_ui.mission_control_client import Document, Missed

MAX_REFERENCE = 200
_WORST_FIRST = {"FAIL": 0, "UNKNOWN": 1, "PASS": 2, "NOT_APPLICABLE": 3}
_GLYPHS = {"PASS": "●", "FAIL": "■", "UNKNOWN": "?", "NOT_APPLICABLE": "○"}


@dataclass(frozen=True, slots=True)
class ReadinessView:
    """The verdict of this moment; `look` is a CSS class, `checks` are worst first."""

    look: str
    glyph: str
    word: str
    detail: str
    checks: tuple[Mapping[str, object], ...]
    report: Document
    document: Document

    @property
    def is_old(self) -> bool:
        """Tell whether the report is about another session, or may be."""
        return bool(self.report) and self.document.get("report_is_current") is not True

    @property
    def stopping(self) -> tuple[Mapping[str, object], ...]:
        """Give the checks that say NO."""
        return tuple(c for c in self.checks if c["stops"])


def see_readiness(document: Document | Missed) -> ReadinessView:
    """Turn the latest readiness into a page; an answer that was missed is NO-GO."""
    if isinstance(document, Missed):
        return ReadinessView(
            "failure-garbage", "?", "NO-GO (not known)", document.detail, (), {}, {}
        )
    go = document.get("verdict") == "GO"
    nothing: Document = {}
    report = document.get("report")
    held = cast("Document", report) if isinstance(report, Mapping) else nothing
    checks = held.get("checks")
    each = cast("list[object]", checks) if isinstance(checks, list) else []
    found = [_check(cast("Document", c)) for c in each if isinstance(c, Mapping)]
    found.sort(
        key=lambda c: (not c["stops"], _WORST_FIRST.get(str(c["status"]), 1), str(c["code"]))
    )
    code = document.get("code")
    word = "GO" if go else f"NO-GO {code if isinstance(code, str) else ''}".strip()
    detail = document.get("detail")
    look, glyph = ("ok", "●") if go else ("halted", "■")
    current = document.get("report_is_current") is True
    if code == "SESSION_CLOSED" and current and held.get("otherwise_ready") is True:
        look, glyph = "closed", "◐"
    return ReadinessView(
        look,
        glyph,
        word,
        detail if isinstance(detail, str) else "",
        tuple(found),
        held,
        document,
    )


def _check(check: Document) -> Mapping[str, object]:
    status = str(check.get("status", "UNKNOWN"))
    worse = status not in {"PASS", "NOT_APPLICABLE"}
    blocks = check.get("blocks") is not False
    return {
        "code": check.get("code", ""),
        "name": check.get("name", "?"),
        "status": status,
        "glyph": _GLYPHS.get(status, "?"),
        "details": check.get("details", ""),
        "stops": worse and blocks,
        "warns": worse and not blocks,
    }


def reports_of(document: Document) -> Sequence[Mapping[str, object]]:
    """Give the listed reports; what is none is left out."""
    listed = document.get("reports")
    found = cast("list[object]", listed) if isinstance(listed, list) else []
    return [cast("Mapping[str, object]", r) for r in found if isinstance(r, Mapping)]


def gaps_of(document: Document) -> Sequence[str]:
    """Say why a comparison may not be all; only an answer that says that nothing is missing is."""
    gaps, changes = document.get("gaps"), document.get("changes")
    if not isinstance(gaps, list) or not isinstance(changes, list):
        return ["Mission Control did not say what it compared"]
    return [str(g) for g in cast("list[object]", gaps)]


def folded_of(document: Document) -> Sequence[str]:
    """Count what was left out of the changes, for it differs in any two reports."""
    listed = document.get("folded")
    found = cast("list[object]", listed) if isinstance(listed, list) else []
    each = [cast("Document", f) for f in found if isinstance(f, Mapping)]
    return [f"{f.get('what', '?')} ({f.get('count', '?')})" for f in each]


def clusters_of(document: Document) -> str:
    """Say that two records are not of one cluster, or not known to be; empty where they are."""
    told = document.get("clusters")
    if not isinstance(told, str):
        return "Mission Control did not say whether both are of one cluster"
    return told


def diff_path(asked: Mapping[str, str]) -> str:
    """Give the API's path for the two reports in a page's address."""
    kept = {k: asked[k][:MAX_REFERENCE] for k in ("from", "to") if asked.get(k)}
    return f"/api/v1/reports/diff?{urlencode(kept)}" if kept else "/api/v1/reports/diff"


MOST_VALUES = 6
WHOLE = 100.0
_CLEAN = "NO_EXECUTION_OBSERVED"
_WORDS = {
    "EXECUTION_OBSERVED": ("bad", "■", "EXECUTION OBSERVED"),
    "NO_EXECUTION_OBSERVED_WITH_GAPS": ("warn", "▲", "No execution observed, WITH GAPS"),
    "NOT_OBSERVED": ("bad", "?", "NOT OBSERVED"),
}


@dataclass(frozen=True, slots=True)
class AttestationView:
    """A session's attestation; `look` is a CSS class, `trouble` says why there is none."""

    look: str
    glyph: str
    word: str
    trouble: str = ""
    document: Document | None = None
    attestation: Document | None = None
    signs: tuple[Document, ...] = ()
    gaps: tuple[Document, ...] = ()
    facts: tuple[Document, ...] = ()
    matters: tuple[Document, ...] = ()
    sessions: tuple[Document, ...] = ()


def see_attestation(document: Document | Missed) -> AttestationView:
    """Turn a recorded attestation into a page; only one that is whole in every part is clean."""
    if isinstance(document, Missed):
        return AttestationView("bad", "?", "NOT KNOWN", trouble=document.detail)
    if not document:
        return AttestationView("bad", "?", "NOT ATTESTED")
    held = _mapping(document.get("attestation"))
    coverage = _mapping(held.get("coverage"))
    look, glyph, word = _WORDS.get(str(held.get("conclusion")), ("bad", "?", "NOT KNOWN"))
    nothing = held.get("gaps") == [] and held.get("signs") == []
    if held.get("conclusion") == _CLEAN and nothing and coverage.get("observed_percent") == WHOLE:
        look, glyph, word = "fine", "●", "No execution observed"
    return AttestationView(
        look,
        glyph,
        word,
        "",
        document,
        held,
        _each(held.get("signs")),
        _each(held.get("gaps")),
        tuple(f for f in _each(coverage.get("facts")) if f.get("required")),
        tuple(_matter(m) for m in _each(held.get("matters"))),
        _each(document.get("sessions")),
    )


def _matter(matter: Document) -> Document:
    """Give a matter with the values that were told of it, in the order of their telling."""
    spans = [
        (str(span.get("since")), span.get("value"))
        for source in _each(matter.get("sources"))
        for span in _each(source.get("spans"))
    ]
    told = dict.fromkeys(str(v) for _, v in sorted(spans, key=lambda s: s[0]) if v is not None)
    values = [*list(told)[:MOST_VALUES], *(["…"] if len(told) > MOST_VALUES else [])]
    gaps = _each(matter.get("gaps"))
    why = str(gaps[0].get("unobserved", "")) if gaps else ""
    return {**matter, "values": values, "why": why, "gap_count": len(gaps)}


def _mapping(value: object) -> Document:
    nothing: Document = {}
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else nothing


def _each(value: object) -> tuple[Document, ...]:
    found = cast("Sequence[object]", value) if isinstance(value, list) else ()
    return tuple(cast("Mapping[str, object]", v) for v in found if isinstance(v, Mapping))


def attestation_path(asked: Mapping[str, str]) -> str:
    """Give the API's path for the session in a page's address."""
    session = asked.get("session", "")[:10]
    named = f"?{urlencode({'session': session})}" if session else ""
    return f"/api/v1/attestation/no-execution{named}"
