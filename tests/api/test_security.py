"""The checks before every answer, and its headers."""

import logging
from collections.abc import AsyncIterator

import pytest
from litestar import get
from litestar.exceptions import InternalServerException, LitestarException

from mission_control.api.application import SAFETY_HEADERS
from mission_control.api.problems import exception_handlers
from mission_control.floor.model import FloorSnapshot
from mission_control.model.event import FloorEvent
from tests.api.paper_floor import PaperControl, PaperFloor

pytestmark = pytest.mark.anyio

ANSWERS = [
    pytest.param("GET", "/api/v1/posture", 200, id="an answer"),
    pytest.param("HEAD", "/api/v1/posture", 200, id="a head"),
    pytest.param("OPTIONS", "/api/v1/posture", 204, id="options"),
    pytest.param("GET", "/api/v1/stream", 200, id="a stream"),
]
ERRORS = [
    pytest.param("GET", "/nowhere", 404, id="not found"),
    pytest.param("OPTIONS", "/nowhere", 404, id="options of nothing"),
    pytest.param("POST", "/api/v1/posture", 405, id="writing"),
    pytest.param("BREW", "/api/v1/posture", 405, id="an unknown method"),
    pytest.param("GET", "/api/v1/posture?at=2026-11-01T00:00:00Z", 404, id="the past"),
    pytest.param("GET", "/api/v1/events/recent?limit=0", 422, id="a bad parameter"),
    pytest.param("GET", "/api/v1/posture?q=" + "x" * 8_192, 414, id="a long URL"),
]


class BrokenFloor(PaperFloor):
    """A floor that breaks while it is followed."""

    async def follow(self, after: int | None) -> AsyncIterator[FloorEvent | FloorSnapshot]:
        """Yield one snapshot and break."""
        assert after == 0
        yield self.snapshot
        raise RuntimeError("lost")


@pytest.mark.parametrize(("method", "path", "status"), [*ANSWERS, *ERRORS])
async def test_safety_headers_are_on_every_answer(control: PaperControl, method, path, status):
    """Every answer has every safety header, says our time, and never says what serves it."""
    answer = await control.ask(path, method)

    assert status == answer.status_code
    assert SAFETY_HEADERS.items() <= dict(answer.headers).items()
    assert "2026-11-18T15:15:00.000Z" == answer.headers["x-mission-control-time"]
    assert "server" not in answer.headers
    assert "cache-control" in answer.headers


@pytest.mark.parametrize(("method", "path", "status"), ERRORS)
async def test_every_error_is_a_problem(control: PaperControl, method, path, status):
    """Every error is problem details whose status is the answer's, with a stable code."""
    answer = await control.ask(path, method)

    problem = answer.json()
    assert "application/problem+json" == answer.headers["content-type"]
    assert status == problem["status"]
    assert {"type", "title", "status", "detail", "code", "instance"} == set(problem)
    assert f"urn:mission-control:problem:{problem['code']}" == problem["type"]
    assert len(problem["instance"]) <= 256


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"host": "evil.example"}, 421, "host_not_allowed", id="another name"),
        pytest.param({"host": "localhost.evil.example"}, 421, "host_not_allowed", id="a suffix"),
        pytest.param({"host": "127.0.0.1:8080@evil"}, 421, "host_not_allowed", id="a trick"),
        pytest.param({"host": ""}, 421, "host_not_allowed", id="empty"),
        pytest.param({"content-length": "5"}, 413, "body_not_accepted", id="a body"),
        pytest.param({"content-length": "x"}, 413, "body_not_accepted", id="a strange length"),
        pytest.param({"transfer-encoding": "chunked"}, 413, "body_not_accepted", id="chunks"),
    ],
)
async def test_requests_that_are_refused(control: PaperControl, headers, status, code):
    """A name that is not ours, and any body at all, are refused before anything is looked up."""
    answer = await control.ask("/api/v1/posture", headers=headers)

    assert (status, code) == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8"])
async def test_our_own_names(control: PaperControl, host):
    """Each of our names is answered to, in any case and with any port."""
    answer = await control.ask("/api/v1/posture", headers={"host": host, "content-length": "0"})

    assert 200 == answer.status_code


@pytest.mark.parametrize("path", ["/healthz", "/health", "/livez"])
async def test_health_is_told_under_any_name(control: PaperControl, path):
    """An orchestrator asks for our health by address."""
    answer = await control.ask(path, headers={"host": "10.0.0.7:8080"})

    assert 200 == answer.status_code


@pytest.mark.parametrize("hosts", [0, 2])
async def test_exactly_one_host(control: PaperControl, hosts):
    """A request without a Host, or with two, is not understood."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/posture",
        "raw_path": b"/api/v1/posture",
        "query_string": b"",
        "headers": [(b"host", b"localhost")] * hosts,
    }
    await control.application(scope, receive, send)  # pyright: ignore[reportArgumentType]

    assert 400 == sent[0]["status"]


async def test_a_websocket_is_closed(control: PaperControl):
    """A websocket is closed before it is accepted."""
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/api/v1/stream", "headers": []}
    await control.application(scope, receive, send)  # pyright: ignore[reportArgumentType]

    assert ["websocket.close"] == [message["type"] for message in sent]


@pytest.mark.parametrize("path", ["/api/v1/posture", "/metrics", "/schema", "/nowhere", "/livez"])
async def test_head_is_get_without_its_body(control: PaperControl, path):
    """HEAD has the status and headers of GET, and nothing after them."""
    plain = {"accept-encoding": "identity"}
    get_, head = [await control.ask(path, m, headers=plain) for m in ("GET", "HEAD")]

    assert get_.status_code == head.status_code
    assert dict(get_.headers) == dict(head.headers)
    assert b"" == head.content


async def test_a_failure_of_ours_tells_nothing(control: PaperControl, caplog):
    """A bug of ours is a 500 that leaks nothing, and is in the log with its traceback."""

    @get("/broken")
    async def broken() -> bytes:
        raise RuntimeError("the secret is swordfish")

    control.application.litestar.register(broken)
    with caplog.at_level(logging.ERROR, "mission_control.api"):
        answer = await control.ask("/broken")

    assert (500, "internal_error") == (answer.status_code, answer.json()["code"])
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


async def test_a_failure_that_names_itself_tells_nothing_either(control: PaperControl, caplog):
    """A 500 raised by the library is no more talkative than a bug."""

    @get("/broken")
    async def broken() -> bytes:
        raise InternalServerException(detail="the secret is swordfish")

    control.application.litestar.register(broken)
    answer = await control.ask("/broken")

    assert (500, "internal_error") == (answer.status_code, answer.json()["code"])
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


async def test_a_failure_outside_the_application_is_answered_too(control: PaperControl, caplog):
    """Even when the application fails to answer its own error, the answer is a problem."""
    handlers = control.application.litestar.exception_handlers

    def fail(_request: object, _error: object):
        raise RuntimeError("the secret is swordfish")

    @get("/broken", exception_handlers={Exception: fail})
    async def broken() -> bytes:
        raise ValueError

    control.application.litestar.register(broken)
    answer = await control.ask("/broken")

    assert set(exception_handlers("")) <= set(handlers)
    assert (500, "internal_error") == (answer.status_code, answer.json()["code"])
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


async def test_a_failure_in_mid_answer_is_raised_to_the_server():
    """Once an answer has begun, a failure is left to the server, which ends the connection."""
    control = PaperControl(BrokenFloor())

    with pytest.raises(LitestarException) as raised:
        await control.ask("/api/v1/stream")

    cause = raised.value.__cause__
    assert isinstance(cause, BaseExceptionGroup)
    assert cause.subgroup(RuntimeError) is not None


async def test_refresh_is_accepted_and_means_nothing(control: PaperControl):
    """`refresh=` is accepted everywhere and causes nothing."""
    answers = [
        await control.ask(f"/api/v1/posture?refresh={value}") for value in ("true", "false", "x")
    ]

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert answers[0].content == answers[1].content == answers[2].content
