"""The last known good. What is missing, or is not GOOD, is never green."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from ops_ui.mission_control_client import Document
from ops_ui.pages.reports import MAX_REFERENCE

_MOST_REASONS = 12


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """One capture as it is shown; `look` is a CSS class."""

    path: str
    name: str
    at: str
    session: str
    look: str
    glyph: str
    status: str
    reasons: tuple[tuple[str, str], ...]
    more_reasons: int
    unchanged: str
    digest: str
    namespace: str
    notes: tuple[str, ...]


def captures_of(document: Document) -> Sequence[CaptureRow]:
    """Give the listed captures; what is none is left out."""
    return [_row(each) for each in _mappings(document.get("captures"))]


def _row(capture: Mapping[str, object]) -> CaptureRow:
    reasons = tuple(
        (_text(r.get("code")) or "?", _text(r.get("detail")))
        for r in _mappings(capture.get("reasons"))
    )
    problem = _text(capture.get("problem"))
    if problem:
        reasons = (("UNREADABLE", problem), *reasons)
    # A capture that is called good and has reasons against it is not believed.
    good = capture.get("status") == "GOOD" and not reasons
    status = _text(capture.get("status")) or "UNKNOWN"
    path = _text(capture.get("path"))
    return CaptureRow(
        path=path,
        name=path.rpartition("/")[2],
        at=_text(capture.get("at")),
        session=_text(capture.get("session_date")) or "none",
        look="fine" if good else "bad" if problem or status != "CANDIDATE" else "warn",
        glyph="●" if good else "▲" if status == "CANDIDATE" else "?",
        status="GOOD" if good else "UNKNOWN" if status == "GOOD" else status,
        reasons=reasons[:_MOST_REASONS],
        more_reasons=max(0, len(reasons) - _MOST_REASONS),
        unchanged=""
        if problem  # nothing is known of one that cannot be read
        else _unchanged(capture.get("unchanged_for_sessions"), capture.get("same_as")),
        digest=_text(capture.get("content_digest")),
        namespace=_text(capture.get("namespace")),
        notes=() if problem else tuple(_notes(capture)),
    )


def _unchanged(sessions: object, same_as: object) -> str:
    if isinstance(sessions, int) and not isinstance(sessions, bool) and sessions > 0:
        return f"unchanged for {sessions} session{'s' if sessions > 1 else ''}"
    return "unchanged in this session" if same_as else "no session before is the same"


def _notes(capture: Mapping[str, object]) -> Sequence[str]:
    observed = capture.get("kill_switch_observed")
    told = f"observed {observed!r}" if isinstance(observed, str) else "none was observed"
    unpinnable = capture.get("unpinnable")
    titles = cast("list[object]", unpinnable) if isinstance(unpinnable, list) else []
    return [
        f"kill switch: {told}; '1' in the manifest",
        *(f"UNPINNABLE {title}, at 0 replicas" for title in titles),
    ]


def good_path_of(document: Document) -> str:
    """Give where the newest GOOD capture is; an empty text where there is none."""
    return _text(document.get("good"))


def good_doubts_of(document: Document) -> Sequence[str]:
    """Give why another capture than the newest GOOD one may be the last known good."""
    told = document.get("good_doubts")
    held = cast("list[object]", told) if isinstance(told, list) else []
    return [each for each in held if isinstance(each, str)][:_MOST_REASONS]


def lkg_diff_path(asked: Mapping[str, str]) -> str:
    """Give the API's path for the two captures in a page's address."""
    kept = {k: asked[k][:MAX_REFERENCE] for k in ("from", "to") if asked.get(k)}
    return f"/api/v1/lkg/diff?{urlencode(kept)}" if kept else "/api/v1/lkg/diff"


def _mappings(value: object) -> Sequence[Mapping[str, object]]:
    found = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, object]", each) for each in found if isinstance(each, Mapping)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
