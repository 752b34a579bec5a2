"""Observe: transports that reach services: no redirects, cookies, proxies or decompression."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

import httpx

from mission_control.model.fleet import TlsFiles
from mission_control.observe.guarded_transport import GuardedTransport
from mission_control.observe.held_connection import HeldConnection, WireAnswer
from mission_control.observe.opening import Origin, open_connection
from mission_control.observe.received import MAX_BODY_BYTES

KEEP_ALIVE_SECONDS = 75.0
"""Longer than any interval that is allowed, so that a service keeps its connection."""

USER_AGENT = f"mission-control/{version('mission-control')}"


def _tell_nobody(_host: str, _port: int | None) -> None:
    """Take the loss of an idle connection as it comes."""


class HeldTransport(httpx.AsyncBaseTransport):
    """
    Sends requests over held connections, at most one request at a time on each.

    It does nothing else: it follows no redirect, keeps no cookie, reads no proxy and unpacks
    nothing. A body is read up to one byte more than the cap, then the connection is dropped; the
    time limit is whoever awaits it. `tell_loss` is told the host and port (None where the URL has
    none) of an idle connection that its peer closed.
    """

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext],
        tell_loss: Callable[[str, int | None], None] = _tell_nobody,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        server_name: str | None = None,
    ) -> None:
        """
        Open nothing yet; the TLS context is asked for when a connection needs it.

        `server_name` is what the certificate must be made out to, where that is not the host.
        """
        self._context = context
        self._tell_loss = tell_loss
        self._max_body_bytes = max_body_bytes
        self._server_name = server_name
        self._idle: dict[Origin, list[HeldConnection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request and give its answer.

        A held connection may have been closed just as we wrote; a GET that got no byte in
        answer is then sent once more on a new one (RFC 9110, section 9.2.2).
        """
        url = request.url
        origin = Origin(url.host, url.port, url.scheme == "https", self._server_name)
        wire = _wire(request)
        held = self._take(origin)
        if held is not None:
            try:
                return self._respond(origin, held, await held.exchange(wire), request)
            except (OSError, httpx.RemoteProtocolError):
                if held.has_heard:
                    raise
        opened = await open_connection(origin, self._context, partial(self._make, origin))
        return self._respond(origin, opened, await opened.exchange(wire), request)

    async def aclose(self) -> None:
        """Drop every idle connection; nothing is lost by it, and so nobody is told."""
        self._closed = True
        for held in self._idle.values():
            for connection in held:
                connection.abort()
        self._idle.clear()

    def _take(self, origin: Origin) -> HeldConnection | None:
        """Give a connection that is open and was used lately, the one used last."""
        held = self._idle.get(origin, [])
        now = asyncio.get_running_loop().time()
        while held:
            connection = held.pop()
            if connection.is_free and now - connection.idle_since <= KEEP_ALIVE_SECONDS:
                return connection
            connection.abort()
        return None

    def _make(self, origin: Origin) -> HeldConnection:
        return HeldConnection(self._max_body_bytes, partial(self._lose, origin))

    def _lose(self, origin: Origin) -> None:
        held = self._idle.get(origin, [])
        held[:] = [c for c in held if c.is_free]
        if not self._closed:
            self._tell_loss(origin.host, origin.port)

    def _respond(
        self,
        origin: Origin,
        connection: HeldConnection,
        answer: WireAnswer,
        request: httpx.Request,
    ) -> httpx.Response:
        if connection.is_free:
            self._idle.setdefault(origin, []).append(connection)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx.ByteStream(bytes(answer.body)),
            request=request,
        )


def _wire(request: httpx.Request) -> bytes:
    """Write a request without a body as HTTP/1.1."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % pair for pair in request.headers.raw]
    return b"\r\n".join((*lines, b"", b""))


class Transports:
    """
    The guarded transports of one process: one for all, and one for each set of TLS files.

    Certificates are always verified, against the system's authorities or the agent's own.
    """

    def __init__(self) -> None:
        """Open nothing yet; connections belong to the event loop that asks first."""
        self._shared: GuardedTransport | None = None
        self._own: dict[TlsFiles, GuardedTransport] = {}
        self._further = list[Callable[[], Awaitable[None]]]()
        self.tell_loss: Callable[[str, int | None], None] | None = None

    def for_agent(self, tls: TlsFiles | None) -> GuardedTransport:
        """
        Give the transport for an agent's TLS files, the shared one where it has none.

        Raises OSError (ssl.SSLError among them) when a certificate file cannot be used.
        """
        if tls is None:
            self._shared = self._shared or self._open(_Lazily(ssl.create_default_context))
            return self._shared
        if tls not in self._own:
            context = _load(tls)
            self._own[tls] = self._open(lambda: context)
        return self._own[tls]

    def opened(self) -> tuple[GuardedTransport, ...]:
        """List the transports in use."""
        shared = () if self._shared is None else (self._shared,)
        return (*shared, *self._own.values())

    def also_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Close somebody else's connections, such as those to the API server, with ours."""
        self._further.append(close)

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self.opened():
            await transport.aclose()
        for close in self._further:
            await close()

    def _open(self, context: Callable[[], ssl.SSLContext]) -> GuardedTransport:
        return GuardedTransport(HeldTransport(context, self._lost))

    def _lost(self, host: str, port: int | None) -> None:
        if self.tell_loss is not None:
            self.tell_loss(host, port)


class _Lazily:
    """Makes the TLS context when it is first needed: reading the authorities takes 20 ms."""

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self._made: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext:
        self._made = self._made or self._make()
        return self._made


def _load(tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file is not None:
        # A key that wants a password is an error here; without this it would ask the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    return context


@asynccontextmanager
async def open_transports() -> AsyncGenerator[Transports]:
    """Give transports for the time of the block, and close all connections after it."""
    transports = Transports()
    try:
        yield transports
    finally:
        await transports.aclose()
