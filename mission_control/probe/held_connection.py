"""One HTTP/1.1 connection that is held open and asked one thing at a time."""

import asyncio
import math
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from mission_control.probe.failure import AnswerTooLargeError

if TYPE_CHECKING:
    import ssl

MAX_HEAD_BYTES = 32 * 1024
"""A head that goes on for longer than this is given up."""
MAX_HEADERS = 500
"""An answer with more headers and trailers than this is given up."""
OVERHEAD_BYTES = 64 * 1024
"""Heads, trailers, chunk sizes and their extensions may take so much beside the body."""
SOON_SECONDS = 0.1
"""An answer that was read so soon after it was asked for cannot have lain there for long."""
SLICE_BYTES = 16 * 1024
"""What comes in is parsed in pieces of this size, and no further once it is too much."""

_ENDS_WITH_THE_CONNECTION = frozenset({b"content-length", b"transfer-encoding"})
_FINAL_FROM = 200
_TCP_INFO = getattr(socket, "TCP_INFO", 11)
_LAST_DATA_RECEIVED = struct.Struct("=I")
_LAST_DATA_OFFSET = 52
"""Where `tcpi_last_data_recv` lies in `struct tcp_info` (linux/tcp.h): 8 bytes, then 11 words."""
_INFO_BYTES = _LAST_DATA_OFFSET + 4

T = TypeVar("T")


def name_peer(host: str, port: int) -> str:
    """Write an address and port as people do: `10.0.0.7:8080`, `[::1]:8080`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(slots=True)
class WireAnswer:
    """
    An answer as it comes in; `body` holds at most one byte more than the cap.

    `came_at` is when its last byte reached this machine, by the event loop's clock: earlier than
    it was read where our loop was held up. None where that is not known.
    """

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    body: bytearray = field(default_factory=bytearray)
    came_at: float | None = None


class HeldConnection(asyncio.Protocol):
    """
    Sends one request at a time and gives its answer as soon as that is whole or too large.

    Whatever comes without having been asked for ends the connection: it must never be read as
    the answer to the next request. `is_free` tells whether it can be asked; `has_heard` whether
    the request under way has been answered by as much as a byte.

    Every byte received counts, whatever part of the answer it belongs to: past the cap on the
    whole the connection is dropped at once.

    Connection and parser hold each other, so the parser lives from `connection_made` to
    `connection_lost` only: else every connection that is lost, or that never came about, would
    stay until the collector of cycles looks for it, which is seldom (`processes/collector.py`).
    """

    def __init__(self, max_body_bytes: int, tell_loss: Callable[[], None]) -> None:
        """Give up bodies larger than the cap; tell when the peer closes an idle connection."""
        self._parser: HttpResponseParser | None = None
        self._max_body_bytes = max_body_bytes
        self._max_bytes = max_body_bytes + max_body_bytes // 16 + OVERHEAD_BYTES
        self._tell_loss = tell_loss
        self._waiter: asyncio.Future[WireAnswer] | None = None
        self._answer = WireAnswer()
        self._transport: asyncio.Transport | None = None
        self._received = 0
        self._headers = 0
        self._head_done = False
        self._whole = False
        self.has_heard = False
        self.is_free = True
        self._sent_at = 0.0
        self.host = ""
        self.peer = ""
        self.named_at = math.inf
        self.ends_at = math.inf
        self.context: ssl.SSLContext | None = None

    @property
    def heard(self) -> WireAnswer | None:
        """Return as much of the newest answer as came; None before its head did."""
        return self._answer if self._head_done else None

    @property
    def is_answered(self) -> bool:
        """Return whether the request under way has its answer, or has failed."""
        return self._waiter is None or self._waiter.done()

    def has_unread(self) -> bool:
        """Return whether the socket holds bytes that we have not read yet."""
        return bool(self._asks(lambda s: s.recv(1, socket.MSG_PEEK)))

    def lead_to(self, host: str, port: int) -> str:
        """Note the address where the connection leads; gives it as people write it."""
        self.host, self.peer = host, name_peer(host, port)
        return self.peer

    async def exchange(self, wire: bytes) -> WireAnswer:
        """
        Send a request and give its answer.

        Raises httpx.RemoteProtocolError for what is no answer, OSError when the connection
        breaks. A caller that stops waiting ends the connection with it.
        """
        if self._transport is None or not self.is_free:
            raise httpx.RemoteProtocolError("the connection is closed")
        self._answer = WireAnswer()
        self._received = self._headers = 0
        self._head_done = self._whole = False
        self.has_heard = self.is_free = False
        loop = asyncio.get_running_loop()
        self._waiter, self._sent_at = loop.create_future(), loop.time()
        self._transport.write(wire)
        try:
            return await self._waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None

    def abort(self) -> None:
        """Drop the connection at once, without waiting for the peer."""
        self.is_free = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected."""
        self._parser = HttpResponseParser(self)
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in a piece of the answer; anything else ends the connection."""
        for start in range(0, len(data), SLICE_BYTES):
            if self._parser is None or self.is_answered:
                self.abort()
                return
            self.has_heard = True
            self._take_in(self._parser, data[start : start + SLICE_BYTES])

    def _take_in(self, parser: HttpResponseParser, data: bytes) -> None:
        self._received += len(data)
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._whole:
                self._fail(httpx.RemoteProtocolError(f"not an HTTP answer: {error}"))
            self.abort()
            return
        if self._whole:
            return
        if len(self._answer.body) > self._max_body_bytes:
            self._finish(self._last_came_at())
            self.abort()
        elif not self._head_done and self._is_more_than(MAX_HEAD_BYTES):
            self._give_up(httpx.RemoteProtocolError("the head of the answer is too large"))
        elif self._is_more_than(self._max_bytes):
            told = f"{self._received // 1024} KiB came, and the answer was not whole"
            self._give_up(AnswerTooLargeError(told))

    def _is_more_than(self, most_bytes: int) -> bool:
        return self._received > most_bytes or self._headers > MAX_HEADERS

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way: by the closing itself where that ends a body, else lost."""
        idle = self.is_free
        self.is_free = False
        self._transport = self._parser = None
        if idle:
            self._tell_loss()
            return
        if exc is None and self._head_done and self._ends_with_the_connection():
            self._finish(None)  # when it was closed is not told
        closed = httpx.RemoteProtocolError("closed before the answer was whole")
        self._fail(closed if exc is None else exc)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header of the answer; trailers are only counted."""
        self._headers += 1
        if not self._head_done:
            self._answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status: the head is here."""
        if self._parser is not None:  # it is what calls
            self._answer.status = self._parser.get_status_code()
            self._head_done = True

    def on_body(self, body: bytes) -> None:
        """Note a piece of the body, up to one byte more than the cap."""
        if not self._whole:
            room = self._max_body_bytes + 1 - len(self._answer.body)
            self._answer.body += body[:room]

    def on_message_begin(self) -> None:
        """Begin an answer; a second one that was not asked for ends the connection."""
        if self._whole:
            self.abort()

    def on_message_complete(self) -> None:
        """End the answer; one that only announces another (1xx) is forgotten."""
        if self._answer.status < _FINAL_FROM:
            self._answer, self._head_done = WireAnswer(), False
            return
        self._finish(self._last_came_at())
        parser = self._parser
        if parser is not None and parser.should_keep_alive() and self._transport is not None:
            self.is_free = True
        else:
            self.abort()

    def _finish(self, came_at: float | None) -> None:
        self._whole = True
        self._answer.came_at = came_at
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._answer)

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _give_up(self, error: Exception) -> None:
        self._fail(error)
        self.abort()

    def _last_came_at(self) -> float | None:
        """
        Return when the last byte reached this machine, by the event loop's clock.

        Linux tells how long ago that was, in ms (`tcpi_last_data_recv` of TCP_INFO); None
        where it is not known. It is not asked for answers that came too soon to have waited.
        """
        now = asyncio.get_running_loop().time()
        if now - self._sent_at < SOON_SECONDS:
            return now
        told = self._asks(lambda s: s.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES))
        if told is None or len(told) < _INFO_BYTES:
            return None
        (ago,) = _LAST_DATA_RECEIVED.unpack_from(told, _LAST_DATA_OFFSET)
        return now - ago / 1000

    def _asks(self, ask: Callable[[socket.socket], T]) -> T | None:
        """Ask our socket something, by a copy; None where it is closed, or cannot say."""
        if self._transport is None:
            return None
        try:
            with socket.socket(
                fileno=os.dup(self._transport.get_extra_info("socket").fileno())
            ) as s:
                return ask(s)
        except (OSError, ValueError, AttributeError):
            return None

    def _ends_with_the_connection(self) -> bool:
        """Return whether the body has no end of its own (RFC 9112, section 6.3)."""
        return not any(n.lower() in _ENDS_WITH_THE_CONNECTION for n, _ in self._answer.headers)
