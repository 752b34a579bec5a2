"""What the pages refuse before anything else looks at it."""

from asyncio import Transport
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, cast

from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ops_ui.access.addresses import is_of, peer_of
from ops_ui.access.settings import Network

MAX_URL_BYTES = 8_192
"""Path and query together, as Mission Control's own API has it."""
MAX_NAME_BYTES = 255
"""A longer name no file can have."""
OPEN_PATHS = frozenset({"/healthz", "/health", "/livez"})
"""Answered under any name: an orchestrator asks for health by address."""


def with_request_limits(app: ASGIApp, allowed_hosts: Collection[str]) -> ASGIApp:
    """
    Wrap a whole application, so that no page is shown under a name that is not ours.

    A page of another site can have its own name lead here (DNS rebinding) and then read whatever
    is answered; the name in the Host header gives it away. Names are given without a port.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal_of(scope, allowed_hosts) if scope["type"] == "http" else None
        if refusal is None:
            await app(scope, receive, send)
            return
        status, text = refusal
        body = f"{text}.\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return wrapped


def _refusal_of(scope: Mapping[str, Any], allowed_hosts: Collection[str]) -> tuple[int, str] | None:
    """Say why a request is refused, as a status and a sentence; None where it is not."""
    path = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) > MAX_URL_BYTES:
        return 414, f"Path and query may have {MAX_URL_BYTES} bytes"
    if any(c < " " or c == "\x7f" for c in scope["path"]) or b"%00" in scope["query_string"]:
        return 400, "An address may not hold a control character"
    if any(len(part.encode()) > MAX_NAME_BYTES for part in scope["path"].split("/")):
        return 404, "No page has a name that long"
    if any(_announces_body(name, value) for name, value in scope["headers"]):
        return 413, "No request may have a body: these pages only read"
    return _doubtful_name(scope, allowed_hosts)


def _doubtful_name(
    scope: Mapping[str, Any], allowed_hosts: Collection[str]
) -> tuple[int, str] | None:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts and scope.get("http_version") == "1.0":
        return None  # a load balancer's probe: no browser speaks it
    if len(hosts) != 1:
        return 400, "A request has exactly one Host header"
    if scope["path"] not in OPEN_PATHS and _name_of(hosts[0]) not in allowed_hosts:
        return 421, "These pages are not served under the name in the Host header"
    return None


def _announces_body(name: bytes, value: bytes) -> bool:
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")


def _name_of(host: bytes) -> str:
    """Return the name in a `Host` header, lower-cased and without its port."""
    text = host.decode("latin-1").casefold()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text


MAX_HEAD_BYTES = 32 * 1024
_SLICE_BYTES = 8 * 1024
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """
    uvicorn's own protocol, which keeps neither endless heads nor half requests.

    uvicorn gathers headers without a limit and waits for the rest of a request for as long as a
    client likes: one connection could take hundreds of MiB, and a few hundred silent ones every
    open file. One address has `max_of_one_address` connections at most, `proxies` and loopback
    apart. `head_seconds` run from the connection, or the first byte, to the end of the head.
    """

    head_seconds: ClassVar[float] = 10.0
    max_connections: ClassVar[int] = 512
    max_of_one_address: ClassVar[int] = 64
    proxies: ClassVar[Sequence[Network]] = ()
    stuck_seconds: ClassVar[float] = 30.0
    """A reader that takes in nothing for so long is let go."""
    _stuck_timer: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        """Expect a head first."""
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_timer: Any = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Be connected, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections or self._has_too_many():
            transport.abort()
        else:
            self._expect_head()

    def _has_too_many(self) -> bool:
        """Return whether one address, neither loopback nor a proxy of ours, has too many."""
        address = peer_of({"client": self.client})
        if (address is not None and address.is_loopback) or is_of(address, self.proxies):
            return False
        others = cast("set[HttpToolsProtocol]", self.connections)
        held = sum(peer_of({"client": one.client}) == address for one in others)
        return held > self.max_of_one_address

    def connection_lost(self, exc: Exception | None) -> None:
        """Be disconnected."""
        self._unstuck()
        self._head_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in a piece of a request, in slices: a head is measured before it is kept."""
        for start in range(0, len(data), _SLICE_BYTES):
            if self.transport.is_closing():
                return
            piece = data[start : start + _SLICE_BYTES]
            if self._is_idle():
                self._expect_head()
            if self._head_timer is not None:
                self._head_bytes += len(piece)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._head_ended()
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
            super().data_received(piece)

    def on_message_begin(self) -> None:
        """Begin a head, also one that comes while an answer is still being given."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Begin to answer: the head is here."""
        self._head_ended()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Wait for a reader who takes nothing in, but not for good."""
        super().pause_writing()
        if self._stuck_timer is None:
            self._stuck_timer = self.loop.call_later(self.stuck_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the reader reads."""
        super().resume_writing()
        self._unstuck()

    def _unstuck(self) -> None:
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None

    def _is_idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._abort_late)

    def _abort_late(self) -> None:
        self._head_ended()
        self.transport.abort()

    def _head_ended(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
