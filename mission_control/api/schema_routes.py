"""The schema of the status contract, and this API described as OpenAPI 3.1."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from mission_control.api.answers import HTML, JSON, Answer, AnyRequest, give
from mission_control.api.html_page import api_page
from mission_control.api.options import (
    NEGOTIATED,
    NONE_ACCEPTED,
    SUFFIXES,
    VARY,
    describes,
    representation,
)
from mission_control.api.problems import PROBLEM_JSON
from mission_control.contract.present import ops_status_schema
from mission_control.documents.canonical_json import encode_json

TAGS = ["schemas"]
OPEN_API = "application/vnd.oai.openapi+json"
JSON_SCHEMA = "application/schema+json"
REPRESENTATIONS = (OPEN_API, JSON, HTML)
REFUSED: Mapping[str, str] = {
    "400": "The request cannot be understood, or asks for the past where there is none",
    "405": "Only GET, HEAD and OPTIONS are answered",
    "413": "No request may have a body",
    "414": "The URL is too long",
    "421": "The Host header names another server",
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
        _describe_problems(item["get"])
        _describe_suffix(path, item["get"]["responses"]["200"])
    return document


def _describe_problems(operation: dict[str, Any]) -> None:
    """Add the refusals that any request can meet, and invalid parameters, as problem details."""
    responses = operation["responses"]
    if responses.get("400", {}).get("content", {}).keys() == {JSON}:
        del responses["400"]  # the library's own, which is never sent
    refused = dict(REFUSED)
    if "parameters" in operation:
        refused["422"] = "A parameter has a value that is not possible"
    for status, description in refused.items():
        responses.setdefault(status, {"description": description, "content": _PROBLEM})


def _describe_suffix(path: str, answer: dict[str, Any]) -> None:
    """Describe the one media type that a suffix selects."""
    media_type = SUFFIXES.get(f".{path.rpartition('.')[2]}", "")
    if media_type.startswith("text/"):
        answer["content"] = {media_type: {"schema": {"type": "string"}}}
    elif media_type == JSON and any(t.startswith("text/") for t in answer["content"]):
        answer["content"] = {media_type: {"schema": {"type": "object"}}}


def contract_routes() -> Sequence[HTTPRouteHandler]:
    """Return the route of the status contract's schema, made at the first request."""

    @cache
    def contract() -> Answer:
        return Answer(encode_json(ops_status_schema()), JSON_SCHEMA)

    @get(
        "/api/v1/schemas/ops-status.json",
        summary="JSON Schema of the status contract",
        tags=TAGS,
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
        tags=TAGS,
        media_type=OPEN_API,
        opt=NEGOTIATED,
        responses={
            200: describes(dict[str, object], "The description", OPEN_API),
            406: NONE_ACCEPTED,
        },
    )
    async def schema(request: AnyRequest) -> Response[bytes]:
        return give(described(representation(request, REPRESENTATIONS)), request)

    return [schema]
