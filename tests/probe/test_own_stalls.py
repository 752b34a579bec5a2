"""Observe: a stall of our own event loop is not the silence of a service."""

import asyncio
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
import uvloop

from mission_control.bootstrap.clock import real_clock
from mission_control.model.fleet import Agent, Kind, TlsFiles
from mission_control.model.reading import Seen, UnseenReason
from mission_control.probe.failure import describe
from mission_control.probe.patience import LoopStalls
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports
from tests.floor.floor_of_values import STRATEGY, rich

OPS = "/ops/status"
DEADLINE = 2.0
HELD_SECONDS = 3.0
"""Our loop is held up from when it has asked until well after the deadline."""


class ThreadedService:
    """A service in a thread, which our event loop cannot hold up."""

    def __init__(self, after, tls=None, *, gives_up=False):
        """Answer so many seconds after having been asked; None for never, or give up at once."""
        self.after, self.tls, self.gives_up = after, tls, gives_up
        self.asked = threading.Event()
        self.answered_at = real_clock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        with self.listener, suppress(OSError):
            connection, _ = self.listener.accept()
            with connection:
                self._answer(connection)

    def _answer(self, connection):
        if self.tls is not None:
            self.asked.set()
            with self.tls.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
            return
        if self.gives_up:
            self.asked.set()
            time.sleep(1.0)
            return
        connection.recv(65536)
        self.asked.set()
        if self.after is None:
            connection.recv(1)
            return
        time.sleep(self.after)
        body = orjson.dumps(rich(STRATEGY, real_clock()))
        self.answered_at = real_clock()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        connection.recv(1)


def read_while_held(service, loop_factory, scheme="http", **more) -> Any:
    """Ask a service, and hold the event loop up from when the service has the request."""

    async def hold_when_asked():
        while not service.asked.is_set():  # noqa: ASYNC110  (a thread sets it)
            await asyncio.sleep(0)
        time.sleep(HELD_SECONDS)  # noqa: ASYNC251  (this is what is tried)

    async def run():
        transports = Transports()
        probe = ServiceProbe(transports, real_clock)
        url = f"{scheme}://127.0.0.1:{service.port}"
        agent = Agent("x", Kind.STRATEGY, url, expected_endpoints=(OPS,), **more)
        agent = replace(agent, deadline_seconds=DEADLINE)
        holding = asyncio.create_task(hold_when_asked())
        reading = (await probe.read(agent, None)).readings[OPS]
        await holding
        await transports.aclose()
        return reading

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        reading = runner.run(run())
    service.thread.join()
    return reading


LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_that_came_in_time_counts(loop):
    """An answer that lay in the socket at the deadline is seen, at the instant when it came."""
    service = ThreadedService(after=0.2)

    reading = read_while_held(service, loop)

    assert isinstance(reading, Seen)
    assert abs(reading.at - service.answered_at) < timedelta(seconds=1)
    assert reading.took < DEADLINE


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_that_came_too_late_is_the_service_s_silence(loop):
    """That our loop was held up as well does not make a late answer one in time."""
    reading = read_while_held(ThreadedService(after=2.5), loop)

    assert "TIMEOUT" == reading.code
    assert "has sent it too late" in reading.detail


@pytest.mark.parametrize("loop", LOOPS)
def test_a_service_that_says_nothing_is_silent_whatever_we_do(loop):
    """A service that had its whole time and said nothing timed out, though we were held up."""
    reading = read_while_held(ThreadedService(after=None), loop)

    assert "TIMEOUT" == reading.code
    assert "has sent nothing" in reading.detail


@pytest.mark.parametrize("loop", LOOPS)
def test_a_handshake_that_we_held_up_is_our_own_stall(loop, certificate):
    """Where the service waited for us, no silence is told of it, but our own stall."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    service = ThreadedService(after=0.0, tls=context)

    tls = TlsFiles(ca_file=str(certificate[0]))
    reading = read_while_held(service, loop, scheme="https", tls=tls)

    assert UnseenReason.OWN_STALL is reading.reason
    assert "our own loop was held up" in reading.detail


@pytest.mark.anyio
async def test_a_loop_that_goes_round_has_lost_nothing():
    """Only what was lost between two instants counts, and it is known before the next beat."""
    stalls = LoopStalls()
    loop = asyncio.get_running_loop()
    stalls.start()
    began = loop.time()
    while loop.time() < began + 0.3:  # noqa: ASYNC110  (past a beat)
        await asyncio.sleep(0.01)
    before = loop.time()
    time.sleep(1.0)  # noqa: ASYNC251  (this is what is tried)
    at_once = stalls.lost(before, loop.time())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    after = loop.time()

    assert at_once >= 0.7
    assert stalls.lost(before, after) >= 0.7
    assert 0.0 == stalls.lost(after, loop.time())
    stalls.stop()


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_lost_while_we_held_it_up_is_our_own_stall(loop, certificate):
    """A service that gives up waiting for our part of the handshake is not blamed for it."""
    service = ThreadedService(after=None, gives_up=True)

    tls = TlsFiles(ca_file=str(certificate[0]))
    reading = read_while_held(service, loop, scheme="https", tls=tls)

    assert UnseenReason.OWN_STALL is reading.reason


def test_an_error_without_words_is_still_named():
    """What failed is told by its kind where it says nothing."""
    assert "TimeoutError: " == describe(TimeoutError())
