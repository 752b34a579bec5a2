"""Abuse: who takes all that there is to take is refused, and everyone else is answered."""

import asyncio
import resource
from collections import Counter
from contextlib import suppress

import httpx
import pytest

from tests.api.test_live_server import served
from tests.wiring.test_connection_limits import protocol
from tests.wiring.test_connection_limits import served as serving

__all__ = ["protocol"]
pytestmark = pytest.mark.anyio
PATIENCE = 60.0
STREAMS, MOST = 500, 256
PIECES = 4_096


async def ask(port: int, path: str, *, closes: bool = False):
    """Ask for a path, and read the head of the answer; gives status, reader and writer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    close = "connection: close\r\n" if closes else ""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{close}\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split()[1]), reader, writer


async def leave(*writers: asyncio.StreamWriter) -> None:
    """Close connections, and wait until they are."""
    for writer in writers:
        writer.close()
    for writer in writers:
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_five_hundred_streams_are_bounded_and_hurt_no_one():
    """256 are served, the others are refused with 503, and every other question is answered."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
    async with served(MOST) as live, asyncio.timeout(PATIENCE):
        asked = [await ask(live.port, "/api/v1/stream") for _ in range(STREAMS)]
        others = list[int]()
        for path in ("/livez", "/api/v1/posture", "/api/v1/agents", "/metrics"):
            status, _, writer = await ask(live.port, path, closes=True)
            others.append(status)
            await leave(writer)
        live.happen("one more")
        told = [await reader.readuntil(b"one more") for status, reader, _ in asked if status == 200]
        await leave(*(writer for *_, writer in asked))
        again = 0
        while again != httpx.codes.OK:
            again, _, writer = await ask(live.port, "/api/v1/stream")
            await leave(writer)

    assert {200: MOST, 503: STREAMS - MOST} == Counter(status for status, *_ in asked)
    assert [200] * 4 == others
    assert MOST == len(told)


async def much(scope, _receive, send):
    """Answer 256 MiB."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(PIECES):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)  # sending to one who is gone waits for nothing
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def test_a_reader_who_reads_nothing_is_let_go(protocol):
    """An answer is held for no one who does not take it in; who reads on is served on."""
    async with serving(protocol, much, stuck_seconds=0.3) as port, asyncio.timeout(PATIENCE):
        stuck = await asyncio.open_connection("127.0.0.1", port, limit=1)
        stuck[1].write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        reads = await asyncio.open_connection("127.0.0.1", port)
        reads[1].write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        for _ in range(40):
            assert await reads[0].readexactly(65_536)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        taken = 0
        with suppress(ConnectionError):
            while piece := await stuck[0].read(1_048_576):
                taken += len(piece)

        assert taken < 64 * 1_048_576
        await leave(stuck[1], reads[1])


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx: a\x00b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost : localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\nhost: localhost\n x: folded\n\n",
        b"GET /livez HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"GET http://evil.example/api/v1/posture HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /api/v1/posture?x=%0d%0aset-cookie:%20a=b HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /nothing%0d%0aset-cookie:%20a=b HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /api/v1/posture HTTP/1.1\r\nhost: localhost\r\nlast-event-id: a\rb\r\n\r\n",
    ],
)
async def test_no_request_smuggles_or_splits_anything(head):
    """A doubtful head brings one answer at most, no header of its own, and no failure of ours."""
    async with served() as live, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(head)
        writer.write_eof()
        with suppress(ConnectionError):
            answer = await reader.read()
            assert answer.count(b"HTTP/1.1 ") <= 1
            assert not answer.startswith(b"HTTP/1.1 5")
            assert b"set-cookie" not in answer.split(b"\r\n\r\n")[0].lower()
            assert b"evil" not in answer.split(b"\r\n\r\n")[0]
        status, _, again = await ask(live.port, "/livez")
        await leave(writer, again)

    assert 200 == status
