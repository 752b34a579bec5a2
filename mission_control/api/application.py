"""The application: its routes, our own health, and what every request passes first."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NotRequired, TypedDict

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import (
    ASGIApp,
    HTTPDisconnectEvent,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from mission_control.access.decide import OPEN_PATHS
from mission_control.access.run import AccessGate
from mission_control.api.admission import Application, Reading, asked_of, behind_proxies
from mission_control.api.alert_routes import alert_history_routes, alert_routes
from mission_control.api.answers import give_once
from mission_control.api.artifact_routes import artifact_routes
from mission_control.api.attestation_routes import attestation_routes
from mission_control.api.brief_routes import brief_routes
from mission_control.api.documentation_routes import (
    contract_routes,
    describe,
    description_routes,
    runbook_routes,
)
from mission_control.api.event_stream import stream_routes
from mission_control.api.evidence_preview_routes import evidence_preview_routes
from mission_control.api.evidence_routes import evidence_routes
from mission_control.api.floor_routes import (
    event_routes,
    schedule_routes,
    status_routes,
)
from mission_control.api.floors_routes import floors_routes
from mission_control.api.history_routes import history_routes
from mission_control.api.metrics_routes import metrics_routes
from mission_control.api.options import (
    ApiOptions,
    ApiParts,
    ReadingParts,
    describes,
    describes_problem,
)
from mission_control.api.problems import (
    ALLOWED_METHODS,
    Problem,
    exception_handlers,
    internal_error,
    send_problem,
)
from mission_control.api.readers_aside import ReadersAside
from mission_control.api.record_routes import lkg_routes, no_execution_routes
from mission_control.api.replay_routes import replay_routes
from mission_control.api.report_routes import report_routes
from mission_control.api.snapshot_routes import agent_routes, session_routes, snapshot_routes
from mission_control.api.the_past import refuse_the_past
from mission_control.documents.instants import utc_text
from mission_control.floor.present.own_status import OWN_NAME
from mission_control.model.clock import Clock

MAX_URL = 8_192
"""Bytes of path and query together."""
READING_METHODS = frozenset(ALLOWED_METHODS.split(", "))

Asked = Mapping[str, Any]
"""An ASGI scope of type `http`."""

CLOSE = {"connection": "close"}


def refusal_of(scope: Asked, allowed_hosts: Collection[str]) -> Problem | None:
    """Return the first reason to refuse a request; None where there is none."""
    return next(_refusals(scope, allowed_hosts), None)


def _refusals(scope: Asked, allowed_hosts: Collection[str]) -> Iterator[Problem]:
    if len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MAX_URL:
        detail = f"path and query may have {MAX_URL} bytes"
        yield Problem(414, "url_too_long", "The URL is too long", detail, headers=CLOSE)
    control = any(c < " " or c == "\x7f" for c in scope["path"])
    if control or b"%00" in scope["query_string"]:
        detail = "no path of ours holds a control character, nor a query a NUL"
        yield Problem(400, "bad_url", "The URL holds a control character", detail)
    if scope["method"] not in READING_METHODS:
        allow = {"allow": ALLOWED_METHODS, **CLOSE}
        title = "Mission Control is read-only"
        detail = f"only {ALLOWED_METHODS} are answered"
        yield Problem(405, "method_not_allowed", title, detail, headers=allow)
    if _has_body(scope):
        detail = "a reader sends no body"
        title = "No request may have a body"
        yield Problem(413, "body_not_accepted", title, detail, headers=CLOSE)
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts and scope.get("http_version") == "1.0":
        return  # a load balancer's probe: no browser speaks HTTP/1.0, so no other site is behind it
    if len(hosts) != 1:
        detail = "a request has exactly one Host header"
        yield Problem(400, "bad_host", "The Host header cannot be understood", detail)
    elif scope["path"] not in OPEN_PATHS and _name_of(hosts[0]) not in allowed_hosts:
        detail = "this server does not go by the name in the Host header"
        yield Problem(421, "host_not_allowed", "This name is not ours", detail)


def _has_body(scope: Asked) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in scope["headers"]
    )


def _name_of(host: bytes) -> str:
    """Return the name in a `Host` header, lower-cased and without its port."""
    text = host.decode("latin-1").casefold()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text


log = logging.getLogger("mission_control.api")

RawHeaders = list[tuple[bytes, bytes]]

SAFETY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
LABEL_HEADER = "x-mission-control-label"
NEEDS_HEADER = "x-mission-control-safety"
"""What the fleet requires of kill switch, execution and freshness, for every page to show."""
TIME_HEADER = "x-mission-control-time"
"""Our clock at the answer, also on a 304: a client computes the age of what it shows from it."""


@dataclass(slots=True)
class _Answering:
    """The progress of one answer."""

    method: str
    reading: Reading | None = None
    started: bool = False
    ended: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def gone(self) -> HTTPDisconnectEvent:
        """Be the reader of a head: gone once it has that, so that no body is made for it."""
        await self.over.wait()
        return {"type": "http.disconnect"}


@dataclass(frozen=True, slots=True)
class SecuredApplication:
    """
    The whole API behind its limits; pure ASGI, so that no answer passes it by.

    Writing methods are refused before any route is looked for. HEAD is answered as GET without
    its body. An error that the application itself fails to answer is answered here.
    `aside` is asked before the routes are: it passes readers' questions on. `gate` says who may
    read; without one, as for one answer within this process, everyone may.
    """

    litestar: Litestar
    options: ApiOptions
    clock: Clock
    aside: ASGIApp | None = None
    gate: AccessGate | None = None
    _fixed: RawHeaders = field(default_factory=RawHeaders)

    def __post_init__(self) -> None:
        """Encode the headers that never change."""
        headers = dict(SAFETY_HEADERS)
        if self.options.label:
            headers[LABEL_HEADER] = self.options.label.encode("ascii", "replace").decode()
        if self.options.safety:
            headers[NEEDS_HEADER] = self.options.safety
        self._fixed.extend((k.encode(), v.encode()) for k, v in headers.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "read-only"})
        else:
            await self.litestar(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        reading = Reading(self.gate, asked_of(scope)) if self.gate is not None else None
        answering = _Answering(scope["method"], reading)
        dressed = partial(self._send, answering, send)
        try:
            refusal = await self._refusal(scope, reading)
            if refusal is None:
                await self._give(answering, scope, receive, dressed)
            else:
                await send_problem(refusal, scope["path"], self.options.label, dressed)
        finally:
            if reading is not None:
                reading.record()

    async def _refusal(self, scope: HTTPScope, reading: Reading | None) -> Problem | None:
        """Return why a request is refused before any route: too many, no request, not known."""
        limited = reading.limit() if reading is not None else None
        refusal = limited or refusal_of(scope, self.options.allowed_hosts)
        if refusal is None and reading is not None:
            refusal = await reading.admit()
        return refusal

    async def _give(
        self, answering: _Answering, scope: HTTPScope, receive: Receive, dressed: Send
    ) -> None:
        head = answering.method == "HEAD"
        asked: HTTPScope = {**scope, "method": "GET"} if head else scope
        receive = answering.gone if head else receive
        try:
            await (self.aside or self.litestar)(asked, receive, dressed)
        except Exception:
            if answering.reading is not None and answering.reading.gone:
                return  # the connection is closed, so that nothing looks whole
            if answering.started:
                raise
            log.exception("answering %r failed", scope["path"])
            await send_problem(internal_error(), scope["path"], self.options.label, dressed)

    async def _send(self, answering: _Answering, send: Send, message: Message) -> None:
        """Add our headers to an answer; of an answer to HEAD, send only the head."""
        if answering.reading is not None:
            answering.reading.note(message)
        if message["type"] == "http.response.start":
            answering.started = True
            message["headers"] = self._dress([*message["headers"]])
            await send(message)
        elif answering.method != "HEAD":
            await send(message)
        if answering.method == "HEAD" and not answering.ended:
            answering.ended = True
            answering.over.set()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _dress(self, headers: RawHeaders) -> RawHeaders:
        kept = [(k, v) for k, v in headers if k.lower() not in {b"server", b"allow"}]
        names = {k.lower() for k, _ in headers}
        if b"allow" in names:
            kept.append((b"allow", ALLOWED_METHODS.encode()))
        if b"cache-control" not in names:
            kept.append((b"cache-control", b"no-store"))
        kept.append((TIME_HEADER.encode(), utc_text(self.clock()).encode()))
        return [*kept, *self._fixed]


class Alive(TypedDict):
    """That the process is alive; the predecessor's answer."""

    status: str
    service: str
    ts: str
    label: NotRequired[str]


def health_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of our own liveness, and of our health: 503 once we have stalled."""

    @get(
        "/livez",
        summary="Whether the process is alive",
        tags=["liveness"],
        responses={200: describes(Alive, "It is")},
    )
    async def livez() -> Response[bytes]:
        return _alive(parts)

    @get(
        ["/healthz", "/health", "/ops/health"],
        summary="Whether the floor is still being decided",
        tags=["liveness"],
        responses={
            200: describes(Alive, "The deciding loop runs"),
            503: describes_problem("It has stalled"),
        },
    )
    async def healthz() -> Response[bytes]:
        beat = parts.floor.beat()
        if beat.stalled:
            title = "The floor is no longer being decided"
            raise Problem(503, "poll_loop_stalled", title, beat.detail)
        stalled = parts.day.stalled()
        if stalled:
            title = "The day's runs are no longer being begun"
            raise Problem(503, "scheduler_stalled", title, stalled)
        return _alive(parts)

    return [livez, healthz]


def _alive(parts: ApiParts) -> Response[bytes]:
    document: Alive = {"status": "ok", "service": OWN_NAME, "ts": utc_text(parts.clock())}
    return give_once(document, parts.options.label)


Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


def create_application(parts: ApiParts, lifespan: Sequence[Lifespan] = ()) -> Application:
    """
    Return the whole API as one ASGI application; every route of it is GET.

    None of its parts can write, and no answer waits for anything slow.
    """
    litestar = _litestar(_routes(parts), parts.options.label, lifespan)
    aside = None
    if parts.ask is not None:
        aside = ReadersAside(litestar, parts.ask, parts.clock, parts.options.label)
    secured = SecuredApplication(litestar, parts.options, parts.clock, aside, parts.gate)
    proxies = parts.options.proxies
    return behind_proxies(secured, proxies) if proxies else secured


def reading_application(parts: ReadingParts) -> Litestar:
    """Return the routes of history and record only, for the process that answers readers."""
    return _litestar(_reading_routes(parts), parts.options.label)


def _litestar(
    routes: Sequence[HTTPRouteHandler], label: str, lifespan: Sequence[Lifespan] = ()
) -> Litestar:
    return Litestar(
        route_handlers=routes,
        before_request=refuse_the_past,
        exception_handlers=exception_handlers(label),
        lifespan=list(lifespan),
        logging_config=None,
        openapi_config=None,
        debug=False,
    )


def _reading_routes(parts: ReadingParts) -> list[HTTPRouteHandler]:
    return [
        *snapshot_routes(parts),
        *session_routes(parts),
        *agent_routes(parts),
        *runbook_routes(parts),
        *no_execution_routes(parts),
        *artifact_routes(parts),
        *history_routes(parts),
        *report_routes(parts),
        *replay_routes(parts),
        *lkg_routes(parts),
        *alert_history_routes(parts),
        *evidence_preview_routes(parts),
    ]


def _routes(parts: ApiParts) -> list[HTTPRouteHandler]:
    routes = [
        *health_routes(parts),
        *status_routes(parts),
        *metrics_routes(parts),
        *_reading_routes(parts),
        *event_routes(parts),
        *stream_routes(parts),
        *evidence_routes(parts),
        *attestation_routes(parts),
        *schedule_routes(parts),
        *alert_routes(parts),
        *brief_routes(parts),
        *floors_routes(parts),
        *contract_routes(),
    ]
    options = parts.options
    description = partial(describe, routes, options.version)
    routes.extend(description_routes(description, options.label))
    return routes
