"""Observe: whatever a service sends without end, every byte of it counts."""

import asyncio

import orjson
import pytest

from mission_control.model.reading import Seen
from mission_control.probe.held_connection import MAX_HEADERS, OVERHEAD_BYTES
from mission_control.probe.received import MAX_BODY_BYTES
from tests.floor.floor_of_values import STRATEGY, changed, rich
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW
from tests.probe.test_service_probe import http, plays

pytestmark = pytest.mark.anyio
OPS = "/ops/status"
GOOD = orjson.dumps(rich(STRATEGY, NOW))
EXECUTES = orjson.dumps(changed(rich(STRATEGY, NOW), "safety.safe_to_execute_orders", value=True))
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SENT_AT_MOST = 64 * 1024 * 1024
"""Far more than sockets hold: a connection that takes this much is not aborted."""


def endless(first, again, sent=None):
    """Make a script that sends something, and then something else without end."""

    async def script(_reader, writer):
        writer.write(first)
        while sent is None or sum(sent) < SENT_AT_MOST:
            writer.write(again)
            await writer.drain()
            if sent is not None:
                sent.append(len(again))

    return script


def chunk(body):
    """Write one chunk."""
    return b"%x\r\n%s\r\n" % (len(body), body)


FLOODS = [
    pytest.param(CHUNKED + chunk(GOOD) + b"0\r\n", b"a:b\r\n" * 1000, id="trailers"),
    pytest.param(
        CHUNKED + chunk(GOOD) + b"0\r\n", b"a: " + b"b" * 9000 + b"\r\n", id="long trailers"
    ),
    pytest.param(CHUNKED + b"1;", b"a=b;" * 1000, id="chunk extensions"),
    pytest.param(
        CHUNKED, b"1;" + b"a" * 1000 + b"\r\n \r\n", id="chunks that are mostly extension"
    ),
    pytest.param(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100, id="103 for ever"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"a:b\r\n" * 1000, id="headers"),
    pytest.param(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 9000, id="one header"),
    pytest.param(b"HTTP/1.1 200 ", b"y" * 9000, id="reason phrase"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 9000, id="body"),
    pytest.param(CHUNKED, b"1\r\n \r\n" * 1000, id="chunks of one byte"),
]


@pytest.mark.parametrize(("first", "again"), FLOODS)
async def test_a_flood_ends_with_the_connection(serve, probe, agent, first, again):
    """Past the cap the connection is aborted at once, whatever part of the answer it is."""
    sent = []
    server = await serve(endless(first, again, sent))

    reading = (await probe.read(agent(server.url, deadline_seconds=60.0), None)).readings[OPS]

    assert reading.code in {"BODY_TOO_LARGE", "CONNECTION_LOST"}
    assert sum(sent) < SENT_AT_MOST


async def test_what_a_flood_says_against_itself_is_heard(serve, probe, agent):
    """A whole body before endless trailers is no answer, and an alarm in it counts."""
    server = await serve(endless(CHUNKED + chunk(EXECUTES) + b"0\r\n", b"a:b\r\n" * 1000))

    reading = (await probe.read(agent(server.url, deadline_seconds=60.0), None)).readings[OPS]

    assert "BODY_TOO_LARGE" == reading.code
    assert reading.claims.safe_to_execute_orders is True
    assert (200, f"127.0.0.1:{server.port}") == (reading.exchange.status, reading.exchange.peer)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            plays(
                CHUNKED + b"".join(chunk(GOOD[i : i + 1]) for i in range(len(GOOD))) + b"0\r\n\r\n"
            ),
            id="a chunk for each byte",
        ),
        pytest.param(
            plays(http(GOOD, headers=[f"x-{n}: {'y' * 40}" for n in range(MAX_HEADERS - 10)])),
            id="many headers",
        ),
        pytest.param(
            plays(http(GOOD + b" " * (MAX_BODY_BYTES - len(GOOD)))), id="a body as large as may be"
        ),
        pytest.param(
            plays(CHUNKED + chunk(GOOD) + b"0;" + b"a" * (OVERHEAD_BYTES // 8) + b"\r\n\r\n"),
            id="a long extension",
        ),
    ],
)
async def test_wordy_answers_are_still_answers(serve, probe, agent, script):
    """An answer within the caps is seen, however many bytes its framing takes."""
    server = await serve(script)

    async with asyncio.timeout(PATIENCE_SECONDS):
        reading = (await probe.read(agent(server.url), None)).readings[OPS]

    assert isinstance(reading, Seen)
