"""What was recorded: the ledger, one file of it, and whether all is as it was."""

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
        return 502, "NOT INTACT: this file is missing", "It was recorded and is no longer there."
    return 502, "The record could not be read", missed.detail


_STANDINGS = {
    "COPIED": ("fine", "●", "Copied"),
    "NOT_CONFIGURED": ("warn", "▲", "NO DURABLE COPY"),
    "NEVER_RUN": ("warn", "▲", "NOT COPIED YET"),
    "LAGGING": ("warn", "▲", "COPY LAGS"),
    "DOUBTFUL": ("warn", "▲", "COPY IN DOUBT"),
    "FAILED": ("bad", "■", "COPY FAILED"),
    "CONTRADICTED": ("bad", "■", "COPY NOT INTACT"),
}
_UNKNOWN = ("bad", "?", "COPY NOT KNOWN")


def copy_badge(document: Document) -> Badge:
    """Say how the durable copy stands; only one that says COPIED and fine is well."""
    told = _mapping(document.get("durable_copy"))
    look, glyph, word = _STANDINGS.get(str(told.get("standing")), _UNKNOWN)
    if look == "fine" and told.get("fine") is not True:
        look, glyph, word = _UNKNOWN
    parts = [word, _text(told.get("detail")), *_reach(told)]
    return Badge(look, glyph, " · ".join(part for part in parts if part))


def _reach(told: Document) -> Sequence[str]:
    """Say how much is copied, up to which line, and since when the rest waits."""
    found = list[str]()
    if isinstance(told.get("destination"), str):
        found.append(f"to {told['destination']}")
    if isinstance(told.get("runs_copied"), int):
        found.append(f"runs: {told['runs_copied']}, bytes: {told.get('bytes_copied', '?')}")
    if isinstance(told.get("verified_through"), int):
        head = told.get("head_seq", "?")
        found.append(f"verified through line {told['verified_through']} of {head}")
    if isinstance(told.get("lags_since_et"), str):
        found.append(f"waiting since {told['lags_since_et']}")
    if isinstance(told.get("last_run_at_et"), str):
        found.append(f"last run {told['last_run_at_et']}")
    return found


def retention_badge(document: Document) -> Badge:
    """Say how much is kept, as the newest report says."""
    told = _mapping(document.get("retention"))
    detail = _text(told.get("detail"))
    if told.get("fine") is True and detail:
        return Badge("fine", "●", f"Kept · {detail}")
    if not detail:
        return Badge("bad", "?", "RETENTION NOT KNOWN")
    return Badge("warn", "▲", f"RETENTION · {detail}")


def copy_problems(document: Document) -> Sequence[Document]:
    """Give what is wrong with the durable copy, as the newest run names it."""
    problems = _mapping(document.get("durable_copy")).get("problems")
    found = cast("list[object]", problems) if isinstance(problems, list) else []
    return [cast("Document", p) for p in found if isinstance(p, Mapping)]


def report_paths(document: Document) -> Mapping[str, str]:
    """Give where the newest reports of both are shown; what is not told is left out."""
    found = dict[str, str]()
    for what, name in (("durable_copy", "durable_copy.md"), ("retention", "retention_report.md")):
        run = _mapping(document.get(what)).get("last_run")
        if isinstance(run, str):
            found[what] = f"{run}/{name}"
    return found


def _mapping(value: object) -> Document:
    return cast("Document", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
