"""Connection limits of both servers, over real sockets: no head without end, no half request."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from mission_control.api import connection_limits as of_the_api
from ops_ui import limits as of_the_pages

pytestmark = pytest.mark.anyio

PATIENCE = 60.0
LINE = b"x-filler: " + b"a" * 90 + b"\r\n"


async def plain(scope, _receive, send):
    """Answer every request; one for /stream is never finished."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = {"type": "http.response.body", "body": b"well"}
    if scope["path"] == "/stream":
        await send({**body, "more_body": True})
        await asyncio.Event().wait()
    await send(body)


@asynccontextmanager
async def served(protocol, application=plain, **limits) -> AsyncIterator[int]:
    """Serve an application through this protocol; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,  # pyright: ignore[reportArgumentType]
        http=type("Limited", (protocol,), limits),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=0,
        ws="none",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))  # noqa: SLF001  (without signals)
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:  # noqa: ASYNC110  (uvicorn tells it in no other way)
                await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(
    params=[of_the_api.LimitedHttpProtocol, of_the_pages.LimitedHttpProtocol],
    ids=["the API", "the pages"],
)
def protocol(request):
    """Give each server's protocol."""
    return request.param


async def ask(port: int, path: str = "/") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a whole request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % path.encode())
    return reader, writer


async def flood(reader, writer) -> tuple[int, bytes]:
    """Send header lines until the server ends it; gives how many bytes and the answer."""
    sent, answer = 0, b""
    try:
        while sent < 8 * 1024 * 1024:
            writer.write(LINE * 100)
            sent += len(LINE) * 100
            await writer.drain()
        answer = await reader.read()
    except ConnectionError:
        pass
    return sent, answer


async def test_a_head_without_end_is_cut_off(protocol):
    """Header after header is refused with 431 long before it takes memory."""
    async with served(protocol) as port, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + LINE * 400)
        await writer.drain()

        assert b"HTTP/1.1 431 " in await reader.read()
        writer.close()


async def test_a_head_without_end_behind_an_open_stream_is_cut_off(protocol):
    """A second request behind one that is being answered has the same limit."""
    async with served(protocol) as port, asyncio.timeout(PATIENCE):
        reader, writer = await ask(port, "/stream")
        await reader.readuntil(b"well")
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n")
        sent, _ = await flood(reader, writer)

        assert sent < 8 * 1024 * 1024
        writer.close()


async def test_a_half_request_is_not_kept(protocol):
    """A client that stops in the middle of its head is let go, and so is a silent one."""
    async with served(protocol, head_seconds=0.2) as port, asyncio.timeout(PATIENCE):
        half = await asyncio.open_connection("127.0.0.1", port)
        half[1].write(b"GET / HTTP/1.1\r\nhost: loc")
        silent = await asyncio.open_connection("127.0.0.1", port)
        for reader, writer in (half, silent):
            with suppress(ConnectionError):  # aborted, so that no time is spent on a good-bye
                assert b"" == await reader.read()
            writer.close()


async def test_an_open_stream_is_no_half_request(protocol):
    """A stream outlives the time that a head may take."""
    async with served(protocol, head_seconds=0.1) as port, asyncio.timeout(PATIENCE):
        reader, writer = await ask(port, "/stream")
        await reader.readuntil(b"well")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readuntil(b"never"), 0.5)
        writer.close()


async def test_one_connection_asks_again_and_again(protocol):
    """A held connection may ask any number of times; each head is measured by itself."""
    async with served(protocol) as port, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(8):
            writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + LINE * 100 + b"\r\n")
            await reader.readuntil(b"well")
        writer.close()


async def test_one_client_too_many_is_let_go(protocol):
    """Past the limit a new connection is dropped, and those before it are answered."""
    async with served(protocol, max_connections=2) as port, asyncio.timeout(PATIENCE):
        held = [await ask(port, "/stream") for _ in range(2)]
        for reader, _ in held:
            await reader.readuntil(b"well")
        reader, writer = await ask(port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readuntil(b"well")
        for _, each in [*held, (reader, writer)]:
            each.close()
