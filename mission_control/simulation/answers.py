"""An answer as a value, how it is routed to and sent over ASGI; and how services fail."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from typing import Any

import orjson

from mission_control.simulation.moment import Moment
from mission_control.simulation.scenario import Fault

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An HTTP answer.

    It is sent after `after_seconds`; `mutates` marks the requests that change the service, so
    that they can be counted.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    after_seconds: float = 0.0
    mutates: bool = False


Route = Callable[[Moment], Answer]
Respond = Callable[[Moment, str, str], Answer]
"""How a service answers: its moment, the method, the path."""


def json_answer(
    document: Mapping[str, object],
    *,
    status: int = 200,
    after_seconds: float = 0.0,
    mutates: bool = False,
) -> Answer:
    """Answer with a JSON object."""
    return Answer(status, orjson.dumps(document), after_seconds=after_seconds, mutates=mutates)


def answer_by_route(
    routes: Mapping[tuple[str, str], Route], moment: Moment, method: str, path: str
) -> Answer:
    """Answer by method and path; without a route as the fleet's framework does (404, 405)."""
    route = routes.get((method, path))
    if route is not None:
        return route(moment)
    allowed = sorted(m for m, p in routes if p == path)
    if not allowed:
        return json_answer({"detail": "Not Found"}, status=404)
    body = orjson.dumps({"detail": "Method Not Allowed"})
    return Answer(405, body, headers=(("allow", ", ".join(allowed)),))


def answer_start(status: int, clock: datetime, headers: Mapping[str, str]) -> Message:
    """Return the head of an answer, with a Date of the simulated clock."""
    dated = {"date": format_datetime(clock, usegmt=True), **headers}
    encoded = [(name.encode("ascii"), value.encode("ascii")) for name, value in dated.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}


async def send_answer(send: Send, answer: Answer, clock: datetime) -> None:
    """Send a whole answer with its length."""
    headers = {
        "content-type": answer.content_type,
        "content-length": str(len(answer.body)),
        **dict(answer.headers),
    }
    await send(answer_start(answer.status, clock, headers))
    await send({"type": "http.response.body", "body": answer.body})


async def client_left(receive: Receive, *, within: float | None) -> bool:
    """Wait at most `within` seconds; return whether the client disconnected meanwhile."""
    try:
        async with asyncio.timeout(within):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


MEGABYTE = 1024 * 1024
HUGE_MEGABYTES = 50
BOMB_MEGABYTES = 64
DRIP_SECONDS = 1.0
DEPTH = 1000
CHUNK = b"x" * 65_536
DRIPPED = b'{"status":"ok","service":"marketdata-mcp-server","identity":null}'
SIGN_IN_PAGE = (
    b"<!doctype html>\n<html><head><title>Sign in</title></head>"
    b"<body><h1>Sign in to continue</h1></body></html>\n"
)
HALF_A_STATUS = (
    b'{"service_name":"marketdata-mcp-server","service_kind":"marketdata",'
    b'"repo_id":"agent-trader-v2","status":{"state":"OK","summ'
)
LIVE_BESIDE_NAN = (
    b'{"service_name": "marketdata-mcp-server", "service_kind": "marketdata",'
    b' "heartbeat": {"age_seconds": NaN}, "agent_identity": {"agent_mode": "LIVE"}}'
)
ORDERS_SAID_TWICE = (
    b'{"service_name":"marketdata-mcp-server","service_kind":"marketdata",'
    b'"safety":{"safe_to_execute_orders":true,"safe_to_execute_orders":false}}'
)


def _whole_answers() -> Mapping[Fault, Answer]:
    return {
        Fault.TOO_DEEP: Answer(body=b'{"status":' + b"[" * DEPTH + b"]" * DEPTH + b"}"),
        Fault.HTML: Answer(body=SIGN_IN_PAGE, content_type="text/html; charset=utf-8"),
        Fault.TRUNCATED: Answer(body=HALF_A_STATUS),
        Fault.NOT_A_NUMBER: Answer(body=LIVE_BESIDE_NAN),
        Fault.SAID_TWICE: Answer(body=ORDERS_SAID_TWICE),
        Fault.UNWELL: json_answer({"ok": False}, status=503),
        Fault.REDIRECTED: Answer(307, headers=(("location", "/redirected"),)),
        Fault.UNAVAILABLE: json_answer({"detail": "Service Unavailable"}, status=503),
        Fault.NOTHING_OFFERED: json_answer({"detail": "Not Found"}, status=404),
    }


async def fail(fault: Fault, receive: Receive, send: Send, clock: datetime) -> None:
    """
    Answer every path as the fault says.

    A refused connection has no answer: over a socket the port is closed, and in process the same
    error is raised here.
    """
    match fault:
        case Fault.REFUSED:
            raise ConnectionRefusedError("this service's port is closed")
        case Fault.HUNG:
            await client_left(receive, within=None)
        case Fault.DRIPPING:
            headers = {"content-length": str(len(DRIPPED))}
            await _stream(send, clock, headers, _drips(receive))
        case Fault.HUGE:
            await _stream(send, clock, {}, _in_chunks(_huge_document()))
        case Fault.GZIP_BOMB:
            bomb = gzip_bomb()
            headers = {"content-encoding": "gzip", "content-length": str(len(bomb))}
            await _stream(send, clock, headers, _in_chunks(iter([bomb])))
        case _:
            await send_answer(send, _whole_answers()[fault], clock)


async def _stream(
    send: Send, clock: datetime, headers: Mapping[str, str], parts: AsyncIterator[bytes]
) -> None:
    start = answer_start(200, clock, {"content-type": "application/json", **headers})
    await send(start)
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _drips(receive: Receive) -> AsyncIterator[bytes]:
    for byte in DRIPPED:
        yield bytes([byte])
        if await client_left(receive, within=DRIP_SECONDS):
            return


async def _in_chunks(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _huge_document() -> Iterator[bytes]:
    yield b'{"padding":"'
    for _ in range(HUGE_MEGABYTES * MEGABYTE // len(CHUNK)):
        yield CHUNK
    yield b'"}'


@cache
def gzip_bomb() -> bytes:
    """Return a gzip body of about 64 kB that would inflate to a JSON document of 64 MB."""
    compress = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    padding = b"x" * MEGABYTE
    parts = [compress.compress(b'{"padding":"')]
    parts.extend(compress.compress(padding) for _ in range(BOMB_MEGABYTES))
    parts.extend((compress.compress(b'"}'), compress.flush()))
    return b"".join(parts)
