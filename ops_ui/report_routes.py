"""Routes: readiness, deploy reports and attestations, as pages."""

from collections.abc import Sequence

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.pages.attestation import attestation_path, see_attestation
from ops_ui.pages.reports import (
    clusters_of,
    diff_path,
    folded_of,
    gaps_of,
    reports_of,
    see_readiness,
)
from ops_ui.rendering import pages_of


@get("/readiness", media_type=MediaType.HTML)
async def readiness(state: State) -> Response[str]:
    """Show whether this session may run, and every check."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/readiness/latest")
    status = 502 if isinstance(document, Missed) else 200
    return pages.render("readiness.html", status, view=see_readiness(document))


@get("/deploys", media_type=MediaType.HTML)
async def deploys(state: State) -> Response[str]:
    """Show recorded deploy reports, the newest whole."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/reports/deploy")
    if isinstance(document, Missed):
        return pages.missed(document, "Deploy reports could not be read")
    newest = await pages.client.markdown("/api/v1/reports/deploy/latest")
    trouble = newest.detail if isinstance(newest, Missed) else ""
    shown = None
    if isinstance(newest, str):
        shown = await pages.renderer.show("deploy_report.md", newest.encode())
    label = document.get("label") or ""
    reports = reports_of(document)
    return pages.render("deploys.html", reports=reports, shown=shown, trouble=trouble, label=label)


@get("/deploys/diff", media_type=MediaType.HTML)
async def diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what changed between two recorded deploy reports."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(diff_path(asked))
    if isinstance(document, Missed):
        heading = "These two could not be compared"
        if document.status != HTTP_NOT_FOUND:
            return pages.missed(document, heading)
        text = f"Two recorded reports are needed. {document.told or document.detail}"
        return pages.render("message.html", 404, heading=heading, text=text)
    clusters, gaps, folded = clusters_of(document), gaps_of(document), folded_of(document)
    return pages.render("diff.html", document=document, clusters=clusters, gaps=gaps, folded=folded)


@get("/attestation", media_type=MediaType.HTML)
async def attestation(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show whether anything of execution was seen in a session, and for how much of it."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(attestation_path(asked))
    if isinstance(document, Missed) and document.is_mistake:
        return pages.missed(document, "")
    missed = isinstance(document, Missed)
    absent = missed and document.status == HTTP_NOT_FOUND
    status = 404 if absent else 502 if missed else 200
    view = see_attestation({} if absent else document)
    return pages.render("attestation.html", status, view=view)


def report_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [readiness, deploys, diff, attestation]
