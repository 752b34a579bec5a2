"""Jobs: a first silence is asked about again, and many that fall silent together take turns."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from mission_control.floor.board import FloorBoard
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.floor.observe import FloorSources, Looking, first_snapshot, observe_rounds
from mission_control.floor.watch import FloorWatch
from mission_control.history.remember import FloorMemory
from mission_control.kill_switch.read import SwitchReader
from mission_control.model.fleet import Agent, ContractKind, Fleet, Kind
from mission_control.model.reading import ServiceRound, UnseenReason
from mission_control.probe.decide import ASKED_AGAIN_AT_ONCE
from mission_control.probe.service_probe import ServiceProbe
from tests.floor.floor_of_values import GAMMA, LIVE, NOW, FloorOfValues, reading, unseen
from tests.floor.test_recalled_floor import Calendar
from tests.history.test_remember_floor import Shelf

pytestmark = pytest.mark.anyio
PATIENCE, SELDOM = 60.0, 600.0
HEALTH = "/healthz"


class Services(ServiceProbe):
    """Services that answer by a function of who is asked and how often it was."""

    def __init__(self, answer):
        """Answer so."""
        self.answer = answer
        self.asked: dict[str, int] = {}
        self.tell: Any = None

    async def read(self, agent, previous):  # noqa: ARG002  (what the probe would go by)
        """Ask one."""
        number = self.asked[agent.agent_name] = self.asked.get(agent.agent_name, 0) + 1
        readings = await self.answer(agent, number)
        return ServiceRound(agent.agent_name, NOW, NOW, readings)

    def when_lost(self, tell):
        """Keep who is to be told."""
        self.tell = tell


NO_SWITCHES = SwitchReader(None, {}, lambda: NOW)


@asynccontextmanager
async def watching(fleet, services, memory=None):
    """Watch for the time of the block; gives the board."""
    sources = FloorSources(services, NO_SWITCHES, Calendar(), lambda: NOW, memory=memory)
    board = FloorBoard(first_snapshot(fleet, sources, ""), lambda: NOW, time.monotonic)
    task = asyncio.create_task(FloorWatch(fleet, sources, board).run())
    try:
        async with asyncio.timeout(PATIENCE):
            yield board
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    """Wait until something is so."""
    while not condition():  # noqa: ASYNC110  (of any condition)
        await asyncio.sleep(0.01)


def silent():
    """Return a service's silence."""
    return {HEALTH: unseen(UnseenReason.TIMEOUT, NOW)}


def well():
    """Return a service's whole answer."""
    return {HEALTH: reading(HEALTH, LIVE, NOW)}


def fleet_of(number):
    """Return so many services that are asked seldom, all within the first second."""
    agents = tuple(
        Agent(
            f"s{n:03}", Kind.STRATEGY, "http://s", contract=ContractKind.HTTP,
            expected_endpoints=(HEALTH,), interval_seconds=SELDOM if n else 1.0,
        )
        for n in range(number)
    )  # fmt: skip
    return Fleet(agents, "0" * 64, "fleet.yaml")


async def test_many_that_fall_silent_together_take_turns():
    """No more are asked again at once than bounded; each is, and none waits for its cadence."""
    fleet, enough, asking = fleet_of(ASKED_AGAIN_AT_ONCE + 30), asyncio.Event(), set()

    async def answer(agent, number):
        if number == 1:
            return silent()
        asking.add(agent.agent_name)
        await enough.wait()
        return well()

    services = Services(answer)
    names = [a.agent_name for a in fleet.agents[1:]]
    async with watching(fleet, services):
        await until(lambda: services.tell is not None)
        for name in names:
            services.tell(name)
        await until(lambda: len(asking - {"s000"}) >= ASKED_AGAIN_AT_ONCE - 1)
        await asyncio.sleep(0.3)
        at_once = len(asking - {"s000"})
        enough.set()
        await until(lambda: set(names) <= asking)

    assert at_once <= ASKED_AGAIN_AT_ONCE


async def test_a_bug_of_ours_is_no_silence():
    """A round that broke is not asked again beside the cadence; the next one is as ever."""
    fleet = fleet_of(1)

    async def answer(_, number):
        if number % 2:
            raise ValueError(number)
        return well()

    services = Services(answer)
    async with watching(fleet, services) as board:
        await until(lambda: services.asked.get("s000", 0) >= 3)
        shown: Any = board.current().service("s000")

    assert shown.round.readings[HEALTH].at == NOW


@pytest.mark.parametrize("late", [False, True], ids=["known at the start", "known later"])
async def test_a_path_that_answered_before_the_start_is_lost(late):
    """What is known of before the start judges the rounds since, whenever it becomes known."""
    before = FloorOfValues()
    before.ask()
    earlier = before.decide().latched
    shelf: Any = Shelf()
    shelf.latched = None if late else earlier

    async def answer(*_):
        gone = {"/livez": unseen(UnseenReason.NOT_OFFERED, NOW, 404)}
        return {path: reading(path, LIVE, NOW) for path in (HEALTH, "/readyz")} | gone

    def code(board):
        shown: Any = board.current().service(GAMMA.agent_name)
        round_ = shown.round
        return None if round_ is None else round_.readings["/livez"].code

    fleet = Fleet((replace(GAMMA, interval_seconds=SELDOM),), "0" * 64, "fleet.yaml")
    async with watching(fleet, Services(answer), FloorMemory(shelf)) as board:
        if late:
            await until(lambda: code(board) == "NOT_OFFERED")
            shelf.latched = earlier
        await until(lambda: code(board) == "NO_LONGER_OFFERED")
        kept: Any = board.current().latched.service(GAMMA.agent_name)

    assert (HEALTH, "/livez", "/readyz") == kept.answered


async def test_rounds_without_a_server_are_joined_too():
    """Silent in two rounds of three in a row is confirmed, and lost paths are what they are."""
    fleet = fleet_of(1)

    async def answer(_, number):
        gone = {HEALTH: unseen(UnseenReason.NOT_OFFERED, NOW, 404)}
        return [well(), silent(), silent(), gone][number - 1]

    async def wait(_):
        pass

    services = Services(answer)
    sources = FloorSources(services, NO_SWITCHES, Calendar(), lambda: NOW)
    told = []
    for rounds in (2, 3, 4):
        services.asked.clear()
        looking = Looking(rounds, wait=wait)
        snapshot, _ = await observe_rounds(fleet, sources, looking, NOTHING_LATCHED)
        shown: Any = snapshot.services[0]
        newest = shown.round.readings[HEALTH]
        told.append((newest.code, newest.confirmed))

    assert [("TIMEOUT", False), ("TIMEOUT", True), ("NO_LONGER_OFFERED", True)] == told
