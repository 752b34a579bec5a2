"""Routes: what was recorded, as pages and downloads."""

from collections.abc import Sequence

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ops_ui.mission_control_client import Missed
from ops_ui.pages.artifacts import (
    FILTERS,
    badge,
    file_path,
    list_path,
    older_path,
    runs_of,
    why_not,
)
from ops_ui.pages.keeping import copy_badge, copy_problems, report_paths, retention_badge
from ops_ui.rendering import pages_of

MAX_DOWNLOAD = 64 * 1024 * 1024


@get("/artifacts", media_type=MediaType.HTML)
async def artifacts(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what was recorded, and whether it is still as it was."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(list_path(asked))
    if isinstance(document, Missed):
        return pages.missed(document, "What was recorded could not be read")
    return pages.render(
        "artifacts.html",
        document=document,
        badge=badge(document.get("verification")),
        copied=copy_badge(document),
        copy_problems=copy_problems(document),
        kept=retention_badge(document),
        reports=report_paths(document),
        runs=runs_of(document),
        asked=[(k, v) for k, v in sorted(asked.items()) if k in FILTERS and v],
        older=older_path(asked, document),
    )


@get("/artifacts/view/{path:path}", media_type=MediaType.HTML)
async def artifact(state: State, path: FromPath[str]) -> Response[str]:
    """Show one recorded file; one that is not as it was recorded is not shown."""
    pages = pages_of(state)
    content = await pages.client.file(file_path(path))
    if content is None or isinstance(content, Missed):
        status, heading, text = why_not(content)
        return pages.render("message.html", status, heading=heading, text=text)
    shown = await pages.renderer.show(path.lstrip("/"), content)
    return pages.render("artifact.html", shown=shown, label=await pages.client.label())


@get("/artifacts/download/{path:path}")
async def download(state: State, path: FromPath[str]) -> Response[bytes] | Response[str]:
    """Hand out one recorded file as it was recorded."""
    pages = pages_of(state)
    content = await pages.client.file(file_path(path), limit=MAX_DOWNLOAD)
    if content is None or isinstance(content, Missed):
        status, heading, text = why_not(content)
        return pages.render("message.html", status, heading=heading, text=text)
    name = "".join(c for c in path.rpartition("/")[2] if c.isalnum() or c in "._-")
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, max-age=31536000, immutable",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


def artifact_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [artifacts, artifact, download]
