"""Transports that reach services: no redirects, cookies, proxies or decompression."""

import asyncio
import math
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import httpx

from mission_control.errors import MissionControlError
from mission_control.floor.decide.evidence import MAX_AGE_SECONDS
from mission_control.model.fleet import TlsFiles
from mission_control.model.reload import Reload
from mission_control.probe.held_connection import HeldConnection, WireAnswer
from mission_control.probe.opening import COURSE, Names, Origin, open_connection
from mission_control.probe.patience import LoopStalls
from mission_control.probe.received import MAX_BODY_BYTES
from mission_control.probe.rotated_files import TlsContexts

FORBIDDEN_SEGMENTS = frozenset({"state", "recover", "execute"})
"""Paths that act although asked with GET: `/state` moves the execution engine."""


SENT = "sent"
"""The extension of a request in which a transport counts, by method, what it sends again."""


class RefusedRequest(MissionControlError):  # noqa: N818  (a refusal, not a failure)
    """A request that Mission Control must never send was refused before anything was sent."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """
    Wraps the transport that reaches the network and refuses all that is not a harmless GET.

    Everything that observes sends through one of these (docs/semantics.md#10). `sent` counts
    what really left, by method.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        """Guard this transport."""
        self._inner = inner
        self.sent: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a GET; raises RefusedRequest for any other method or a path that acts."""
        self._check(request)
        self.sent["GET"] += 1
        request.extensions[SENT] = self.sent
        return await self._inner.handle_async_request(request)

    def question(self, request: httpx.Request) -> "Question":
        """Return a GET to be sent again and again; raises RefusedRequest as sending it would."""
        self._check(request)
        return Question(_origin(request, self._held.server_name), _wire(request), self)

    async def ask(self, question: "Question") -> WireAnswer:
        """
        Send what was checked once, and give its answer as it came.

        The types of httpx would cost as much as the network does.
        """
        if question.guard is not self:
            raise RefusedRequest("the request was checked by another guard")
        self.sent["GET"] += 1
        return await self._held.ask(question.origin, question.wire, self._count_again)

    def _count_again(self) -> None:
        self.sent["GET"] += 1

    @property
    def _held(self) -> "HeldTransport":
        if not isinstance(self._inner, HeldTransport):
            raise TypeError("only held connections are asked again and again")
        return self._inner

    def _check(self, request: httpx.Request) -> None:
        if request.method != "GET":
            raise RefusedRequest(f"{request.method} is refused: Mission Control only reads")
        segments = request.url.path.casefold().split("/")
        if any(s.split(";", 1)[0].strip() in FORBIDDEN_SEGMENTS for s in segments):
            raise RefusedRequest(f"{request.url.path} is refused: it acts when it is asked")

    async def aclose(self) -> None:
        """Close what is guarded."""
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class Question:
    """A harmless GET, checked by its guard and written once: where it goes, and its bytes."""

    origin: Origin
    wire: bytes
    guard: GuardedTransport


MAX_LIFE_SECONDS = int(MAX_AGE_SECONDS)
"""A connection is evidence of where a name leads, and is used for no longer than evidence is."""


class Lives:
    """
    Gives each connection the second in which it ends: the latest in which the fewest others do.

    All that are opened together, at the start or after a failure, would otherwise end together,
    and be opened together, for ever. Once they are spread each lives nearly its whole life.
    """

    def __init__(self, most: int = MAX_LIFE_SECONDS) -> None:
        """Let none live for longer than so many seconds."""
        self._most = most
        self._ending = Counter[int]()

    def end_of(self, now: float) -> float:
        """Return the end of a connection that is opened now, at most the whole life away."""
        last = int(now) + self._most
        if len(self._ending) > 2 * self._most:
            self._ending = Counter({s: n for s, n in self._ending.items() if s > now})
        end = min(range(last, int(now), -1), key=self._ending.__getitem__)
        self._ending[end] += 1
        return end


USER_AGENT = f"mission-control/{version('mission-control')}"


def _tell_no_one(_host: str, _port: int | None) -> None:
    """Take the loss of an idle connection as it comes."""


class HeldTransport(httpx.AsyncBaseTransport):
    """
    Sends requests over held connections, at most one request at a time on each.

    It does nothing else: it follows no redirect, keeps no cookie, reads no proxy and unpacks
    nothing. A body is read up to one byte more than the cap, then the connection is dropped; the
    caller sets the time limit. `tell_loss` is told the host and port (None where the URL has
    none) of an idle connection that its peer closed.

    A connection is used for at most 45 s, and no longer than its name leads to its peer or its
    TLS context is the newest; then another is opened.
    """

    def __init__(
        self,
        context: Callable[[], Awaitable[ssl.SSLContext]],
        tell_loss: Callable[[str, int | None], None] = _tell_no_one,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        server_name: str | None = None,
        names: Names | None = None,
        lives: Lives | None = None,
    ) -> None:
        """
        Open nothing yet; the TLS context is asked for with each request that needs it.

        `server_name` is what the certificate must be made out to, where that is not the host.
        `names` and `lives` are shared with the other transports of one process.
        """
        self._context = context
        self._tell_loss = tell_loss
        self._max_body_bytes = max_body_bytes
        self.server_name = server_name
        self._names = names or Names()
        self._lives = lives or Lives()
        self._idle: dict[Origin, list[HeldConnection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request and give its answer.

        A held connection may have been closed just as we wrote; a GET that got no byte in
        answer is then sent once more on a new one (RFC 9110, section 9.2.2), and counted once
        more in the request's `SENT`.
        """
        again = partial(_count_again, request) if request.method == "GET" else None
        answer = await self.ask(_origin(request, self.server_name), _wire(request), again)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx.ByteStream(bytes(answer.body)),
            request=request,
        )

    async def ask(
        self, origin: Origin, wire: bytes, again: Callable[[], None] | None
    ) -> WireAnswer:
        """
        Send a request's bytes and give its answer as it came.

        What may be sent `again` tells so as it is, once at most.
        """
        context = await self._context() if origin.secure else None
        held = self._take(origin, context)
        if held is not None:
            try:
                return self._keep(origin, held, await _exchange(held, wire))
            except (OSError, httpx.RemoteProtocolError):
                if held.has_heard or again is None:
                    raise
                again()
        opened = await open_connection(origin, self._names, context, partial(self._make, origin))
        opened.ends_at = self._lives.end_of(asyncio.get_running_loop().time())
        return self._keep(origin, opened, await _exchange(opened, wire))

    async def aclose(self) -> None:
        """Drop every idle connection; nothing is lost by it, so `tell_loss` is not told."""
        self._closed = True
        for held in self._idle.values():
            for connection in held:
                connection.abort()
        self._idle.clear()

    def _take(self, origin: Origin, context: ssl.SSLContext | None) -> HeldConnection | None:
        """Return the connection used last that may still be used; drop all that may not."""
        held = self._idle.get(origin)
        if not held:
            return None
        now = asyncio.get_running_loop().time()
        if len(held) > 1 and not self._serves(origin.host, held[0], context, now):
            held.pop(0).abort()  # one that is seldom needed is not kept past its end
        while held:
            connection = held.pop()
            if self._serves(origin.host, connection, context, now):
                self._names.look_again(origin.host)
                return connection
            connection.abort()
        return None

    def _serves(
        self,
        host: str,
        connection: HeldConnection,
        context: ssl.SSLContext | None,
        now: float,
    ) -> bool:
        """Return whether a connection is open, young, and where its name and files lead today."""
        named_at = connection.named_at
        if named_at < math.inf:  # it was found by a name
            named_at = self._names.confirm(host, connection.host, named_at)
            if named_at is None:
                return False
            connection.named_at = named_at
        return (
            connection.is_free
            and now < connection.ends_at
            and now - named_at <= MAX_AGE_SECONDS
            and connection.context is context
        )

    def _make(self, origin: Origin) -> HeldConnection:
        return HeldConnection(self._max_body_bytes, partial(self._lose, origin))

    def _lose(self, origin: Origin) -> None:
        held = self._idle.get(origin, [])
        held[:] = [c for c in held if c.is_free]
        if not self._closed:
            self._tell_loss(origin.host, origin.port)

    def _keep(self, origin: Origin, connection: HeldConnection, answer: WireAnswer) -> WireAnswer:
        if connection.is_free:
            self._idle.setdefault(origin, []).append(connection)
        return answer


def _origin(request: httpx.Request, server_name: str | None) -> Origin:
    url = request.url
    return Origin(url.host, url.port, url.scheme == "https", server_name)


def _wire(request: httpx.Request) -> bytes:
    """Write a request without a body as HTTP/1.1."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % pair for pair in request.headers.raw]
    return b"\r\n".join((*lines, b"", b""))


def _exchange(connection: HeldConnection, wire: bytes) -> Awaitable[WireAnswer]:
    """Send a request and give its answer; notes on the course of the request what it asks."""
    course = COURSE.get()
    if course is not None:
        course.phase, course.peer = "answer", connection.peer
        course.named_at, course.connection = connection.named_at, connection
        course.sent_at = asyncio.get_running_loop().time()
    return connection.exchange(wire)


def _count_again(request: httpx.Request) -> None:
    """Count a request that is sent a second time, where requests are counted."""
    if SENT in request.extensions:
        request.extensions[SENT][request.method] += 1


class Transports:
    """
    The guarded transports of one process: one for all, and one for each set of TLS files.

    Certificates are always verified, against the system's authorities or the agent's own.
    `names` looks names up for all of them; `stalls` tells when our own loop was held up.
    """

    def __init__(self, names: Names | None = None) -> None:
        """Open nothing yet; connections belong to the event loop that asks first."""
        self.names = names or Names()
        self.stalls = LoopStalls()
        self._contexts = TlsContexts()
        self._lives = Lives()
        self._opened: dict[TlsFiles | None, GuardedTransport] = {}
        self._further = list[Callable[[], Awaitable[None]]]()
        self.tell_loss: Callable[[str, int | None], None] | None = None

    def for_agent(self, tls: TlsFiles | None) -> GuardedTransport:
        """
        Return the transport for an agent's TLS files, the shared one where it has none.

        Its requests raise UnreadableFileError when a certificate file could never be used.
        """
        known = self._opened.get(tls)
        if known is None:
            held = HeldTransport(
                partial(self._contexts.context, tls),
                self._lost,
                names=self.names,
                lives=self._lives,
            )
            known = self._opened[tls] = GuardedTransport(held)
        return known

    def trouble(self, tls: TlsFiles | None) -> str:
        """Return why an agent's TLS files that changed do not serve yet; empty where they do."""
        return self._contexts.trouble(tls)

    def take_reloads(self) -> Sequence[Reload]:
        """Return each set of certificate files once that was read again, or could not be."""
        return self._contexts.take_reloads()

    def opened(self) -> tuple[GuardedTransport, ...]:
        """List the transports in use."""
        return tuple(self._opened.values())

    def also_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Close other connections, such as those to the API server, with ours."""
        self._further.append(close)

    async def aclose(self) -> None:
        """Close every connection."""
        self.stalls.stop()
        for transport in self.opened():
            await transport.aclose()
        for close in self._further:
            await close()

    def _lost(self, host: str, port: int | None) -> None:
        if self.tell_loss is not None:
            self.tell_loss(host, port)


@asynccontextmanager
async def open_transports() -> AsyncGenerator[Transports]:
    """Return transports for the time of the block, and close all connections after it."""
    transports = Transports()
    try:
        yield transports
    finally:
        await transports.aclose()
