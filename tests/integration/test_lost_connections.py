"""Integration: a process that dies is seen at once, because its connections close."""

import asyncio
import time
from dataclasses import replace

import orjson
import pytest

from mission_control.floor.board import FloorBoard
from mission_control.floor.observe import first_snapshot
from mission_control.floor.watch import FloorWatch
from mission_control.model.fleet import Agent, Fleet, Kind
from mission_control.probe.transport import open_transports
from tests.floor.floor_of_values import changed, rich
from tests.integration.test_watch import PATIENCE, until

pytestmark = pytest.mark.anyio
SLOW = 10 * PATIENCE
"""An interval long enough that no round of the cadence can be what sees it."""


class Service:
    """A service that answers well until it is killed, or closes what it finds idle."""

    def __init__(self, clock, *, closes_after=None, flaps=False):
        """Answer well by this clock, or in another state each time."""
        self.clock, self.closes_after, self.flaps = clock, closes_after, flaps
        self.asked = 0
        self.writers = []

    async def start(self):
        """Listen, and give the agent that is to be watched."""
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.agent = Agent(
            "target",
            Kind.STRATEGY,
            f"http://127.0.0.1:{port}",
            expected_endpoints=("/ops/status",),
            interval_seconds=SLOW,
            deadline_seconds=1.0,
        )
        return self.agent

    def kill(self):
        """Die as a process does: the port shuts and every connection closes."""
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def _talk(self, reader, writer):
        self.writers.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                document = rich(self.agent, self.clock())
                if self.flaps:
                    state = ["OK", "DEGRADED"][self.asked % 2]
                    document = changed(document, "status.state", state)
                body = orjson.dumps(document)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
                if self.closes_after is not None:
                    loop = asyncio.get_running_loop()
                    loop.call_later(self.closes_after, writer.close)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass


@pytest.fixture
async def watch_service(watched):
    """Give a way to watch one service of ours with a slow cadence; gives it and the board."""
    tasks, services = [], []
    floor = watched("calm")

    async def start(**how):
        service = Service(floor.clock, **how)
        services.append(service)
        fleet = Fleet((await service.start(),), "0" * 64, "fleet.yaml")
        sources = replace(floor.sources(transports), clock=floor.clock)
        board = FloorBoard(first_snapshot(fleet, sources, ""), floor.clock, time.monotonic)
        tasks.append(asyncio.create_task(FloorWatch(fleet, sources, board).run()))
        await until(board, lambda s: s.services[0].round is not None)
        return service, board

    async with open_transports() as transports:
        yield start
        for service in services:
            service.kill()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_killed_service_is_seen_long_before_its_next_round(watch_service):
    """The closing of the connection held to a service has it asked at once."""
    service, board = await watch_service()
    service.kill()

    seen = await until(board, lambda s: s.services[0].reason_code == "CONNECTION_REFUSED")

    assert "OFFLINE" == seen.services[0].state


async def test_a_service_that_closes_idle_connections_is_not_asked_in_a_row(watch_service):
    """A server's own idle limit is found out by one extra round, and then left in peace."""
    service, board = await watch_service(closes_after=0.05)
    async with asyncio.timeout(PATIENCE):
        while service.asked < 2:  # noqa: ASYNC110  (a service has no such event)
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.6)

    assert 2 == service.asked
    await until(board, lambda s: not s.services[0].reason_code)  # once the switch was heard


async def test_a_service_that_flaps_and_closes_is_not_hammered(watch_service):
    """News with each answer and a connection closed after each: still no round after round."""
    service, _ = await watch_service(closes_after=0.01, flaps=True)
    await asyncio.sleep(0.6)

    assert service.asked <= 3
