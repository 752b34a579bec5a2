"""Integration: replicas behind one balancer, asked by the production probe over real sockets."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from mission_control.floor.board import FloorBoard
from mission_control.floor.decide.instances import DENIALS_IN_A_ROW
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.observe import FloorSources, first_snapshot
from mission_control.floor.watch import FloorWatch
from mission_control.kill_switch.read import SwitchReader
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import Agent, Fleet, Kind
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import open_transports
from mission_control.simulation.clock import SimulatedClock
from tests.floor.floor_of_values import NOW, STRATEGY, changed, rich
from tests.integration.test_watch import PATIENCE

pytestmark = pytest.mark.anyio
OPS = "/ops/status"


class LeapingClock:
    """A clock of a session day at real speed, ahead by as much as a test says."""

    def __init__(self) -> None:
        """Begin within the session."""
        self.ticking, self.ahead = SimulatedClock(NOW), timedelta()

    def __call__(self) -> datetime:
        """Tell the time (UTC)."""
        return self.ticking() + self.ahead


class Replica:
    """A real HTTP server that says whether orders may be executed, once per connection."""

    def __init__(self, clock: LeapingClock, *, executes: bool) -> None:
        """Answer by this clock."""
        self.clock, self.executes, self.asked = clock, executes, 0

    @asynccontextmanager
    async def listening(self):
        """Serve on a port of its own for the time of the block; gives the port."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            document = rich(STRATEGY, self.clock())
            document = changed(document, "safety.safe_to_execute_orders", self.executes)
            body = orjson.dumps(document)
            head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()


class Balancer:
    """A TCP balancer: one address, and each new connection leads to the replica it is set to."""

    def __init__(self, replica: Replica) -> None:
        """Lead to this replica."""
        self.replica = replica

    @asynccontextmanager
    async def listening(self):
        """Listen for the time of the block; gives the balancer."""
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", self.replica.port)
        with suppress(ConnectionError):
            await asyncio.gather(_pass_on(reader, outer), _pass_on(inner, writer))


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


@asynccontextmanager
async def watching(balancer: Balancer, clock: LeapingClock, switch_file):
    """Watch the service behind the balancer with a quick cadence; gives the board."""
    url = f"http://127.0.0.1:{balancer.port}"
    agent = Agent(
        STRATEGY.agent_name, Kind.STRATEGY, url, expected_endpoints=(OPS,), interval_seconds=0.2
    )
    fleet = Fleet((agent,), "0" * 64, "fleet.yaml")
    async with open_transports() as transports:
        sources = FloorSources(
            ServiceProbe(transports, clock),
            SwitchReader(switch_file, {}, clock),
            MarketCalendar(),
            clock,
        )
        board = FloorBoard(first_snapshot(fleet, sources, ""), clock, time.monotonic)
        task = asyncio.create_task(FloorWatch(fleet, sources, board).run())
        try:
            yield board
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def wait_for(board, condition) -> FloorSnapshot:
    """Wait until the newest decision is as described; gives it."""
    async with asyncio.timeout(PATIENCE):
        while not condition(board.current()):  # noqa: ASYNC110  (quiet decisions are not published)
            await asyncio.sleep(0.02)
        return board.current()


def alarm_of(snapshot) -> Any:
    """Give the alarm that orders may be executed; None where it does not stand."""
    found = (a for a in snapshot.latched.alarms if a.fact == "safe_to_execute_orders")
    return next(found, None)


def denials(snapshot):
    """Count the denials in a row of the process that raised the alarm."""
    alarm = alarm_of(snapshot)
    return alarm.instances[0].denials if alarm and alarm.instances else 0


async def test_another_replica_behind_the_balancer_does_not_clear_a_p0(tmp_path):
    """One raises it, then only the other answers: ten new connections alone clear nothing."""
    clock = LeapingClock()
    live, calm = Replica(clock, executes=True), Replica(clock, executes=False)
    balancer = Balancer(live)
    async with AsyncExitStack() as stack:
        for each in (live, calm, balancer):
            await stack.enter_async_context(each.listening())
        board = await stack.enter_async_context(watching(balancer, clock, tmp_path / "switch"))
        raised = await wait_for(board, alarm_of)
        balancer.replica = calm
        many = await wait_for(board, lambda s: denials(s) > DENIALS_IN_A_ROW)
        balancer.replica = live
        again = await wait_for(board, lambda s: alarm_of(s) and denials(s) == 0)
        balancer.replica = calm
        await wait_for(board, lambda s: denials(s) > 1)
        clock.ahead = timedelta(minutes=8)
        over = await wait_for(board, lambda s: alarm_of(s) is None)

    assert 1 == len({alarm_of(s).since for s in (raised, many, again)})
    assert "P0" == many.posture.reasons[0].severity
    assert alarm_of(over) is None
