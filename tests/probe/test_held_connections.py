"""Observe: held connections over real sockets: kept, given up, and never read out of turn."""

import asyncio
import subprocess

import orjson
import pytest

from mission_control.model.fleet import TlsFiles
from mission_control.model.reading import Seen, Unseen
from mission_control.probe.held_connection import MAX_HEAD_BYTES
from tests.floor.floor_of_values import STRATEGY, changed, rich
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW
from tests.probe.test_service_probe import http, plays, then_close

pytestmark = pytest.mark.anyio
OPS = "/ops/status"
GOOD = orjson.dumps(rich(STRATEGY, NOW))
ARMED = orjson.dumps(changed(rich(STRATEGY, NOW), "safety.kill_switch", value=False))
CLOSES = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"


async def ask(probe, target):
    """Run one round and give the reading of `/ops/status`."""
    return (await probe.read(target, None)).readings[OPS]


async def test_an_answer_that_was_not_asked_for_is_not_the_next_one(serve, probe, agent):
    """A second answer in the same packet is dropped with its connection."""
    server = await serve(plays(http(GOOD) + http(ARMED)))
    target = agent(server.url)

    readings = [await ask(probe, target) for _ in range(3)]

    assert [True] * 3 == [r.value.status.safety.kill_switch for r in readings]
    assert 3 == server.connections


async def test_what_comes_unasked_ends_the_connection(serve, probe, agent):
    """An answer sent on an idle connection is never read as the answer to a later request."""
    given_up = asyncio.Event()

    async def late(reader, writer):
        writer.write(http(GOOD))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(http(ARMED))
        try:
            await reader.read()
        finally:
            given_up.set()

    server = await serve(late)
    target = agent(server.url)
    first = await ask(probe, target)
    await asyncio.wait_for(given_up.wait(), PATIENCE_SECONDS)
    server.script = plays(http(GOOD))
    second = await ask(probe, target)

    assert [True, True] == [r.value.status.safety.kill_switch for r in (first, second)]
    assert 2 == server.connections


async def test_a_connection_that_was_just_closed_is_opened_again(serve, probe, agent):
    """A request that fell into a closing connection is asked once more on a new one."""
    asked = []

    async def once(_reader, writer):
        asked.append(1)
        if len(asked) == 2:
            writer.transport.abort()
        else:
            writer.write(http(GOOD))

    server = await serve(once)
    target = agent(server.url)
    readings = [await ask(probe, target) for _ in range(2)]

    assert all(isinstance(r, Seen) for r in readings)
    assert 3 == len(asked)


async def test_an_answer_that_broke_off_is_not_asked_again(serve, probe, agent):
    """Once a byte of an answer came, a broken connection is a lost one and not asked twice."""
    script = then_close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}")
    server = await serve(plays(http(GOOD)))
    target = agent(server.url)
    await ask(probe, target)
    server.script = script

    reading = await ask(probe, target)

    assert "CONNECTION_LOST" == reading.code
    assert 2 == len(server.heads)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(then_close(CLOSES + GOOD), id="body ends with the connection"),
        pytest.param(
            plays(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + http(GOOD)), id="103 first"
        ),
        pytest.param(plays(b"HTTP/1.1 100 Continue\r\n\r\n" + http(GOOD)), id="100 first"),
        pytest.param(
            plays(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                + b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
            ),
            id="chunked",
        ),
        pytest.param(
            plays(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: date\r\n\r\n"
                + b"%x\r\n%s\r\n0\r\ndate: Wed, 18 Nov 1998 15:15:09 GMT\r\n\r\n"
                % (len(GOOD), GOOD)
            ),
            id="with a trailer",
        ),
        pytest.param(then_close(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD), id="HTTP/1.0"),
    ],
)
async def test_every_way_to_end_a_body_is_understood(serve, probe, agent, script):
    """The framings of RFC 9112 are read; a trailer says nothing about our clock."""
    server = await serve(script)

    reading = await ask(probe, agent(server.url))

    assert isinstance(reading, Seen)
    assert reading.exchange.date_skew is None


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            plays(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            id="switches protocols",
        ),
        pytest.param(
            plays(b"HTTP/1.1 200 OK\r\nx: " + b"y" * (MAX_HEAD_BYTES + 1)), id="head without end"
        ),
        pytest.param(plays(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}"), id="header of rubbish"),
        pytest.param(
            plays(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 900\r\n\r\n{}"),
            id="two lengths",
        ),
        pytest.param(
            plays(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n" + GOOD + b"\r\n0\r\n"
            ),
            id="chunk of negative size",
        ),
    ],
)
async def test_what_is_no_answer_is_a_lost_connection(serve, probe, agent, script):
    """Rubbish on the wire is a reading, and its connection is given up."""
    server = await serve(script)
    target = agent(server.url, deadline_seconds=0.4)

    reading = await ask(probe, target)
    await ask(probe, target)

    assert isinstance(reading, Unseen)
    assert reading.code in {"CONNECTION_LOST", "TIMEOUT"}
    assert 2 == server.connections


async def test_a_deadline_gives_the_connection_up(serve, probe, agent):
    """An answer that comes after its deadline is not there to be read by the next round."""

    async def late(_reader, writer):
        await asyncio.sleep(0.3)
        writer.write(http(ARMED))
        await writer.drain()

    server = await serve(late)
    reading = await ask(probe, agent(server.url, deadline_seconds=0.1))
    await asyncio.sleep(0.4)
    server.script = plays(http(GOOD))
    second = await ask(probe, agent(server.url))

    assert "TIMEOUT" == reading.code
    assert second.value.status.safety.kill_switch is True
    assert 2 == server.connections


async def test_the_loss_of_an_idle_connection_is_told(serve, probe, agent):
    """The agent that closed the connection held to it is reported at once."""
    told = asyncio.Queue()
    probe.when_lost(told.put_nowait)

    async def then_dies(_reader, writer):
        writer.write(http(GOOD))
        await writer.drain()
        asyncio.get_running_loop().call_later(0.05, writer.transport.abort)

    server = await serve(then_dies)
    await ask(probe, agent(server.url))

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert "target" == await told.get()


async def test_our_own_closing_is_no_loss(serve, transports, probe, agent):
    """Closing down, and answers that end their connection, report no loss."""
    told = []
    probe.when_lost(told.append)
    server = await serve(then_close(CLOSES + GOOD))
    await ask(probe, agent(server.url))
    server.script = plays(http(GOOD))
    await ask(probe, agent(server.url))
    await transports.aclose()
    await asyncio.sleep(0.05)

    assert [] == told


async def test_opening_that_fails_still_tells_its_phases(probe, agent):
    """How long connecting took is known also where it was refused."""
    reading = await ask(probe, agent("http://127.0.0.1:9"))

    assert "CONNECTION_REFUSED" == reading.code
    assert ["connect"] == [name for name, _ in reading.exchange.phases]


async def test_a_key_with_a_password_prompts_for_nothing(probe, agent, tmp_path):
    """A private key that wants a password is an unreadable file, not a prompt that hangs us."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=x", "-days", "1"]
    command += ["-keyout", str(key), "-out", str(certificate), "-passout", "pass:secret"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    tls = TlsFiles(str(certificate), str(certificate), str(key))

    reading = await ask(probe, agent("https://127.0.0.1:9", tls=tls))

    assert "UNREADABLE" == reading.code
