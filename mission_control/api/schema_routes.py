"""API: the schema of the status contract, and this API described as OpenAPI 3.1."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from mission_control.api.answers import HTML, Answer, AnyRequest, give, wants
from mission_control.api.described import describes
from mission_control.present.canonical_json import encode_json
from mission_control.present.contract_schema import ops_status_schema
from mission_control.present.html_page import api_page

TAGS = ["schemas"]
OPEN_API = "application/vnd.oai.openapi+json"
JSON_SCHEMA = "application/schema+json"
VARY = "accept, accept-encoding"


def describe(routes: Sequence[HTTPRouteHandler], version: str) -> Mapping[str, object]:
    """
    Describe routes as an OpenAPI 3.1 document.

    Worked out by an application that never answers: one that serves its own description also
    serves pages that fetch their scripts from elsewhere.
    """
    config = OpenAPIConfig(
        title="Mission Control",
        version=version,
        path="/never-served",
        render_plugins=[JsonRenderPlugin()],
    )
    aside = Litestar(route_handlers=list(routes), openapi_config=config, logging_config=None)
    return aside.openapi_schema.to_schema()


def contract_routes() -> Sequence[HTTPRouteHandler]:
    """Give the route of the status contract's schema, worked out when it is first asked for."""

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
    """Give the routes of this API's description, worked out when it is first asked for."""

    @cache
    def described(*, as_html: bool) -> Answer:
        if as_html:
            return Answer(api_page(description(), label).encode(), HTML, VARY)
        return Answer(encode_json(description()), OPEN_API, VARY)

    @get(
        ["/schema", "/schema.html"],
        summary="This API as OpenAPI 3.1; a plain page by Accept or with `.html`",
        tags=TAGS,
        media_type=OPEN_API,
        responses={200: describes(dict[str, object], "The description", OPEN_API)},
    )
    async def schema(request: AnyRequest) -> Response[bytes]:
        as_html = request.url.path.endswith(".html") or wants(request, HTML)
        return give(described(as_html=as_html), request)

    return [schema]
