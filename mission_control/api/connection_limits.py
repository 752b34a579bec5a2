"""How many clients are served, and how long and large a request's head may be."""

from asyncio import Transport
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 32 * 1024
_SLICE_BYTES = 8 * 1024
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """
    uvicorn's protocol with limits on the size and duration of a request's head.

    uvicorn itself collects headers without a limit and waits without one for the rest of a
    request: one connection could take hundreds of MiB, and a few hundred silent ones every open
    file. `head_seconds` run from the connection, or the first byte, to the end of the head.
    """

    head_seconds: ClassVar[float] = 10.0
    max_connections: ClassVar[int] = 512
    stuck_seconds: ClassVar[float] = 30.0
    """A reader that takes in nothing for so long is let go."""
    _stuck_timer: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        """Expect a head first."""
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_timer: Any = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Accept the connection, or abort it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.abort()
        else:
            self._expect_head()

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
