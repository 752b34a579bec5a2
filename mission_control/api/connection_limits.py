"""How many clients are served, how long and large a request's head may be, and TLS."""

import asyncio
import contextlib
import socket
import ssl
from asyncio import Transport
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 32 * 1024
_BREATH_SECONDS = 0.1
_SLICE_BYTES = 8 * 1024
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def _exempt_none(_: str) -> bool:
    return False


def address_of(transport: asyncio.BaseTransport) -> str:
    """Return the address that a connection comes from; empty for none."""
    peer = transport.get_extra_info("peername")
    return str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""


class LimitedHttpProtocol(HttpToolsProtocol):
    """
    uvicorn's protocol with limits on the size and duration of a request's head.

    uvicorn itself collects headers without a limit and waits without one for the rest of a
    request: one connection could take hundreds of MiB, and a few hundred silent ones every open
    file. `head_seconds` run from the connection, or the first byte, to the end of the head.
    Of one address there are at most `max_per_client`, but for those that `is_exempt` names.
    """

    head_seconds: ClassVar[float] = 10.0
    max_connections: ClassVar[int] = 512
    max_per_client: ClassVar[int] = 64
    is_exempt: ClassVar[Callable[[str], bool]] = staticmethod(_exempt_none)
    stuck_seconds: ClassVar[float] = 30.0
    """A reader that takes in nothing for so long is let go."""
    _stuck_timer: Any = None

    def __init__(self, *args: Any, is_counted: bool = False, **kwargs: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        """Expect a head first; one that `is_counted` was found not to be one too many."""
        super().__init__(*args, **kwargs)
        self._is_counted = is_counted
        self.address = ""
        self._head_bytes = 0
        self._head_timer: Any = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Accept the connection, or abort it where there are too many."""
        self.address = address_of(transport)
        super().connection_made(transport)
        if not self._is_counted and self.are_too_many(self.connections, self.address):
            transport.abort()
        else:
            self._expect_head()

    @classmethod
    def are_too_many(cls, connections: Iterable[object], address: str) -> bool:
        """Return whether there are too many connections, the newest of them from this address."""
        held = [getattr(each, "address", "") for each in connections]
        if len(held) > cls.max_connections:
            return True
        return held.count(address) > cls.max_per_client and not cls.is_exempt(address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for a head."""
        self._unstuck()
        self._head_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a piece of a request, in slices: a head is measured before it is kept."""
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
        """Begin a head, also one that comes while an answer is still being sent."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Begin to answer: the head is complete."""
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


@dataclass(eq=False)
class _Handshake:
    """A connection whose handshake is under way; uvicorn ends it as any other."""

    address: str
    task: "asyncio.Task[None] | None" = None

    def shutdown(self) -> None:
        """Stop: there is nothing to finish."""
        if self.task is not None:
            self.task.cancel()


class LimitedServer(uvicorn.Server):
    """
    uvicorn's server, which counts a connection over TLS before its handshake.

    asyncio tells a server of a connection only after the handshake, so that silent ones would be
    held without any limit. Here each has ten seconds for it, and gets the certificate that is in
    force when it begins. Without a `certificate` there is no TLS. Signals are left to others, so
    that stopping ends streams first.
    """

    handshake_seconds: ClassVar[float] = 10.0

    def __init__(
        self, config: uvicorn.Config, certificate: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(config)
        self._certificate = certificate
        self._accepting = list["asyncio.Task[None]"]()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        if self._certificate is None:
            await super().startup(sockets)
            return
        await super().startup([])
        for listener in sockets or []:
            accepting = self._accept(listener, self._certificate)
            self._accepting.append(asyncio.create_task(accepting))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, and end what is held."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await super().shutdown(sockets)

    async def _accept(
        self, listener: socket.socket, certificate: Callable[[], ssl.SSLContext]
    ) -> None:
        loop, held = asyncio.get_running_loop(), self.server_state.connections
        reads = cast("type[LimitedHttpProtocol]", self.config.http_protocol_class)
        listener.settimeout(0)
        listener.listen(self.config.backlog)
        while True:
            try:
                accepted, peer = await loop.sock_accept(listener)
            except OSError:  # such as too many open files: those who wait are accepted later
                await asyncio.sleep(_BREATH_SECONDS)
                continue
            handshake = _Handshake(str(peer[0]))
            held.add(cast("LimitedHttpProtocol", handshake))
            if reads.are_too_many(held, handshake.address):
                held.discard(cast("LimitedHttpProtocol", handshake))
                accepted.close()
                continue
            shaking = self._shake(handshake, accepted, certificate())
            handshake.task = loop.create_task(shaking)

    async def _shake(
        self, handshake: _Handshake, accepted: socket.socket, certificate: ssl.SSLContext
    ) -> None:
        reader = cast("type[LimitedHttpProtocol]", self.config.http_protocol_class)(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            is_counted=True,
        )
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: reader,
                accepted,
                ssl=certificate,
                ssl_handshake_timeout=self.handshake_seconds,
            )
        except OSError:  # an SSLError or a TimeoutError is one: no TLS, or none of ours
            accepted.close()
        finally:
            self.server_state.connections.discard(cast("LimitedHttpProtocol", handshake))
