"""Routes: the last known good, as pages."""

from collections.abc import Sequence

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.pages.lkg import captures_of, good_doubts_of, good_path_of, lkg_diff_path
from ops_ui.pages.reports import clusters_of, gaps_of
from ops_ui.rendering import pages_of


@get("/lkg", media_type=MediaType.HTML)
async def lkg(state: State) -> Response[str]:
    """Show captures of the last known good, and what each is worth."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/lkg")
    if isinstance(document, Missed):
        return pages.missed(document, "The last known good could not be read")
    return pages.render(
        "lkg.html",
        captures=captures_of(document),
        good=good_path_of(document),
        doubts=good_doubts_of(document),
        label=document.get("label") or "",
    )


@get("/lkg/diff", media_type=MediaType.HTML)
async def lkg_diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what differs between two captures."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(lkg_diff_path(asked))
    if isinstance(document, Missed):
        heading = "These two could not be compared"
        if document.status != HTTP_NOT_FOUND:
            return pages.missed(document, heading)
        text = f"Two recorded captures are needed. {document.told or document.detail}"
        return pages.render("message.html", 404, heading=heading, text=text)
    clusters, gaps = clusters_of(document), gaps_of(document)
    return pages.render("lkg_diff.html", document=document, clusters=clusters, gaps=gaps)


def lkg_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [lkg, lkg_diff]
