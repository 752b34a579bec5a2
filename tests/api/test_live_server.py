"""The API over real sockets: streams that resume, heads that end, and a server that stops."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import orjson
import pytest
import uvicorn

from mission_control.api.application import create_application
from mission_control.floor.board import FloorBoard
from mission_control.floor.decide.events import Happening
from mission_control.model.event import EventType
from tests.api.paper_floor import PaperControl, PaperFloor, healthy_snapshot

pytestmark = pytest.mark.anyio

PATIENCE = 60.0


class ReadyServer(uvicorn.Server):
    """A uvicorn server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        """Be not ready yet."""
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()


@dataclass
class LiveServer:
    """A real server over a real board, on a loopback port."""

    board: FloorBoard
    server: uvicorn.Server
    port: int

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self.port}"

    def happen(self, message: str) -> None:
        """Publish a new snapshot with one event."""
        snapshot = replace(self.board.current(), sequence=self.board.next_sequence)
        self.board.publish(snapshot, [Happening(EventType.SERVICE_CHANGED, message)])

    def stop(self) -> None:
        """Stop as the process does: streams first."""
        self.board.close()
        self.server.should_exit = True


@asynccontextmanager
async def served(max_streams: int = 256) -> AsyncIterator[LiveServer]:
    """Serve for the time of the block."""
    paper = PaperControl(PaperFloor(), max_streams=max_streams)
    board = FloorBoard(healthy_snapshot(), paper.clock, monotonic=lambda: 0.0)
    application = create_application(replace(paper.parts(), floor=board))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,  # pyright: ignore[reportArgumentType]
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    server = ReadyServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(PATIENCE):
        await server.ready.wait()
    live = LiveServer(board, server, listener.getsockname()[1])
    try:
        yield live
    finally:
        live.stop()
        async with asyncio.timeout(PATIENCE):
            await serving


class Listener:
    """A client that reads a stream frame by frame."""

    def __init__(self, response: httpx.Response) -> None:
        """Read from this response."""
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, kind: str) -> dict:
        """Return the next frame of a kind: its id and its document."""
        found: dict = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line:
                    found[name] = value
                elif found.get("event") == kind:
                    return {"id": found.get("id", ""), **orjson.loads(found["data"])}
                else:
                    found = {}
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def listening(live: LiveServer, last_event_id: str = "") -> AsyncIterator[Listener]:
    """Listen to the stream for the time of the block."""
    headers = {"last-event-id": last_event_id} if last_event_id else {}
    async with (
        httpx.AsyncClient(base_url=live.url, timeout=PATIENCE, trust_env=False) as client,
        client.stream("GET", "/api/v1/stream", headers=headers) as response,
    ):
        yield Listener(response)


async def test_a_client_that_comes_back_misses_nothing():
    """A client that was away is given exactly what it missed, in order, and then the news."""
    async with served() as live:
        async with listening(live) as client:
            first = await client.next("posture")
            live.happen("one")
            seen = await client.next("event")
            known = f"{first['id'].split('-')[0]}-{seen['id']}"
        live.happen("two")
        live.happen("three")

        async with listening(live, known) as client:
            assert "OK" == (await client.next("posture"))["posture"]
            missed = [(await client.next("event"))["message"] for _ in range(2)]
            live.happen("four")
            news = (await client.next("event"))["message"]

    assert "one" == seen["message"]
    assert ["two", "three"] == missed
    assert "four" == news


async def test_the_server_stops_with_a_client_listening():
    """A server with an open stream stops at once when the board closes: the stream ends."""
    async with served() as live, listening(live) as client:
        await client.next("posture")
        loop = asyncio.get_running_loop()
        began = loop.time()

        live.stop()
        with pytest.raises(AssertionError, match="the stream has ended"):
            await client.next("event")

        assert loop.time() - began < 1.0


async def test_a_client_that_leaves_makes_room():
    """A stream counts no more once its client has gone."""
    async with served(max_streams=1) as live:
        async with listening(live) as client:
            await client.next("posture")
            async with listening(live) as second:
                assert 503 == second.response.status_code
        async with asyncio.timeout(PATIENCE):
            while True:
                async with listening(live) as third:
                    if third.response.status_code == httpx.codes.OK:
                        break
                await asyncio.sleep(0.02)


async def test_the_head_of_a_stream_ends():
    """HEAD of the stream answers its head and ends, and the connection serves on."""
    async with (
        served() as live,
        httpx.AsyncClient(base_url=live.url, timeout=PATIENCE, trust_env=False) as client,
    ):
        head = await client.head("/api/v1/stream")
        answer = await client.head("/api/v1/posture")

    assert (200, "text/event-stream; charset=utf-8") == (
        head.status_code,
        head.headers["content-type"],
    )
    assert (200, b"") == (answer.status_code, answer.content)
    assert int(answer.headers["content-length"]) > 0
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        pytest.param(b"POST /api/v1/posture HTTP/1.1\r\nHost: localhost\r\n", b"405", id="POST"),
        pytest.param(
            b"GET /api/v1/posture HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n",
            b"413",
            id="a body",
        ),
        pytest.param(b"GET /api/v1/posture HTTP/1.1\r\nHost: evil\r\n", b"421", id="a name"),
        pytest.param(b"GET /api/v1/posture HTTP/1.1\r\n", b"400", id="no name"),
        pytest.param(
            b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n", b"414", id="a long URL"
        ),
    ],
)
async def test_refusals_over_a_real_socket(request_head, status):
    """What is refused is refused by the real server too, as a problem."""
    async with served() as live, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(request_head + b"Connection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"content-type: application/problem+json" in answer
    assert b"x-content-type-options: nosniff" in answer
