"""Observe: one HTTP/1.1 connection that is held open and asked one thing at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES = 32 * 1024
"""A head that goes on for longer than this is given up."""

_ENDS_WITH_THE_CONNECTION = frozenset({b"content-length", b"transfer-encoding"})
_FINAL_FROM = 200


@dataclass(slots=True)
class WireAnswer:
    """An answer as it comes in; `body` holds at most one byte more than the cap."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    body: bytearray = field(default_factory=bytearray)


class HeldConnection(asyncio.Protocol):
    """
    Sends one request at a time and gives its answer as soon as that is whole or too large.

    Whatever comes without having been asked for ends the connection: it must never be read as
    the answer to the next request. `is_free` tells whether it can be asked; `has_heard` whether
    the request under way has been answered by as much as a byte.
    """

    def __init__(self, max_body_bytes: int, tell_loss: Callable[[], None]) -> None:
        """Give up bodies larger than the cap; tell when the peer closes an idle connection."""
        self._parser = HttpResponseParser(self)
        self._max_body_bytes = max_body_bytes
        self._tell_loss = tell_loss
        self._waiter: asyncio.Future[WireAnswer] | None = None
        self._answer = WireAnswer()
        self._transport: asyncio.Transport | None = None
        self._head_bytes = 0
        self._head_done = False
        self._whole = False
        self.has_heard = False
        self.is_free = True
        self.idle_since = 0.0

    async def exchange(self, wire: bytes) -> WireAnswer:
        """
        Send a request and give its answer.

        Raises httpx.RemoteProtocolError for what is no answer, OSError when the connection
        breaks. Whoever stops waiting ends the connection with it.
        """
        if self._transport is None or not self.is_free:
            raise httpx.RemoteProtocolError("the connection is closed")
        self._answer = WireAnswer()
        self._head_bytes, self._head_done, self._whole = 0, False, False
        self.has_heard = self.is_free = False
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(wire)
        try:
            return await self._waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None

    def abort(self) -> None:
        """Drop the connection at once, without waiting for anybody to agree."""
        self.is_free = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in a piece of the answer; anything else ends the connection."""
        if self._waiter is None or self._waiter.done():
            self.abort()
            return
        self.has_heard = True
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._whole:
                self._fail(httpx.RemoteProtocolError(f"no HTTP answer: {error}"))
            self.abort()
            return
        self._head_bytes += 0 if self._head_done else len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._fail(httpx.RemoteProtocolError("the head of the answer is too large"))
        elif len(self._answer.body) > self._max_body_bytes:
            self._finish()
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way: by the closing itself where that ends a body, else lost."""
        idle = self.is_free
        self.is_free = False
        self._transport = None
        if idle:
            self._tell_loss()
            return
        if exc is None and self._head_done and self._ends_with_the_connection():
            self._finish()
        closed = httpx.RemoteProtocolError("closed before the answer was whole")
        self._fail(closed if exc is None else exc)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header of the answer; trailers are nobody's business."""
        if not self._head_done:
            self._answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status: the head is here."""
        self._answer.status = self._parser.get_status_code()
        self._head_done = True

    def on_body(self, body: bytes) -> None:
        """Note a piece of the body, up to one byte more than the cap."""
        if not self._whole:
            room = self._max_body_bytes + 1 - len(self._answer.body)
            self._answer.body += body[:room]

    def on_message_begin(self) -> None:
        """Begin an answer; a second one that nobody asked for ends the connection."""
        if self._whole:
            self.abort()

    def on_message_complete(self) -> None:
        """End the answer; one that only announces another (1xx) is forgotten."""
        if self._answer.status < _FINAL_FROM:
            self._answer, self._head_done = WireAnswer(), False
            return
        self._finish()
        if self._parser.should_keep_alive() and self._transport is not None:
            self.is_free = True
            self.idle_since = asyncio.get_running_loop().time()
        else:
            self.abort()

    def _finish(self) -> None:
        self._whole = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._answer)

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _ends_with_the_connection(self) -> bool:
        """Tell whether the body has no end of its own (RFC 9112, section 6.3)."""
        return not any(n.lower() in _ENDS_WITH_THE_CONNECTION for n, _ in self._answer.headers)
