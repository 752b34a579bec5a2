"""Pages: readiness and deploy reports. What is missing is never GO."""

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
