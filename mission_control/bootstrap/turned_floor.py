"""A simulated floor whose clock is turned by hand: a day is lived as fast as it can be judged."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import yaml

from mission_control.bootstrap.demo import DemoFloor, demo_floor
from mission_control.bootstrap.serve import Parts, connected
from mission_control.configuration.settings import Settings
from mission_control.floor.decide.stall import BEAT_SECONDS, MISSED_BEATS
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.event import EventType
from mission_control.schedule.model import PlannedRun
from mission_control.schedule.scheduler import PREPARE_AT
from mission_control.simulation.days import PlayedDay

STEP_SECONDS = BEAT_SECONDS * MISSED_BEATS - 0.1
"""The clock is turned on by so much; decisions farther apart would be a stall."""
ASKED_SECONDS = 36.0
"""Services are asked this often, before what was read last expires."""
CLUSTER_SECONDS = 48.0
"""The cluster is read this often, for the same reason."""
PATIENT_SECONDS = 20.0
"""A service's deadline here: the machine may be busy, and nothing is learnt from that."""
SETTLE_SECONDS = 0.01
MOMENT_SECONDS = 0.4
"""So long after its instant what is planned is begun: no clock meets one exactly."""
SWITCH_SECONDS = 0.0003
"""Floor and watch share one interpreter, and would wait 5 ms for each other all the time."""

Tell = Callable[[datetime, str], None]
"""Is told when something happened (by the turned clock), and what."""


@dataclass(slots=True)
class TurnedTime:
    """Seconds that pass only when they are turned on."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Return the seconds that have passed."""
        return self.seconds


@contextmanager
def turned_floor(
    day: PlayedDay,
    root: Path | None = None,
    floor_port: int = 0,
    since: datetime | None = None,
) -> Generator[tuple[DemoFloor, TurnedTime]]:
    """Run the simulated floor, its clock standing still at a day's beginning or at `since`."""
    passed = TurnedTime()
    begins = since or instant_of(day.on, day.begins)
    flags = dict[str, object]()
    with demo_floor("calm", begins, floor_port, flags, root=root, monotonic=passed) as floor:
        settings = floor.settings
        if day.closure:
            path = settings.root / "closures.yaml"
            path.write_text(yaml.safe_dump({"closures": [dict(day.closure)]}))
            settings = floor.load({"closures_file": path})
        yield replace(floor, settings=_slowly_asked(settings)), passed


def _slowly_asked(settings: Settings) -> Settings:
    fleet = settings.fleet
    agents = tuple(
        replace(
            agent,
            interval_seconds=ASKED_SECONDS,
            gating_interval_seconds=None,
            deadline_seconds=PATIENT_SECONDS,
        )
        for agent in fleet.agents
    )
    return replace(settings, fleet=replace(fleet, agents=agents))


@dataclass(slots=True)
class TurnedFloor:
    """
    Watches a floor step by step, and runs what is planned while its clock stands still.

    `speed` is how many seconds of the floor pass in one real second at most, None as many as can.
    """

    floor: DemoFloor
    passed: TurnedTime
    parts: Parts
    tell: Tell
    speed: float | None = None
    _asked_at: float = float("-inf")
    _listed_at: float = float("-inf")
    _silent: bool = False
    _event: int = 0
    _planned: date | None = None
    _paging: set[str] = field(default_factory=set[str])
    _armed: list[PlannedRun] = field(default_factory=list[PlannedRun])

    async def live(self, day: PlayedDay) -> None:
        """Live a day from now to its end, with what happens on it."""
        self.floor.floor.play(day.first)
        self.passed.seconds += MOMENT_SECONDS
        await self._arm()
        await self.step()
        self._event = self.parts.board.recent_events(1)[0].identity
        for line in self._begins():
            self.tell(self.floor.clock(), line)
        for turn in day.turns:
            await self.until(instant_of(day.on, turn.at))
            self.tell(self.floor.clock(), f"on the floor: {turn.why}")
            self.floor.floor.play(turn.scenario)
        await self.until(instant_of(day.on, day.ends))

    async def until(self, at: datetime) -> None:
        """Turn the clock on to an instant, deciding and running all that is due until then."""
        loop = asyncio.get_running_loop()
        while (left := (at - self.floor.clock()) / timedelta(seconds=1)) > 0:
            began, step = loop.time(), min(STEP_SECONDS, left, self._until_due())
            self.passed.seconds += step
            await self.step()
            rest = step / self.speed - (loop.time() - began) if self.speed else 0.0
            await asyncio.sleep(max(0.0, rest))

    async def step(self) -> None:
        """Ask what is due, decide, and run what is planned for now."""
        watch, now = self.parts.watch, self.floor.clock()
        passed = self.passed.seconds
        due = passed - self._asked_at >= ASKED_SECONDS
        listed = passed - self._listed_at >= CLUSTER_SECONDS
        self._asked_at = passed if due else self._asked_at
        self._listed_at = passed if listed else self._listed_at
        if due or listed or self._silent:
            services = due or self._silent
            self._silent = await watch.look(services=services, cluster=listed)
        watch.publish()
        if self._event:
            self._tell_events()
            self._tell_alerts()
        today = in_new_york(now).date()
        if today != self._planned and now >= instant_of(today, PREPARE_AT):
            await self._arm()
        while self._armed and self._armed[0].planned_at <= now:
            await self._run(self._armed.pop(0))

    def _begins(self) -> Iterator[str]:
        """Say how the day begins: the floor, and what is planned."""
        now = self.parts.board.current()
        yield f"posture {now.posture.verdict.value}, session {now.session.phase.value}"
        plan = self.parts.day.plan(in_new_york(now.at).date())
        skipped = {run.skipped for run in plan.runs if run.skipped}
        yield f"planned: {sum(not run.skipped for run in plan.runs)} runs"
        for why in sorted(skipped):
            yield f"skipped: {sum(run.skipped == why for run in plan.runs)} runs: {why}"

    def _until_due(self) -> float:
        """Return the seconds until the next run begins: a moment after it is planned, as always."""
        if not self._armed:
            return STEP_SECONDS
        left = (self._armed[0].planned_at - self.floor.clock()) / timedelta(seconds=1)
        return left + MOMENT_SECONDS

    async def _arm(self) -> None:
        """Plan the day that it is now, settle the days before, and arm what is still to come."""
        self._planned = in_new_york(self.floor.clock()).date()
        runs = await self.parts.day.prepare()
        self._armed = sorted(runs, key=lambda r: r.planned_at)

    async def _run(self, run: PlannedRun) -> None:
        await self.settled()
        await self.parts.day.begin(run)
        if self.parts.alerts is not None:
            await self.parts.alerts.watch.read_runs()
        states = await self.parts.day.lately(0)
        for state in (s for s in states if s.run.key == run.key):
            outcome = state.outcome.value if state.outcome else "with nothing recorded"
            said = ": ".join(filter(None, (str(run.job), outcome, state.detail)))
            self.tell(self.floor.clock(), said)

    async def settled(self) -> None:
        """Wait until history has written what it was handed: jobs read it."""
        memory = self.parts.watch.sources.memory
        while memory is not None and not memory.history.idle():  # noqa: ASYNC110  (a thread's own)
            await asyncio.sleep(SETTLE_SECONDS)

    def _tell_alerts(self) -> None:
        """Tell which alerts page now and did not before, and which do not any more."""
        if self.parts.alerts is None:
            return
        book = self.parts.alerts.watch.current()
        paging = {f"{a.severity.value} {a.code} {a.subject}" for a in book.alerts if a.pages}
        for name in sorted(paging - self._paging):
            self.tell(self.floor.clock(), f"alert pages: {name}")
        for name in sorted(self._paging - paging):
            self.tell(self.floor.clock(), f"alert ended: {name}")
        self._paging = paging

    def _tell_events(self) -> None:
        newest = self.parts.board.recent_events(200)
        new = list(takewhile(lambda e: e.identity > self._event, newest))
        if new:
            self._event = new[0].identity
        for event in reversed(new):
            if event.type is not EventType.POLL:
                self.tell(event.at, event.message)


@asynccontextmanager
async def turned(
    floor: DemoFloor, passed: TurnedTime, tell: Tell, speed: float | None = None
) -> AsyncGenerator[TurnedFloor]:
    """Connect a whole Mission Control to a turned floor for the time of the block."""
    before = sys.getswitchinterval()
    async with AsyncExitStack() as stack:
        stack.callback(sys.setswitchinterval, before)
        sys.setswitchinterval(SWITCH_SECONDS)
        # By the turned clock no busy machine stalls: between two steps no time passes.
        connecting = connected(floor.settings, floor.clock, "DEMO", records=True, monotonic=passed)
        parts = await stack.enter_async_context(connecting)
        parts.day.beat = str  # it beats whenever the clock is turned
        alerts = asyncio.create_task(parts.alerts.run()) if parts.alerts else None
        try:
            yield TurnedFloor(floor, passed, parts, tell, speed)
        finally:
            if alerts is not None:
                alerts.cancel()
                await asyncio.gather(alerts, return_exceptions=True)
