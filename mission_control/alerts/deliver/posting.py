"""The network edge of delivery: one method to one address, and a short answer within a deadline."""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import httpx

from mission_control.alerts.deliver.model import Answer, Channel, Reached
from mission_control.probe.transport import USER_AGENT, RefusedRequest
from mission_control.redaction.redact import MASK, excerpt, redact_text

DEADLINE_SECONDS = 10.0
"""From the lookup of the name to the last byte of the answer."""
MOST_ANSWER_BYTES = 8 * 1024
MOST_ANSWER_TEXT = 300
SHORTEST_SECRET = 8
"""A shorter part of a path is no secret, but a word."""
REFUSING = frozenset({400, 413, 422})
"""By these a channel says that it does not take this message, and not that it takes none."""
_SECONDS = re.compile(r"[0-9]{1,5}")


class AddressGuard(httpx.AsyncBaseTransport):
    """
    Lets exactly one method to exactly one address pass, the one that is configured.

    `sent` counts what really left, by method (docs/semantics.md#R15.5).
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, method: str, url: str) -> None:
        """Guard this transport."""
        self._inner = inner
        self._method = method
        self._url = httpx.URL(url)
        self.sent: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; raises RefusedRequest for any other method, address, host or an upgrade."""
        host = httpx.Request(self._method, self._url).headers["host"]
        same = request.method == self._method and request.url == self._url
        if not same or request.headers.get("host") != host or "upgrade" in request.headers:
            raise RefusedRequest("only what is configured is ever told of alerts")
        self.sent[request.method] += 1
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is guarded."""
        await self._inner.aclose()


@cache
def trusted() -> ssl.SSLContext:
    """Return the system's authorities, read once."""
    return ssl.create_default_context()


def open_transport() -> httpx.AsyncBaseTransport:
    """
    Return what reaches the network: the system's authorities, no proxy, and no kept connections.

    Pages are seldom; a connection that its peer has closed meanwhile would cost one an attempt.
    """
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=trusted(), trust_env=False, limits=limits)


@dataclass(frozen=True, slots=True)
class Address:
    """
    Where a channel is told, and what tells it there.

    `url` may hold a secret, and is never shown; a transport is opened when it is first needed.
    """

    channel: Channel
    url: str = field(repr=False)
    deadline_seconds: float = DEADLINE_SECONDS
    opens: Callable[[], httpx.AsyncBaseTransport] = open_transport
    _opened: list[AddressGuard] = field(default_factory=list[AddressGuard])

    @property
    def guard(self) -> AddressGuard:
        """Return the one transport to this address."""
        if not self._opened:
            self._opened.append(AddressGuard(self.opens(), self.channel.method, self.url))
        return self._opened[0]

    @property
    def reached(self) -> Reached:
        """Return what really left."""
        sent = dict(self._opened[0].sent) if self._opened else dict[str, int]()
        return Reached(self.channel, sent, self.url)

    async def ask(self, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """
        Send one request, and return what was answered within the deadline.

        No redirect is followed, no cookie kept, nothing unpacked. Every failure is an answer.
        """
        plain = {"user-agent": USER_AGENT, "accept-encoding": "identity", **(headers or {})}
        request = httpx.Request(self.channel.method, self.url, headers=plain, content=body)
        try:
            async with asyncio.timeout(self.deadline_seconds):
                return self._judge(*await self._exchange(request))
        except TimeoutError:
            return Answer(delivered=False, text=f"no answer within {self.deadline_seconds:g} s")
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            return Answer(delivered=False, text=self._hide(_what_failed(error)))

    async def _exchange(self, request: httpx.Request) -> tuple[int, bytes, httpx.Headers]:
        response = await self.guard.handle_async_request(request)
        read = bytearray()
        try:
            async for piece in cast("httpx.AsyncByteStream", response.stream):
                read += piece
                if len(read) > MOST_ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        return response.status_code, bytes(read), response.headers

    def _judge(self, status: int, body: bytes, headers: httpx.Headers) -> Answer:
        said = excerpt(body)
        text = self._hide(f"HTTP {status}{': ' if said else ''}{said}")
        if httpx.codes.is_success(status):
            return Answer(delivered=True, text=text)
        asks = status in {429, 503} and _SECONDS.fullmatch(headers.get("retry-after", ""))
        return Answer(
            delivered=False,
            text=text,
            refused=status in REFUSING,
            wait_seconds=float(asks[0]) if asks else 0.0,
        )

    def _hide(self, text: str) -> str:
        """Return a text without the parts of the address's path and query: one may be a secret."""
        parts = re.split(r"[/?&=]", httpx.URL(self.url).raw_path.decode("ascii", errors="replace"))
        for part in sorted(parts, key=len, reverse=True):
            if len(part) >= SHORTEST_SECRET:
                text = text.replace(part, MASK)
        return redact_text(text)[:MOST_ANSWER_TEXT]

    async def aclose(self) -> None:
        """Close the transport, where one was opened."""
        for guard in self._opened:
            await guard.aclose()


def _what_failed(error: Exception) -> str:
    """Say what failed, in the words of the system where it has any."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
