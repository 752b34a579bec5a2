"""Pages: what was recorded: the ledger, one file of it, and whether all is as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlencode

from ops_ui.mission_control_client import Document, Missed

API = "/api/v1/artifacts"
HTTP_CONFLICT, HTTP_GONE = 409, 410
FILTERS = ("job", "session_date", "since", "until", "cursor", "limit")
MAX_FILTER = 128


@dataclass(frozen=True, slots=True)
class Badge:
    """Whether everything is as it was recorded: look (a CSS class), glyph, words."""

    look: str
    glyph: str
    words: str


def list_path(asked: Mapping[str, str]) -> str:
    """Give the API's path for the filters in a page's address; what is no filter is left out."""
    kept = {k: asked[k][:MAX_FILTER] for k in FILTERS if asked.get(k)}
    return f"{API}?{urlencode(kept)}" if kept else API


def older_path(asked: Mapping[str, str], document: Document) -> str | None:
    """Give the address of the page with older runs; None on the last one."""
    cursor = document.get("next_cursor")
    if not isinstance(cursor, str):
        return None
    kept = {k: asked[k][:MAX_FILTER] for k in FILTERS if asked.get(k)}
    return f"/artifacts?{urlencode({**kept, 'cursor': cursor})}"


def file_path(path: str) -> str:
    """Give the API's path of a recorded file; nothing in it can leave the API's folder."""
    return f"{API}/{quote(path.lstrip('/'), safe='/._-')}"


def badge(verification: object) -> Badge:
    """Say whether everything is as it was recorded; what cannot be read is never intact."""
    found: Mapping[str, object] = {}
    if isinstance(verification, dict):
        found = cast("Mapping[str, object]", verification)
    many = f"runs: {found.get('runs', '?')}, files: {found.get('files', '?')}"
    at = f"checked {found['at_et']}" if found.get("at_et") else "never checked"
    if found.get("intact") is True:
        return Badge("fine", "●", f"Intact · {many} · {at}")
    if found.get("intact") is False:
        wrong = found.get("discrepancies_found", "?")
        return Badge("bad", "■", f"NOT INTACT · discrepancies: {wrong} · {many} · {at}")
    return Badge("bad", "?", "NOT VERIFIED")


def runs_of(document: Document) -> Sequence[Mapping[str, object]]:
    """Give the runs of a page; what is no run is left out."""
    runs = document.get("runs")
    found = cast("list[object]", runs) if isinstance(runs, list) else []
    return [cast("Mapping[str, object]", run) for run in found if isinstance(run, dict)]


def why_not(missed: Missed | None) -> tuple[int, str, str]:
    """Give status, heading and sentence for a file that cannot be shown."""
    if missed is None:
        return 404, "Nothing was recorded under this path", ""
    if missed.status == HTTP_CONFLICT:
        heading = "NOT INTACT: this file was altered"
        return 502, heading, "Its bytes are not those that were recorded, and so it is not shown."
    if missed.status == HTTP_GONE:
        return 502, "NOT INTACT: this file is missing", "It is recorded and is not there any more."
    return 502, "The record could not be read", missed.detail
