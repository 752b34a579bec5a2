"""Readers' questions, passed to a process of their own so that they slow no decision."""

import asyncio
from collections import OrderedDict
from datetime import datetime
from urllib.parse import parse_qsl

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from mission_control.api.answers import HTML, choose
from mission_control.api.documentation_routes import RUNBOOK_FORMS
from mission_control.api.options import SUFFIXES, VARY, AskQuestion
from mission_control.api.problems import Problem, send_problem
from mission_control.api.the_past import TIMELESS
from mission_control.model.clock import Clock
from mission_control.processes.model import Answered, AnswerHead, Question, Unanswered

NOT_ANSWERED = "readers_not_answered"
_PLACES = (
    "/api/v1/posture/changes",
    "/api/v1/timeline",
    "/api/v1/events",
    "/api/v1/incidents",
    "/api/v1/slo",
    "/api/v1/artifacts",
    "/api/v1/reports",
    "/api/v1/readiness",
    "/api/v1/lkg",
    "/api/v1/attestation/no-execution",
    "/api/v1/alerts/history",
)
"""What is answered from history or the record; what lies below each as well."""
_LIVE = frozenset({"/api/v1/events/recent"})
"""Below these, and answered from what is published."""
RUNBOOKS = "/api/v1/runbooks/"
HEADERS = frozenset({b"accept", b"accept-encoding", b"if-none-match"})
"""What an answer may depend on, apart from its address."""
_KEPT_ANSWERS, _KEPT_BYTES = 64, 8 * 1024 * 1024
_WHOLE, _KEPT = "/api/v1/slo", "/api/v1/timeline"

Headers = tuple[tuple[bytes, bytes], ...]
_Key = tuple[str, bytes, Headers]


def is_asked_aside(path: str, query: bytes, headers: Headers) -> bool:
    """Return whether a GET reads history or the record, and not only the published floor."""
    if path in _LIVE:
        return False
    if any(path == place or path.startswith((f"{place}/", f"{place}.")) for place in _PLACES):
        return True
    if path.startswith(RUNBOOKS):
        accept = ", ".join(v.decode("latin-1") for name, v in headers if name == b"accept")
        suffix = path.endswith(tuple(SUFFIXES))
        return path.endswith(".html") or (not suffix and choose(accept, RUNBOOK_FORMS)[0] == HTML)
    return path.startswith(TIMELESS) and "at" in _names(query)


def is_kept(path: str, query: bytes) -> bool:
    """Return whether an answer may be kept until the minute ends: strips and attainment."""
    return path == _WHOLE or (path == _KEPT and "step" in _names(query))


def _names(query: bytes) -> set[str]:
    return {name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)}


class ReadersAside:
    """
    Passes readers' questions on, and everything else to the application itself.

    Equal questions at the same time are asked once. Strips and attainment are kept until the
    minute ends, within a limit of bytes. Without an answer it is 503 with Retry-After; a runbook
    is then shown as plain text by the application. Used from one loop.
    """

    def __init__(self, application: ASGIApp, ask: AskQuestion, clock: Clock, label: str) -> None:
        """Ask through `ask`; the application answers everything else."""
        self._application = application
        self._ask = ask
        self._clock = clock
        self._label = label
        self._asking: dict[_Key, asyncio.Task[Answered | Unanswered]] = {}
        self._kept: OrderedDict[_Key, Answered] = OrderedDict()
        self._minute: datetime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._application(scope, receive, send)
            return
        headers = tuple(sorted((k, v) for k, v in scope["headers"] if k in HEADERS))
        path, query = scope["path"], scope["query_string"]
        if not is_asked_aside(path, query, headers):
            await self._application(scope, receive, send)
            return
        answer = await self._answer((path, query, headers))
        if isinstance(answer, Answered):
            await _give(answer, send)
        elif path.startswith(RUNBOOKS):
            await self._application(scope, receive, send)
        else:
            await self._refuse(answer, scope, send)

    async def _answer(self, key: _Key) -> Answered | Unanswered:
        now = self._clock()
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        known = self._kept.get(key)
        if known is not None:
            return known
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.ensure_future(self._ask(*key))
            task.add_done_callback(lambda done: self._finish(key, minute, done))
        return await asyncio.shield(
            task
        )  # a client that disconnects does not cancel it for the others

    def _finish(
        self, key: _Key, minute: datetime, done: "asyncio.Future[Answered | Unanswered]"
    ) -> None:
        self._asking.pop(key, None)
        if done.cancelled() or done.exception() is not None or minute != self._minute:
            return
        answer = done.result()
        if isinstance(answer, Answered) and _is_whole(answer) and is_kept(key[0], key[1]):
            self._kept[key] = answer
            while len(self._kept) > _KEPT_ANSWERS or _bytes_of(self._kept) > _KEPT_BYTES:
                self._kept.popitem(last=False)

    async def _refuse(self, why: Unanswered, scope: HTTPScope, send: Send) -> None:
        title = "This is not answered at the moment; the floor is still being watched"
        headers = {
            "cache-control": "no-store",
            "vary": VARY,
            "retry-after": str(why.retry_after_seconds),
        }
        problem = Problem(503, NOT_ANSWERED, title, why.detail, headers=headers)
        await send_problem(problem, scope["path"], self._label, send)


def _is_whole(answer: Answered) -> bool:
    return isinstance(answer.value, AnswerHead) and answer.value.status in {200, 304}


def _bytes_of(kept: OrderedDict[_Key, Answered]) -> int:
    return sum(len(piece) for answer in kept.values() for piece in answer.body)


async def _give(answer: Answered, send: Send) -> None:
    head = answer.value
    if not isinstance(head, AnswerHead):
        raise TypeError("the process that answers readers sent no answer head")
    start = {"type": "http.response.start", "status": head.status, "headers": [*head.headers]}
    await send(start)  # pyright: ignore[reportArgumentType]  (as its application sent it)
    for piece in answer.body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def answer_within(application: ASGIApp, question: Question) -> Answered:
    """Answer a question that was passed on, in the process that it was passed on to."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": question.path,
        "raw_path": question.path.encode(),
        "query_string": question.query,
        "root_path": "",
        "headers": [(b"host", b"localhost"), *question.headers],
        "client": None,
        "server": ("localhost", 80),
    }
    said = list[Message]()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    await application(scope, receive, send)  # pyright: ignore[reportArgumentType]  (as servers do)
    start = next(m for m in said if m["type"] == "http.response.start")
    body = [m["body"] for m in said if m["type"] == "http.response.body" and m["body"]]
    return Answered(AnswerHead(start["status"], tuple(start["headers"])), body)
