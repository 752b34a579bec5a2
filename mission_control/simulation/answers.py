"""An answer as a value, how it is routed to, and how it is sent over ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import orjson

from mission_control.simulation.moment import Moment

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
