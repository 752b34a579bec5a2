"""Checks before every answer: which requests are refused; and the headers of every answer."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from mission_control.api.options import ApiOptions
from mission_control.api.problems import ALLOWED_METHODS, PROBLEM_JSON, problem_bytes
from mission_control.documents.instants import utc_text
from mission_control.floor.ports import Clock

MAX_URL = 8_192
"""Bytes of path and query together."""
READING_METHODS = frozenset(ALLOWED_METHODS.split(", "))
OPEN_PATHS = frozenset({"/healthz", "/health", "/livez"})
"""Answered under any Host: an orchestrator checks our health by address."""

Asked = Mapping[str, Any]
"""An ASGI scope of type `http`."""

CLOSE = (("connection", "close"),)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: status, stable code, what it means and what happened."""

    status: int
    code: str
    title: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


def refusal_of(scope: Asked, allowed_hosts: Collection[str]) -> Refusal | None:
    """Return the first reason to refuse a request; None where there is none."""
    return next(_refusals(scope, allowed_hosts), None)


def _refusals(scope: Asked, allowed_hosts: Collection[str]) -> Iterator[Refusal]:
    if len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MAX_URL:
        detail = f"path and query may have {MAX_URL} bytes"
        yield Refusal(414, "url_too_long", "The URL is too long", detail, CLOSE)
    if has_control_characters(scope["path"]) or b"%00" in scope["query_string"]:
        detail = "no path of ours holds a control character, nor a query a NUL"
        yield Refusal(400, "bad_url", "The URL holds a control character", detail)
    if scope["method"] not in READING_METHODS:
        allow = (("allow", ALLOWED_METHODS), *CLOSE)
        title = "Mission Control is read-only"
        detail = f"only {ALLOWED_METHODS} are answered"
        yield Refusal(405, "method_not_allowed", title, detail, allow)
    if _has_body(scope):
        detail = "a reader sends no body"
        yield Refusal(413, "body_not_accepted", "No request may have a body", detail, CLOSE)
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts and scope.get("http_version") == "1.0":
        return  # a load balancer's probe: no browser speaks HTTP/1.0, so no other site is behind it
    if len(hosts) != 1:
        detail = "a request has exactly one Host header"
        yield Refusal(400, "bad_host", "The Host header cannot be understood", detail)
    elif scope["path"] not in OPEN_PATHS and _name_of(hosts[0]) not in allowed_hosts:
        detail = "this server does not go by the name in the Host header"
        yield Refusal(421, "host_not_allowed", "This name is not ours", detail)


def has_control_characters(path: str) -> bool:
    """Return whether a decoded path holds a control character, such as a NUL or a line break."""
    return any(c < " " or c == "\x7f" for c in path)


def _has_body(scope: Asked) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return True
        if name == b"content-length" and value.strip() != b"0":
            return True
    return False


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
FAILED = Refusal(
    500, "internal_error", "Mission Control has failed to answer", "the failure was logged"
)
LABEL_HEADER = "x-mission-control-label"
NEEDS_HEADER = "x-mission-control-safety"
"""What the fleet requires of kill switch, execution and freshness, for every page to show."""
TIME_HEADER = "x-mission-control-time"
"""Our clock at the answer, also on a 304: a client computes the age of what it shows from it."""


@dataclass(slots=True)
class _Answering:
    """The progress of one answer."""

    method: str
    started: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class SecuredApplication:
    """
    The whole API behind its limits; pure ASGI, so that no answer passes it by.

    Writing methods are refused before any route is looked for. HEAD is answered as GET without
    its body. An error that the application itself fails to answer is answered here.
    `aside` is asked before the routes are: it passes readers' questions on.
    """

    litestar: Litestar
    options: ApiOptions
    clock: Clock
    aside: ASGIApp | None = None
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
        answering = _Answering(scope["method"])
        dressed = partial(self._send, answering, send)
        refusal = refusal_of(scope, self.options.allowed_hosts)
        if refusal is not None:
            await self._refuse(refusal, scope, dressed)
            return
        asked: HTTPScope = {**scope, "method": "GET"} if answering.method == "HEAD" else scope
        try:
            await (self.aside or self.litestar)(asked, receive, dressed)
        except Exception:
            if answering.started:
                raise
            log.exception("answering %r failed", scope["path"])
            await self._refuse(FAILED, scope, dressed)

    async def _send(self, answering: _Answering, send: Send, message: Message) -> None:
        """Add our headers to an answer; of an answer to HEAD, send only the head."""
        if message["type"] == "http.response.start":
            answering.started = True
            message["headers"] = self._dress([*message["headers"]])
            await send(message)
        elif answering.method != "HEAD":
            await send(message)
        if answering.method == "HEAD" and not answering.ended:
            answering.ended = True
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

    async def _refuse(self, refusal: Refusal, scope: HTTPScope, send: Send) -> None:
        body = problem_bytes(
            refusal.status,
            refusal.code,
            refusal.title,
            refusal.detail,
            path=scope["path"],
            label=self.options.label,
        )
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", str(len(body)).encode()),
            *((k.encode(), v.encode()) for k, v in refusal.headers),
        ]
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
