"""The runbooks, the schema of the status contract, and this API described as OpenAPI 3.1."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from typing import Any, NotRequired, TypedDict, cast

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromPath
from markdown_it import MarkdownIt

from mission_control.access.decide import scopes_for
from mission_control.alerts.present import first_step_of
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
from mission_control.api.options import (
    NEGOTIATED,
    NONE_ACCEPTED,
    SUFFIXES,
    VARY,
    ReadingParts,
    describes,
    describes_problem,
    representation,
)
from mission_control.api.problems import PROBLEM_JSON, Problem
from mission_control.contract.present import ops_status_schema
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.visible_text import visible
from mission_control.floor.present.posture import runbook_url
from mission_control.model.catalogue import SUBJECTS, subject_of
from mission_control.runbooks.library import Runbook

RENDERED = 64
"""How many rendered texts are cached; a runbook has 64 KiB at most."""

_SCHEME = re.compile(r"\s*(?:https?://|[a-z][a-z0-9+.-]*:|//|\\)", re.IGNORECASE)
_ALLOWED = re.compile(r"https?://", re.IGNORECASE)


def html_page(title: str, body: str, label: str = "") -> str:
    """Return a whole page around a body of HTML; a label leads the title."""
    shown = f"{label} · {title}" if label else title
    banner = f"<p><strong>{escape(label)}</strong></p>\n" if label else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(shown)}</title>\n</head>\n<body>\n{banner}{body}\n</body>\n</html>\n"
    )


def is_harmless_link(url: str) -> bool:
    """Return whether a link is http, https or relative; other schemes may run code."""
    return bool(_ALLOWED.match(url)) or not _SCHEME.match(url)


def plain_page(title: str, text: str, label: str = "") -> str:
    """Return a page that shows a text as it is written, and says that it is not rendered."""
    why = "<p>This could not be rendered just now: it is shown as it was written.</p>"
    return html_page(title, f"{why}\n<pre>{escape(visible(text))}</pre>", label)


@lru_cache(maxsize=RENDERED)
def render_markdown(markdown: str) -> str:
    """
    Render Markdown as HTML: raw HTML stays text, and links are http, https or relative.

    Pictures are left out: a page of ours fetches nothing.
    """
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    renderer.validateLink = is_harmless_link
    return cast("str", renderer.render(visible(markdown)))


def api_page(schema: Mapping[str, object], label: str = "") -> str:
    """Return the API's paths as a table, from its own OpenAPI document."""
    info = cast("Mapping[str, object]", schema.get("info", {}))
    title = f"{info.get('title', '')} {info.get('version', '')}".strip()
    rows = "".join(_rows(cast("Mapping[str, Mapping[str, object]]", schema.get("paths", {}))))
    body = (
        f"<h1>{escape(title)}</h1>\n"
        '<p>Everything is GET. The same as OpenAPI 3.1: <a href="/schema">/schema</a>.</p>\n'
        '<table border="1">\n<thead><tr><th scope="col">Path</th><th scope="col">Answer</th></tr>'
        f"</thead>\n<tbody>\n{rows}</tbody>\n</table>"
    )
    return html_page(title, body, label)


def _rows(paths: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for path, item in sorted(paths.items()):
        operation = cast("Mapping[str, object]", item.get("get", {}))
        summary = str(operation.get("summary", ""))
        yield f"<tr><td><code>{escape(path)}</code></td><td>{escape(summary)}</td></tr>\n"


RUNBOOK_FORMS = (MARKDOWN, PLAIN, HTML, JSON)

_CODE = re.compile(r"(?P<code>[A-Za-z0-9_]{1,64})(?:\.md|\.html|\.json)?")


class RunbookList(TypedDict):
    """
    Code, title, subject, address and first step of every runbook that can be read, sorted by code.

    `subjects` are what they may be about, in the order of an index.
    """

    subjects: list[str]
    runbooks: list[dict[str, str]]
    label: NotRequired[str]


def runbook_list(parts: ReadingParts) -> RunbookList:
    """List the runbooks that can be read."""
    found = [runbook for code in parts.runbooks.codes() if (runbook := parts.runbooks.read(code))]
    books = sorted(found, key=lambda book: book.code)
    return {
        "subjects": list(SUBJECTS),
        "runbooks": [_link(b) | {"first_step": first_step_of(b.markdown)} for b in books],
    }


def _link(runbook: Runbook) -> dict[str, str]:
    return {
        "code": runbook.code,
        "title": runbook.title,
        "subject": subject_of(runbook.code),
        "url": runbook_url(runbook.code),
    }


def runbook_answer(
    runbook: Runbook, media_type: str, label: str, *, renders: bool = True
) -> Answer:
    """
    Return a runbook as Markdown, as a page without active content, or in a JSON document.

    Without `renders`, as in the process that decides, the page shows the Markdown itself.
    """
    if media_type == JSON:
        return json_answer({**_link(runbook), "markdown": runbook.markdown}, label, VARY)
    if media_type != HTML:
        return Answer(runbook.markdown.encode(), media_type, VARY)
    if renders:
        page = html_page(runbook.title, render_markdown(runbook.markdown), label)
    else:
        page = plain_page(runbook.title, runbook.markdown, label)
    return Answer(page.encode(), HTML, VARY)


def runbook_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of the list and of each runbook."""

    @get(
        "/api/v1/runbooks",
        summary="The codes that have a runbook",
        tags=["runbooks"],
        responses={200: describes(RunbookList, "Code, title and address")},
    )
    async def runbooks(request: AnyRequest) -> Response[bytes]:
        return give(json_answer(runbook_list(parts), parts.options.label), request)

    return [runbooks, *_page_routes(parts)]


def _page_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    @get(
        "/api/v1/runbooks/{code:str}",
        summary="A runbook as Markdown; HTML or JSON by Accept or suffix",
        tags=["runbooks"],
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
        media_type = representation(request, RUNBOOK_FORMS)
        label = parts.options.label
        return give(runbook_answer(found, media_type, label, renders=parts.renders), request)

    return [runbook]


OPEN_API = "application/vnd.oai.openapi+json"
JSON_SCHEMA = "application/schema+json"
SCHEMA_FORMS = (OPEN_API, JSON, HTML)
REFUSED: Mapping[str, str] = {
    "400": "The request cannot be understood, or asks for the past where there is none",
    "429": "This client asks too often; Retry-After says when again",
    "405": "Only GET, HEAD and OPTIONS are answered",
    "413": "No request may have a body",
    "414": "The URL is too long",
    "421": "The Host header names another server",
}
UNKNOWN: Mapping[str, str] = {
    "401": "It is not known who asks",
    "403": "This token may not read this, or came over a line that is not encrypted",
    "503": "This cannot be told at the moment, or the keys of the issuer cannot be had",
}
"""What is met beside that wherever a reader has to say who it is."""
_BEARER = "bearer"
_SCHEMES = {
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the tokens file, or a JWT of the issuer; with auth none neither",
    }
}
_PROBLEM = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}


def describe(routes: Sequence[HTTPRouteHandler], version: str) -> Mapping[str, object]:
    """
    Describe routes as an OpenAPI 3.1 document.

    It is made by an application that never serves: Litestar's own description routes would serve
    pages that fetch scripts from elsewhere.
    """
    config = OpenAPIConfig(
        title="Mission Control",
        version=version,
        path="/never-served",
        render_plugins=[JsonRenderPlugin()],
    )
    aside = Litestar(route_handlers=list(routes), openapi_config=config, logging_config=None)
    document: dict[str, Any] = aside.openapi_schema.to_schema()
    for path, item in document["paths"].items():
        _describe_problems(path, item["get"])
        _describe_suffix(path, item["get"]["responses"]["200"])
    document["components"]["securitySchemes"] = _SCHEMES
    return cast("Mapping[str, object]", _with_unions(document))


def _with_unions(part: object) -> object:
    """
    Return a part of a document in which what may be one of several is `anyOf`.

    The library writes `oneOf`, by which a text that may be anything would be two at once.
    """
    if isinstance(part, dict):
        known = cast("dict[str, object]", part)
        return {"anyOf" if k == "oneOf" else k: _with_unions(v) for k, v in known.items()}
    if isinstance(part, list):
        return [_with_unions(each) for each in cast("list[object]", part)]
    return part


def _describe_problems(path: str, operation: dict[str, Any]) -> None:
    """Add the refusals that any request can meet, and invalid parameters, as problem details."""
    responses = operation["responses"]
    if responses.get("400", {}).get("content", {}).keys() == {JSON}:
        del responses["400"]  # the library's own, which is never sent
    scopes = sorted(scopes_for(path))
    operation["security"] = [{_BEARER: [scope]} for scope in scopes]
    refused = {**REFUSED, **(UNKNOWN if scopes else {})}
    if "parameters" in operation:
        refused["422"] = "A parameter has a value that is not possible"
    for status, description in refused.items():
        responses.setdefault(status, {"description": description, "content": _PROBLEM})


def _describe_suffix(path: str, answer: dict[str, Any]) -> None:
    """Describe the one media type that a suffix selects."""
    media_type = SUFFIXES.get(f".{path.rpartition('.')[2]}", "")
    if media_type.startswith("text/"):
        answer["content"] = {media_type: {"schema": {"type": "string"}}}
    elif media_type == JSON and any(t.startswith((OPEN_API, "text/")) for t in answer["content"]):
        answer["content"] = {media_type: {"schema": {"type": "object"}}}


def contract_routes() -> Sequence[HTTPRouteHandler]:
    """Return the route of the status contract's schema, made at the first request."""

    @cache
    def contract() -> Answer:
        return Answer(encode_json(ops_status_schema()), JSON_SCHEMA)

    @get(
        "/api/v1/schemas/ops-status.json",
        summary="JSON Schema of the status contract",
        tags=["schemas"],
        media_type=JSON_SCHEMA,
        responses={200: describes(dict[str, object], "The schema", JSON_SCHEMA)},
    )
    async def ops_status(request: AnyRequest) -> Response[bytes]:
        return give(contract(), request)

    return [ops_status]


def description_routes(
    description: Callable[[], Mapping[str, object]], label: str
) -> Sequence[HTTPRouteHandler]:
    """Return the routes of this API's description, made at the first request."""

    @cache
    def described(media_type: str) -> Answer:
        if media_type == HTML:
            return Answer(api_page(description(), label).encode(), HTML, VARY)
        return Answer(encode_json(description()), media_type, VARY)

    @get(
        ["/schema", "/schema.html", "/schema.json"],
        summary="This API as OpenAPI 3.1; a plain page by Accept or with `.html`",
        tags=["schemas"],
        media_type=OPEN_API,
        opt=NEGOTIATED,
        responses={
            200: describes(dict[str, object], "The description", OPEN_API),
            406: NONE_ACCEPTED,
        },
    )
    async def schema(request: AnyRequest) -> Response[bytes]:
        return give(described(representation(request, SCHEMA_FORMS)), request)

    return [schema]
