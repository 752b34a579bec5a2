"""Asks other Mission Controls for their floors, each in a rhythm of its own."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from mission_control.floor.decide.round_memory import asks_again, join_rounds
from mission_control.floor.watch import Asked, RoundTimer, ServiceRounds
from mission_control.floors.decide import decide_floors
from mission_control.floors.model import FloorReport, FloorsSeen
from mission_control.model.clock import Clock
from mission_control.model.fleet import Agent, Kind, OtherFloor
from mission_control.model.reading import EndpointReading, ServiceRound
from mission_control.probe.decide import ASKED_AGAIN_AT_ONCE, spread
from mission_control.probe.service_probe import ServiceProbe
from mission_control.processes.shared_timers import SharedTimers

STATUS = "/ops/status"


log = logging.getLogger(__name__)


JUDGED_SECONDS = 1.0


@dataclass(slots=True)
class FloorsWatch:
    """
    Watches other floors until it is cancelled, and says at any time what is known of them.

    It asks with the probe of the services, and a floor is judged when it is asked for: where the
    watch itself has ended, what it read expires.
    """

    floors: Sequence[OtherFloor]
    probe: ServiceProbe
    clock: Clock
    label: str = ""
    _rounds: dict[str, ServiceRound] = field(default_factory=dict[str, ServiceRound])
    _reports: dict[str, FloorReport] = field(default_factory=dict[str, FloorReport])

    async def run(self) -> None:
        """Watch until cancelled."""
        began, timers = asyncio.get_running_loop().time(), SharedTimers()
        turns = asyncio.Semaphore(ASKED_AGAIN_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._judge())
            for agent, offset in spread([_asked_as(floor) for floor in self.floors]):
                ask = partial(self._ask, agent)
                rounds = ServiceRounds(agent, ask, _never, turns, RoundTimer(timers))
                tasks.create_task(rounds.run(began + offset))

    async def _judge(self) -> None:
        """Judge in a rhythm: what changes is told since then, and not since a reader looked."""
        while True:
            self.seen()
            await asyncio.sleep(JUDGED_SECONDS)

    async def ask_once(self) -> FloorsSeen:
        """Ask every floor once, at the same time, and say what is known."""
        await asyncio.gather(*(self._ask(_asked_as(floor)) for floor in self.floors))
        return self.seen()

    def seen(self) -> FloorsSeen:
        """Say what is known of all floors now; what is not known is so since it was first asked."""
        readings = {name: r for name, r in map(_status_of, self._rounds.values()) if r is not None}
        seen = decide_floors(self.floors, readings, self._reports, self.clock(), self.label)
        self._reports = {report.floor.name: report for report in seen.reports}
        return seen

    async def _ask(self, agent: Agent) -> Asked:
        before = self._rounds.get(agent.agent_name)
        try:
            newest = await self.probe.read(agent, before)
            round_ = self._rounds[agent.agent_name] = join_rounds(agent, before, newest, ())
            return Asked(news=False, silent=asks_again(round_))
        except Exception:  # a bug of ours: others go on, this one's reading expires
            log.exception("reading the floor %s failed", agent.agent_name)
            return Asked(news=False, silent=False)


def _never() -> bool:
    """Return that no session quickens the rhythm: floors are in sessions of their own."""
    return False


def _status_of(round_: ServiceRound) -> tuple[str, EndpointReading | None]:
    return round_.agent_name, round_.readings.get(STATUS)


def _asked_as(floor: OtherFloor) -> Agent:
    """Return how the probe knows another Mission Control: a service of kind ops."""
    return Agent(
        floor.name,
        Kind.OPS,
        floor.url,
        expected_endpoints=(STATUS,),
        interval_seconds=floor.interval_seconds,
        deadline_seconds=floor.deadline_seconds,
        tls=floor.tls,
        bearer_token_file=floor.bearer_token_file,
    )
