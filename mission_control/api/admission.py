"""Each request before any route: whose it is, how it came here, and what became of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from litestar.types import HTTPScope, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mission_control.access.decide import is_loopback
from mission_control.access.model import Reader, Refusal
from mission_control.access.run import AccessGate, Answered, Asked
from mission_control.api.problems import Problem

STILL_SECONDS = 5.0
"""While an answer is sent it is asked so often whether its reader is still known."""

_PEER = "mission_control.peer"

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ReaderGoneError(Exception):
    """The token of a reader ended while the answer was being sent; it is broken off."""


def behind_proxies(application: Application, proxies: Sequence[str]) -> Application:
    """
    Have these proxies, and no one else, say who asks and over what.

    Who really connected is kept beside that: a client that calls itself loopback is none.
    """

    async def note_peer(scope: Scope, receive: Receive, send: Send) -> None:
        cast("dict[str, Any]", scope)[_PEER] = _client_of(scope)
        await believing(cast("Any", scope), cast("Any", receive), cast("Any", send))

    believing = ProxyHeadersMiddleware(cast("Any", application), list(proxies))
    return note_peer


def _client_of(scope: Scope) -> str:
    client = cast("dict[str, Any]", scope).get("client")
    return str(client[0]) if client else ""


def asked_of(scope: HTTPScope) -> Asked:
    """Return a request as the gate judges it."""
    client = _client_of(scope)
    peer = str(cast("dict[str, Any]", scope).get(_PEER, client))
    return Asked(
        client,
        scope["scheme"],
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        [*scope["headers"]],
        local=client == peer and is_loopback(client),
    )


def problem_of(refusal: Refusal) -> Problem:
    """Return a refusal as it is answered."""
    headers = dict(refusal.headers)
    return Problem(refusal.status, refusal.code, refusal.title, refusal.detail, headers=headers)


@dataclass
class Reading:
    """One request under way at the gate: who reads, and how much was sent by now."""

    gate: AccessGate
    asked: Asked
    reader: Reader | Refusal | None = None
    status: int = 0
    sent: int = 0
    whole: bool = False
    gone: bool = False
    _looked_at: float = field(default=0.0)

    def limit(self) -> Problem | None:
        """Count the request; the problem of a client that asks too often."""
        self.reader = self.gate.limit(self.asked)
        self._looked_at = self.gate.monotonic()
        return problem_of(self.reader) if self.reader is not None else None

    async def admit(self) -> Problem | None:
        """Find who asks; the problem where they may not."""
        self.reader = await self.gate.admit(self.asked)
        return problem_of(self.reader) if isinstance(self.reader, Refusal) else None

    def note(self, message: Any) -> None:  # noqa: ANN401  (a message of ASGI)
        """Count what is sent; raises ReaderGoneError once its reader is known no more."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if isinstance(self.reader, Reader) and self._is_over(self.reader):
            self.gone = True
            raise ReaderGoneError
        self.sent += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)

    def _is_over(self, reader: Reader) -> bool:
        now = self.gate.monotonic()
        if now - self._looked_at < STILL_SECONDS:
            return False
        self._looked_at = now
        return self.gate.is_over(self.asked, reader)

    def record(self) -> None:
        """Log what became of it."""
        if self.reader is not None:
            self.gate.record(self.asked, self.reader, Answered(self.status, self.sent, self.whole))
