"""The main job, which watches the floor: ask every service, decide, publish."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from mission_control.cluster.model.facts import CapturedWorkloads, ClusterFacts, identify_cluster
from mission_control.floor.board import FloorBoard
from mission_control.floor.decide.events import Happening, find_happenings, reloaded, turns_session
from mission_control.floor.decide.evidence import SessionAt, session_in_doubt
from mission_control.floor.decide.floor import decide_on_looks
from mission_control.floor.decide.round_memory import asks_again, join_rounds, recall_answered
from mission_control.floor.decide.stall import BEAT_SECONDS
from mission_control.floor.decide.start import starts_still, watching_began, without_start
from mission_control.floor.incremental import FloorCache
from mission_control.floor.model import (
    FloorEvidence,
    FloorSnapshot,
    Latched,
    ServiceSince,
    SwitchReading,
)
from mission_control.floor.observe import FloorSources
from mission_control.floor.present.predecessor import by_name, poll_outcome
from mission_control.model.event import EventType
from mission_control.model.fleet import Agent, Fleet
from mission_control.model.reading import Seen, ServiceRound, Unseen
from mission_control.model.reload import Reload
from mission_control.probe.decide import (
    ASK_AGAIN_SECONDS,
    ASKED_AGAIN_AT_ONCE,
    HURRY_APART_SECONDS,
    HURRY_RESTS_SECONDS,
    interval_of,
    next_due,
    spread,
)
from mission_control.processes.shared_timers import SharedTimers


class RoundTimer:
    """
    Waits for a service's next round, which can be hurried.

    All times are seconds of the event loop's clock. A hurry while a round is under way counts
    for the next wait, because that round may have begun before what hurries us.
    """

    def __init__(self, timers: SharedTimers | None = None) -> None:
        """Wait for nothing yet, and be ready to be hurried; `timers` are shared with others."""
        self._timers = timers or SharedTimers()
        self._waiter: asyncio.Future[bool] | None = None
        self._hurried = False
        self._resting_until = 0.0

    async def wait_until(self, due: float) -> bool:
        """Wait until the time is due or the round is hurried; return whether it was."""
        loop = asyncio.get_running_loop()
        if self._hurried or due <= loop.time():
            hurried, self._hurried = self._hurried, False
            await asyncio.sleep(0)
            return hurried
        self._waiter = loop.create_future()
        timer = self._timers.call_at(due, self._end)
        try:
            return await self._waiter
        finally:
            timer.clear()
            self._waiter = None

    def hurry(self) -> None:
        """Begin the next round at once, unless hurrying rests."""
        if asyncio.get_running_loop().time() < self._resting_until:
            return
        if self._waiter is None:
            self._hurried = True
        else:
            self._end(hurried=True)

    def _end(self, *, hurried: bool = False) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(hurried)

    def rest_until(self, instant: float) -> None:
        """Take no hurry until then, or as long as was said before where that is longer."""
        self._resting_until = max(self._resting_until, instant)


class Asked(NamedTuple):
    """What a round came to: whether it is news, and whether a first silence is in it."""

    news: bool
    silent: bool


@dataclass(slots=True)
class ServiceRounds:
    """
    Runs rounds over one service until it is cancelled; a first silence is asked about again.

    `gates` returns whether the session does, for the cadence. `turns` are shared by all services:
    where many fall silent together, so many are asked again at one time.
    """

    agent: Agent
    ask: Callable[[], Awaitable[Asked]]
    gates: Callable[[], bool]
    turns: asyncio.Semaphore
    timer: RoundTimer = field(default_factory=RoundTimer)

    def hurry(self) -> None:
        """Begin the next round at once, unless hurrying rests."""
        self.timer.hurry()

    async def run(self, due: float) -> None:
        """Begin with a round at `due`, in seconds of the event loop's clock."""
        loop = asyncio.get_running_loop()
        while True:
            hurried = await self.timer.wait_until(due)
            news, silent = await self.ask()
            due = self._next_due(due)
            if hurried:
                rest = HURRY_APART_SECONDS if news else HURRY_RESTS_SECONDS
                self.timer.rest_until(loop.time() + rest)
            while silent:
                self.timer.rest_until(loop.time() + ASK_AGAIN_SECONDS)
                silent = await self._ask_again(due)
                due = self._next_due(due)

    def _next_due(self, due: float) -> float:
        """Return when the service is due next; unchanged where a further round ran before that."""
        now = asyncio.get_running_loop().time()
        return due if now < due else next_due(due, now, interval_of(self.agent, gates=self.gates()))

    async def _ask_again(self, due: float) -> bool:
        """Ask once more, at our turn or when due anyway; return whether that is a first silence."""
        await asyncio.sleep(ASK_AGAIN_SECONDS)
        held = True
        try:
            async with asyncio.timeout_at(due):
                await self.turns.acquire()
        except TimeoutError:
            held = False
        try:
            return (await self.ask()).silent
        finally:
            if held:
                self.turns.release()


SWITCH_SECONDS = 2.0
"""The kill switch's file and environment are read this often."""
STORE_SECONDS = 5.0
"""Whether artifacts could be written is tried this often."""
CAPTURED_SECONDS = 60.0
"""What ran at the last known good is read this often; it changes once a session."""
CLUSTER_SECONDS = 15.0
"""The cluster's lists are read this often, a quarter of the age at which they expire."""
FILES_SECONDS = 1.0
"""Files that may change are looked at this often."""
SETTLE_SECONDS = 0.1
"""Readings that arrive together are decided together; a failure shows at most this much later."""
TOLD_AT_ONCE = 100
"""So many services' outcomes are told before others have a turn: some milliseconds."""
DECIDE_SECONDS = 0.5
"""Without any news the floor is decided this often, so that evidence looks no older than it is."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class FloorWatch:
    """
    Watches one floor until it is cancelled.

    Each service has a task and a cadence of its own, so that one that hangs delays no other; no
    lock is held while waiting. Deciding happens in one place, on what is there.
    """

    fleet: Fleet
    sources: FloorSources
    board: FloorBoard
    label: str = ""
    cluster_seconds: float = CLUSTER_SECONDS
    _rounds: dict[str, ServiceRound] = field(default_factory=dict[str, ServiceRound])
    _switch_readings: tuple[SwitchReading, ...] = ()
    _cluster: ClusterFacts | None = None
    _captured: CapturedWorkloads | None = None
    _stored: Seen[None] | Unseen | None = None
    _kept: Seen[None] | Unseen | None = None
    _before_start: tuple[tuple[ServiceSince, ...], Mapping[str, tuple[str, ...]]] = ((), {})
    _cache: FloorCache = field(default_factory=FloorCache)
    _starts: bool = True
    _began: datetime | None = None
    _reloaded: list[Happening] = field(default_factory=list[Happening])
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear_switches())
            tasks.create_task(self._read_cluster())
            tasks.create_task(self._try_memory())
            tasks.create_task(self._recall_captured())
            tasks.create_task(self._follow_files())
            tasks.create_task(self._decide())
            self._watch_services(tasks)

    async def look(self, *, services: bool, cluster: bool) -> bool:
        """
        Read once what is asked for here and nothing in a rhythm; return whether a silence is new.

        For a floor whose time is turned by hand: what was read is decided by `publish`.
        """
        asked = [self._ask(a) for a in self.fleet.agents] if services else []
        if cluster and self.sources.cluster is not None:
            self._cluster = await self.sources.cluster.read()
            if self.sources.captured is not None:
                identity = identify_cluster(self.fleet, self._cluster)
                self._captured = await self.sources.captured(identity)
        self._switch_readings = await self.sources.switches.read()
        store, memory = self.sources.store, self.sources.memory
        self._stored = await store.check() if store else None
        self._kept = await memory.history.check() if memory else None
        return any(each.silent for each in await asyncio.gather(*asked))

    def _watch_services(self, tasks: asyncio.TaskGroup) -> None:
        began, turns = asyncio.get_running_loop().time(), asyncio.Semaphore(ASKED_AGAIN_AT_ONCE)
        timers = SharedTimers()
        rounds = {
            a.agent_name: ServiceRounds(
                a, partial(self._ask, a), self._gates, turns, RoundTimer(timers)
            )
            for a in self.fleet.agents
        }
        self.sources.services.when_lost(lambda name: rounds[name].hurry())
        for agent, offset in spread(self.fleet.agents):
            tasks.create_task(rounds[agent.agent_name].run(began + offset))

    def _gates(self) -> bool:
        session = self._cache.session
        return session is None or session.phase.gates

    async def _ask(self, agent: Agent) -> Asked:
        """Run one round over a service, and keep it joined with those before."""
        name = agent.agent_name
        try:
            newest = await self.sources.services.read(agent, self._rounds.get(name))
            round_ = join_rounds(agent, self._rounds.get(name), newest, self._answered(agent))
            return Asked(news=self._receive(agent, round_), silent=asks_again(round_))
        except Exception:  # a bug of ours: others go on, this one's reading expires
            log.exception("reading %s failed", name)
            return Asked(news=True, silent=False)

    def _answered(self, agent: Agent) -> tuple[str, ...]:
        """Return the paths that answered before the start; the rounds know later ones."""
        if agent.agent_name in self._rounds:
            return ()
        held = self.board.decided().latched.services
        if held is not self._before_start[0]:
            self._before_start = held, {s.agent_name: s.answered for s in held}
        return self._before_start[1].get(agent.agent_name, ())

    def _receive(self, agent: Agent, round_: ServiceRound) -> bool:
        """
        Keep a round, judged, and return whether it is news.

        Only news has the floor decided before the next beat.
        """
        self._rounds[agent.agent_name] = round_
        if self.sources.memory is not None:
            self.sources.memory.note_round(round_, agent.primary_path)
        news = self._cache.note_round(agent, round_, self._session_at(), self.sources.clock())
        if news:
            self._fresh.set()
        return news

    async def _hear_switches(self) -> None:
        while True:
            try:
                heard = await self.sources.switches.read()
            except Exception:  # a bug of ours: what was heard last expires
                log.exception("hearing the kill switch failed")
            else:
                if [_word(w) for w in heard] != [_word(w) for w in self._switch_readings]:
                    self._fresh.set()
                self._switch_readings = heard
            await asyncio.sleep(SWITCH_SECONDS)

    async def _read_cluster(self) -> None:
        loop, cluster = asyncio.get_running_loop(), self.sources.cluster
        due = loop.time()
        while cluster is not None:
            try:
                self._cluster = await cluster.read()
                self._fresh.set()
            except Exception:  # a bug of ours: what was read last expires
                log.exception("reading the cluster failed")
            due = next_due(due, loop.time(), self.cluster_seconds)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _try_memory(self) -> None:
        store, memory = self.sources.store, self.sources.memory
        while store is not None or memory is not None:
            try:
                self._stored = await store.check() if store else None
                self._kept = await memory.history.check() if memory else None
            except Exception:  # a bug of ours: the last try expires
                log.exception("trying the store or history failed")
            await asyncio.sleep(STORE_SECONDS)

    async def _recall_captured(self) -> None:
        captured = self.sources.captured
        while captured is not None:
            known = self._cluster is not None  # which cluster it is is told by a round over it
            try:
                if known:
                    self._captured = await captured(identify_cluster(self.fleet, self._cluster))
            except Exception:  # a bug of ours: what was read last is as good as before
                log.exception("reading the last known good failed")
            await asyncio.sleep(CAPTURED_SECONDS if known else DECIDE_SECONDS)

    def _session_at(self) -> SessionAt:
        in_force = self.sources.in_force
        doubt = in_force.doubt if in_force else None
        return session_in_doubt(self.sources.calendar.session_at, doubt)

    async def _follow_files(self) -> None:
        """Read changed files again; a changed calendar has everything judged again."""
        while True:
            try:
                self._tell(self.sources.reloads() if self.sources.reloads else ())
                await self._follow_calendar()
                await self._follow_fleet_file()
            except Exception:  # a bug of ours: what is in force stays
                log.exception("looking for changed files failed")
            await asyncio.sleep(FILES_SECONDS)

    async def _follow_calendar(self) -> None:
        in_force, now = self.sources.in_force, self.sources.clock()
        if in_force is None:
            return
        # The calendar from before, not what it says by then: a look may take a while.
        earlier = session_in_doubt(in_force.calendar.session_at, in_force.doubt)
        reload = await in_force.look(now)
        if reload is None:
            return
        now = self.sources.clock()
        before, after = earlier(now), self._session_at()(now)
        self._reloaded.append(reloaded(reload, before, after))
        self._cache = FloorCache()
        if turns_session(before, after):
            self.board.begin_again(now)
        self._fresh.set()

    async def _follow_fleet_file(self) -> None:
        """Tell that the fleet file changed; what is watched stays as it was at the start."""
        on_disk = self.sources.on_disk
        told = await on_disk.look(self.sources.clock()) if on_disk else None
        if told is not None:
            self._reloaded.append(told)
            self._fresh.set()

    def _tell(self, reloads: Sequence[Reload]) -> None:
        session = self._session_at()(self.sources.clock())
        self._reloaded.extend(reloaded(reload, session, session) for reload in reloads)

    async def _decide(self) -> None:
        loop = asyncio.get_running_loop()
        poll_due = loop.time()
        while True:
            polled = loop.time() >= poll_due
            if polled:
                poll_due = loop.time() + min(a.interval_seconds for a in self.fleet.agents)
            try:
                self.publish()
                if polled:
                    await self._tell_poll()
            except Exception:  # a bug of ours: no beat, so /healthz and the posture say so
                log.exception("deciding the floor failed")
                await asyncio.sleep(BEAT_SECONDS)
            await self._settle()

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(DECIDE_SECONDS - SETTLE_SECONDS):
                await self._fresh.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(SETTLE_SECONDS)
        self._fresh.clear()

    def _recall(self, latched: Latched) -> None:
        """Judge the rounds so far again: what was so before the start is known only now."""
        for held in latched.services:
            round_ = self._rounds.get(held.agent_name)
            if round_ is not None:
                self._rounds[held.agent_name] = recall_answered(round_, held.answered)

    def _evidence(self, *, alarms_known: bool) -> FloorEvidence:
        memory, in_force = self.sources.memory, self.sources.in_force
        return FloorEvidence(
            self.fleet,
            dict(self._rounds),
            self._switch_readings,
            self._stored,
            self._kept,
            alarms_known,
            self._cluster,
            memory.history.lost() if memory else "",
            memory.new_until(self.sources.calendar) if memory else None,
            self._captured,
            in_force.doubt if in_force else None,
        )

    async def _tell_poll(self) -> None:
        """Tell what the newest rounds brought, a hundred services at a time: others go on."""
        snapshot, outcomes = self.board.decided(), list[dict[str, Any]]()
        reports = by_name(snapshot)
        for start in range(0, len(reports), TOLD_AT_ONCE):
            told = reports[start : start + TOLD_AT_ONCE]
            outcomes.extend(poll_outcome(report, snapshot) for report in told)
            await asyncio.sleep(0)
        counted = snapshot.posture.coverage
        message = f"{counted.obtained} of {counted.asked} obtained"
        poll = Happening(EventType.POLL, message, data={"outcomes": outcomes})
        self.board.note_poll(poll, snapshot.at)

    def publish(self) -> None:
        """Decide the floor on what is there now, and publish it."""
        now = self.sources.clock()
        before, memory = self.board.decided(), self.sources.memory
        latched, known = memory.recall(before.latched) if memory else (before.latched, True)
        if latched is not before.latched:
            self._recall(latched)
        evidence = self._evidence(alarms_known=known)
        looks = self._cache.look_at_floor(evidence, self.sources.calendar.session_at, now)
        snapshot = decide_on_looks(
            looks,
            evidence,
            latched,
            now,
            before=before,
            sequence=self.board.next_sequence,
            label=self.label,
        )
        if self.sources.on_disk is not None and self.sources.on_disk.restart is not None:
            snapshot = replace(snapshot, restart=self.sources.on_disk.restart)
        # Alarms from before the start were raised then: here they only end, as history records.
        found = find_happenings(replace(before, latched=latched), snapshot)
        happenings = [*self._reloaded, *(self._start(found, snapshot) if self._starts else found)]
        self._reloaded.clear()
        events = self.board.publish(snapshot, happenings)
        if memory is not None:
            memory.note_decision(evidence, latched, before, snapshot, events)
        if self.sources.decided is not None:
            self.sources.decided(snapshot, events)

    def _start(self, found: Iterable[Happening], snapshot: FloorSnapshot) -> Iterator[Happening]:
        """Return what happened in a start, which ends with one event."""
        self._began = self._began or snapshot.at
        yield from without_start(found)
        heard = bool(self._switch_readings)
        self._starts = starts_still(self._began, snapshot, switch_heard=heard)
        if not self._starts:
            memory = self.sources.memory
            known = memory.history.recalled() if memory else None
            yield from watching_began(known.services if known else (), snapshot)


def _word(switch_readings: SwitchReading) -> str:
    """Return what a switch source says, apart from when."""
    reading = switch_readings.reading
    return reading.code if isinstance(reading, Unseen) else f"= {reading.value}"
