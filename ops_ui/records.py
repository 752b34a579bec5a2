"""What was recorded: the ledger, one file of it, and whether all is as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ops_ui.mission_control_client import Missed
from ops_ui.record_answers import Artifacts, DurableCopy, Retention, Verification
from ops_ui.rendering import Pages, asked_of, older_of, pages_of, query_of

_API = "/api/v1/artifacts"
_HTTP_CONFLICT, _HTTP_GONE = 409, 410
_FILTERS = ("job", "session_date", "since", "until", "cursor", "limit")
_MAX_DOWNLOAD = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Badge:
    """How a part of the record is: look (a CSS class), glyph, words; and its report's path."""

    look: str
    glyph: str
    words: str
    report: str = ""


@get("/artifacts", media_type=MediaType.HTML)
async def artifacts(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what was recorded, and whether it is still as it was."""
    pages, asked = pages_of(state), asked_of(request, _FILTERS)
    found = await pages.client.ask(_API + query_of(asked), Artifacts)
    if isinstance(found, Missed):
        return await pages.missed(found, "What was recorded could not be read")
    return await pages.render(
        "artifacts.html",
        record=found,
        badge=_intact_badge(found.verification),
        copied=_copy_badge(found.durable_copy),
        kept=_retention_badge(found.retention),
        asked=sorted(asked.items()),
        older=older_of("/artifacts", asked, found.next_cursor),
    )


@get("/artifacts/view/{path:path}", media_type=MediaType.HTML)
async def artifact(state: State, path: FromPath[str]) -> Response[str]:
    """Show one recorded file; one that is not as it was recorded is not shown."""
    pages = pages_of(state)
    content = await pages.client.file(_file_path(path))
    if content is None or isinstance(content, Missed):
        return await _why_not(pages, content)
    shown = await pages.renderer.show(path.lstrip("/"), content)
    return await pages.render("artifact.html", shown=shown, label=pages.client.label)


@get("/artifacts/download/{path:path}")
async def download(state: State, path: FromPath[str]) -> Response[bytes] | Response[str]:
    """Hand out one recorded file as it was recorded."""
    pages = pages_of(state)
    content = await pages.client.file(_file_path(path), limit=_MAX_DOWNLOAD)
    if content is None or isinstance(content, Missed):
        return await _why_not(pages, content)
    name = "".join(c for c in path.rpartition("/")[2] if c.isalnum() or c in "._-")
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, max-age=31536000, immutable",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


def _file_path(path: str) -> str:
    """Return the API's path of a recorded file; nothing in it can leave the API's folder."""
    return f"{_API}/{quote(path.lstrip('/'), safe='/._-')}"


async def _why_not(pages: Pages, missed: Missed | None) -> Response[str]:
    """Say why a file cannot be shown."""
    status, heading, text = 502, "The record could not be read", missed.detail if missed else ""
    if missed is None:
        status, heading = 404, "Nothing was recorded under this path"
    elif missed.status == _HTTP_CONFLICT:
        heading = "NOT INTACT: this file was altered"
        text = "Its bytes are not those that were recorded, and so it is not shown."
    elif missed.status == _HTTP_GONE:
        heading = "NOT INTACT: this file is missing"
        text = "It was recorded and is no longer there."
    return await pages.render("message.html", status, heading=heading, text=text)


def _intact_badge(found: Verification) -> Badge:
    """Say whether everything is as it was recorded; what cannot be read is never intact."""
    many = f"runs: {found.runs}, files: {found.files}"
    at = f"checked {found.at_et}" if found.at_et else "never checked"
    if found.intact is True:
        return Badge("fine", "●", f"Intact · {many} · {at}")
    if found.intact is False:
        wrong = found.discrepancies_found
        return Badge("bad", "■", f"NOT INTACT · discrepancies: {wrong} · {many} · {at}")
    return Badge("bad", "?", "NOT VERIFIED")


_STATES = {
    "COPIED": ("fine", "●", "Copied"),
    "NOT_CONFIGURED": ("warn", "▲", "NO DURABLE COPY"),
    "NEVER_RUN": ("warn", "▲", "NOT COPIED YET"),
    "LAGGING": ("warn", "▲", "COPY LAGS"),
    "DOUBTFUL": ("warn", "▲", "COPY IN DOUBT"),
    "FAILED": ("bad", "■", "COPY FAILED"),
    "CONTRADICTED": ("bad", "■", "COPY NOT INTACT"),
}
_UNKNOWN = ("bad", "?", "COPY NOT KNOWN")


def _copy_badge(copy: DurableCopy) -> Badge:
    """Say how the durable copy is; only one that says COPIED and fine is well."""
    look, glyph, word = _STATES.get(copy.state, _UNKNOWN)
    if look == "fine" and copy.fine is not True:
        look, glyph, word = _UNKNOWN
    words = " · ".join(part for part in (word, copy.detail, *_reach(copy)) if part)
    return Badge(look, glyph, words, copy.last_run and f"{copy.last_run}/durable_copy.md")


def _reach(copy: DurableCopy) -> Sequence[str]:
    """Say how much is copied, up to which line, and since when the rest waits."""
    runs, through = copy.runs_copied, copy.verified_through
    return (
        f"to {copy.destination}" if copy.destination else "",
        "" if runs is None else f"runs: {runs}, bytes: {copy.bytes_copied}",
        "" if through is None else f"verified through line {through} of {copy.head_seq}",
        f"waiting since {copy.lags_since_et}" if copy.lags_since_et else "",
        f"last run {copy.last_run_at_et}" if copy.last_run_at_et else "",
    )


def _retention_badge(kept: Retention) -> Badge:
    """Say how much is kept, as the newest report says."""
    report = kept.last_run and f"{kept.last_run}/retention_report.md"
    if not kept.detail:
        return Badge("bad", "?", "RETENTION NOT KNOWN", report)
    if kept.fine is True:
        return Badge("fine", "●", f"Kept · {kept.detail}", report)
    return Badge("warn", "▲", f"RETENTION · {kept.detail}", report)
