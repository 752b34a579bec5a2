"""The last known good. What is missing, or is not GOOD, is never green."""

from collections.abc import Iterator
from dataclasses import dataclass

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ops_ui.mission_control_client import Missed
from ops_ui.record_answers import Capture, Captures
from ops_ui.rendering import pages_of
from ops_ui.reports import show_comparison

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
    notes: tuple[str, ...]


@get("/lkg", media_type=MediaType.HTML)
async def lkg(state: State) -> Response[str]:
    """Show captures of the last known good, and what each is worth."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/lkg", Captures)
    if isinstance(found, Missed):
        return await pages.missed(found, "The last known good could not be read")
    return await pages.render(
        "lkg.html",
        captures=[_row(each) for each in found.captures],
        good=found.good,
        doubts=found.good_doubts[:_MOST_REASONS],
        label=found.label,
    )


@get("/lkg/diff", media_type=MediaType.HTML)
async def lkg_diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what differs between two captures."""
    return await show_comparison(
        pages_of(state), request, "/api/v1/lkg/diff", "lkg_diff.html", "captures"
    )


def _row(capture: Capture) -> CaptureRow:
    reasons = tuple((r.code or "?", r.detail) for r in capture.reasons or ())
    problem, status = capture.problem, capture.status or "UNKNOWN"
    if problem:
        reasons = (("UNREADABLE", problem), *reasons)
    # A capture that is called good is believed where it says that nothing is against it.
    good = status == "GOOD" and not problem and capture.reasons == ()
    return CaptureRow(
        path=capture.path,
        name=capture.path.rpartition("/")[2],
        at=capture.at,
        session=capture.session_date or "none",
        look="fine" if good else "bad" if problem or status != "CANDIDATE" else "warn",
        glyph="●" if good else "▲" if status == "CANDIDATE" else "?",
        status="UNKNOWN" if status == "GOOD" and not good else status,
        reasons=reasons[:_MOST_REASONS],
        more_reasons=max(0, len(reasons) - _MOST_REASONS),
        unchanged="" if problem else _unchanged(capture),  # unreadable: nothing is known of it
        digest=capture.content_digest,
        notes=() if problem else tuple(_notes(capture)),
    )


def _unchanged(capture: Capture) -> str:
    sessions = capture.unchanged_for_sessions or 0
    if sessions > 0:
        return f"unchanged for {sessions} session{'s' if sessions > 1 else ''}"
    return "unchanged in this session" if capture.same_as else "no session before is the same"


def _notes(capture: Capture) -> Iterator[str]:
    observed = capture.kill_switch_observed
    told = "none was observed" if observed is None else f"observed {observed!r}"
    yield f"kill switch: {told}; '1' in the manifest"
    yield from (f"UNPINNABLE {title}, at 0 replicas" for title in capture.unpinnable)
