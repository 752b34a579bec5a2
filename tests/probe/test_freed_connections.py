"""Probe: what is lost is freed at once, for the collector of cycles looks only seldom."""

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mission_control.probe.held_connection import HeldConnection
from mission_control.probe.opening import Names
from tests.probe.test_service_probe import http

pytestmark = pytest.mark.anyio
ROUNDS = 8
FEW = 3
"""The newest stays with its course, an idle one is held, and one may still be closing."""


@pytest.fixture(scope="module")
def anyio_backend():
    """Run on uvloop, as the server does: transports of asyncio itself are cycles of their own."""
    return ("asyncio", {"use_uvloop": True})


@contextmanager
def uncollected() -> Iterator[None]:
    """Have no cycle collected for the time of the block, and none left from before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive(kind: type) -> int:
    """Count what is still there of a kind."""
    return sum(isinstance(each, kind) for each in gc.get_objects())


async def hangs(_reader, _writer):
    """Never answer."""
    await asyncio.sleep(60)


async def resets(_reader, writer):
    """Reset the connection."""
    writer.transport.abort()


async def stops_half_way(_reader, writer):
    """Begin an answer and never end it."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")
    await asyncio.sleep(60)


async def rubbish(_reader, writer):
    """Answer what is no HTTP."""
    writer.write(b"\x00\xff\r\n\r\n")


async def floods(_reader, writer):
    """Answer far too much."""
    writer.write(http(b"x" * 900_000))


async def closes(_reader, writer):
    """Answer, and close."""
    writer.write(http(b"{}"))
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("script", [hangs, resets, stops_half_way, rubbish, floods, closes])
async def test_a_lost_connection_is_freed_at_once(serve, probe, agent, script):
    """However a connection ends, none of the rounds before stays in memory."""
    server = await serve(script)
    target = agent(server.url, deadline_seconds=0.1)
    with uncollected():
        before = alive(HeldConnection)
        for _ in range(ROUNDS):
            await probe.read(target, None)
        await asyncio.sleep(0.1)

        assert alive(HeldConnection) - before <= FEW


async def test_a_connection_that_never_came_about_is_freed_at_once(probe, agent):
    """Refused connections leave nothing behind."""
    target = agent("http://127.0.0.1:9")
    with uncollected():
        before = alive(HeldConnection)
        codes = Counter(
            [(await probe.read(target, None)).readings["/ops/status"].code for _ in range(ROUNDS)]
        )

        assert alive(HeldConnection) - before <= FEW
    assert {"CONNECTION_REFUSED": ROUNDS} == codes


@pytest.mark.parametrize("first", ["no answer", "an address"])
async def test_a_lookup_that_fails_is_freed_at_once(first):
    """An error of a lookup holds no frame that holds the error."""
    names = Names(lambda *_, **__: next(answers))
    good = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    answers = iter([good] if first == "an address" else [])

    def fail(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    if first == "an address":
        await names.find("a.invalid")
        await asyncio.sleep(1.1)  # it is looked up again only after a moment
    names._get_addresses = fail  # noqa: SLF001  (the resolver changes its mind)
    with uncollected():
        for _ in range(ROUNDS):
            with pytest.raises(socket.gaierror):
                await names.find("a.invalid")
        await asyncio.sleep(0.1)

        assert alive(socket.gaierror) <= FEW
