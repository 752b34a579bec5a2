"""The runbooks, as Markdown for programs and terminals and as HTML for browsers."""

import re
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from mission_control.api.answers import (
    HTML,
    JSON,
    MARKDOWN,
    PLAIN,
    Answer,
    AnyRequest,
    give,
    json_answer,
)
from mission_control.api.html_page import html_page, plain_page, render_markdown
from mission_control.api.options import (
    NEGOTIATED,
    NONE_ACCEPTED,
    VARY,
    ReadingParts,
    describes,
    describes_problem,
    representation,
)
from mission_control.api.problems import Problem
from mission_control.floor.ports import Runbook
from mission_control.floor.present.posture import runbook_url

TAGS = ["runbooks"]
REPRESENTATIONS = (MARKDOWN, PLAIN, HTML, JSON)

_CODE = re.compile(r"(?P<code>[A-Za-z0-9_]{1,64})(?:\.md|\.html|\.json)?")


class RunbookLink(TypedDict):
    """One runbook of the list."""

    code: str
    title: str
    url: str


class RunbookDocument(RunbookLink):
    """One runbook, its text as Markdown."""

    markdown: str
    label: NotRequired[str]


class RunbookList(TypedDict):
    """Every code that has a runbook, sorted."""

    runbooks: list[RunbookLink]
    label: NotRequired[str]


def runbook_list(parts: ReadingParts) -> RunbookList:
    """List the runbooks that can be read."""
    found = [runbook for code in parts.runbooks.codes() if (runbook := parts.runbooks.read(code))]
    links: list[RunbookLink] = [
        {"code": book.code, "title": book.title, "url": runbook_url(book.code)} for book in found
    ]
    return {"runbooks": sorted(links, key=lambda link: link["code"])}


def runbook_answer(
    runbook: Runbook, media_type: str, label: str, *, renders: bool = True
) -> Answer:
    """
    Give a runbook as it was written, as a page in which nothing can act, or within a document.

    Where nothing is rendered, as in the process that decides, the page shows what was written.
    """
    if media_type == JSON:
        return json_answer(_runbook_document(runbook), label, VARY)
    if media_type != HTML:
        return Answer(runbook.markdown.encode(), media_type, VARY)
    if renders:
        page = html_page(runbook.title, render_markdown(runbook.markdown), label)
    else:
        page = plain_page(runbook.title, runbook.markdown, label)
    return Answer(page.encode(), HTML, VARY)


def _runbook_document(runbook: Runbook) -> RunbookDocument:
    return {
        "code": runbook.code,
        "title": runbook.title,
        "url": runbook_url(runbook.code),
        "markdown": runbook.markdown,
    }


def runbook_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Give the route of the list, and those of the runbooks."""

    @get(
        "/api/v1/runbooks",
        summary="The codes that have a runbook",
        tags=TAGS,
        responses={200: describes(RunbookList, "Code, title and address")},
    )
    async def runbooks(request: AnyRequest) -> Response[bytes]:
        return give(json_answer(runbook_list(parts), parts.options.label), request)

    return [runbooks, *_page_routes(parts)]


def _page_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    @get(
        "/api/v1/runbooks/{code:str}",
        summary="A runbook as Markdown; HTML or JSON by Accept or suffix",
        tags=TAGS,
        media_type=MARKDOWN,
        opt=NEGOTIATED,
        responses={
            200: describes(str, "The runbook", MARKDOWN),
            404: describes_problem("No such runbook"),
            406: NONE_ACCEPTED,
        },
    )
    async def runbook(request: AnyRequest, code: FromPath[str]) -> Response[bytes]:
        asked = _CODE.fullmatch(code)
        found = parts.runbooks.read(asked["code"]) if asked else None
        if asked is None or found is None:
            detail = "the list at /api/v1/runbooks names every code that has one"
            raise Problem(404, "runbook_not_found", "There is no runbook for this code", detail)
        media_type = representation(request, REPRESENTATIONS)
        label = parts.options.label
        return give(runbook_answer(found, media_type, label, renders=parts.renders), request)

    return [runbook]
