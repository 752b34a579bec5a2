"""API: what stands before every answer: who may ask, how much, and the headers of safety."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from litestar import Litestar
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from mission_control.api.options import ApiOptions
from mission_control.api.problems import ALLOWED_METHODS, problem_bytes
from mission_control.api.request_limits import Refusal, refusal_of
from mission_control.jobs.ports import Clock
from mission_control.present.instants import utc_text
from mission_control.present.problem_document import PROBLEM_JSON

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
"""What the fleet needs of kill switch, execution and freshness, so that every page can say it."""
TIME_HEADER = "x-mission-control-time"
"""Our clock at the answer, also on a 304: by it a client reckons how old what it shows is."""


@dataclass(slots=True)
class _Answering:
    """How far one answer has got."""

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
        """Dress the head of an answer; of an answer to HEAD, send nothing but the head."""
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
