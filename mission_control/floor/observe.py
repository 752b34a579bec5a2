"""The floor observed a few times in a row, without a server."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mission_control.cluster.model.facts import CapturedWorkloads, identify_cluster
from mission_control.floor.decide.evidence import is_obtained
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.round_memory import join_rounds
from mission_control.floor.fleet_on_disk import FleetOnDisk
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence, FloorSnapshot, Latched
from mission_control.history.remember import FloorMemory
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.clock import Clock
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.event import FloorEvent
from mission_control.model.fleet import ContractKind, Fleet
from mission_control.model.reading import ServiceRound, Unseen, UnseenReason
from mission_control.model.reload import Reload
from mission_control.readiness.model import PollCoverage
from mission_control.records.root_check import StoreCheck
from mission_control.schedule.calendar_in_force import CalendarInForce

if TYPE_CHECKING:
    from mission_control.cluster.read.observer import ClusterObserver
    from mission_control.kill_switch.read import SwitchReader
    from mission_control.probe.service_probe import ServiceProbe


@dataclass(frozen=True, slots=True)
class FloorSources:
    """
    The edges that a watch reads from; without a store nothing is ever recorded.

    `captured` tells what ran at the last known good, where a record is read. `in_force` is the
    calendar once more where its closures may change, `on_disk` tells of the fleet file as it is by
    now, and `reloads` gives each set of other files once that was read again. `decided` is handed
    each decision with what happened, where alerts are decided.
    """

    services: "ServiceProbe"
    switches: "SwitchReader"
    calendar: CalendarReader
    clock: Clock
    store: StoreCheck | None = None
    memory: FloorMemory | None = None
    cluster: "ClusterObserver | None" = None
    captured: Callable[[ClusterIdentity], Awaitable[CapturedWorkloads]] | None = None
    in_force: CalendarInForce | None = None
    on_disk: FleetOnDisk | None = None
    reloads: Callable[[], Sequence[Reload]] | None = None
    decided: Callable[[FloorSnapshot, Sequence[FloorEvent]], None] | None = None


def first_snapshot(
    fleet: Fleet,
    sources: FloorSources,
    label: str,
    latched: Latched = NOTHING_LATCHED,
    *,
    alarms_known: bool = True,
) -> FloorSnapshot:
    """
    Decide the floor before anything was asked: every service is NOT_YET_ASKED.

    `latched` are the alarms from before the start, where history knows them.
    """
    now = sources.clock()
    evidence = FloorEvidence(fleet, {}, alarms_known=alarms_known)
    calendar = sources.calendar
    return decide_floor(evidence, latched, calendar.session_at, now, label=label)


async def observe_once(fleet: Fleet, sources: FloorSources, label: str) -> FloorSnapshot:
    """Ask every service and the cluster once, at the same time, and decide; remember nothing."""
    evidence, now = await gather_once(fleet, sources), sources.clock()
    session_at = sources.calendar.session_at
    return decide_floor(evidence, NOTHING_LATCHED, session_at, now, sequence=1, label=label)


async def gather_once(fleet: Fleet, sources: FloorSources) -> FloorEvidence:
    """Ask every service and the cluster once, at the same time, and decide nothing."""
    evidence = await _gather(fleet, sources, {}, Looking(), alarms_known=True)
    return replace(evidence, rounds=_join(fleet, {}, evidence.rounds, NOTHING_LATCHED))


ROUNDS = 3
APART_SECONDS = 10.0
"""Three rounds so far apart replace poll coverage (docs/semantics.md#7)."""


@dataclass(frozen=True, slots=True)
class Looking:
    """How often to look, how far apart (seconds), and whether services are asked at all."""

    rounds: int = ROUNDS
    apart_seconds: float = APART_SECONDS
    ask_services: bool = True
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


async def observe_rounds(
    fleet: Fleet,
    sources: FloorSources,
    looking: Looking,
    latched: Latched,
    *,
    alarms_known: bool = True,
    label: str = "",
) -> tuple[FloorSnapshot, PollCoverage | Unseen]:
    """
    Observe the floor a few times; return the last decision and how often each was obtained.

    An alarm that one round raises is latched in the next; `latched` are those from before.
    """
    asked, obtained = Counter[str](), Counter[str]()
    rounds = dict[str, ServiceRound]()
    snapshot: FloorSnapshot | None = None
    for number in range(max(1, looking.rounds)):
        if number:
            await looking.wait(looking.apart_seconds)
        evidence = await _gather(fleet, sources, rounds, looking, alarms_known=alarms_known)
        rounds = _join(fleet, rounds, evidence.rounds, latched)
        evidence = replace(evidence, rounds=rounds)
        now = sources.clock()
        snapshot = decide_floor(
            evidence, latched, sources.calendar.session_at, now, sequence=number + 1, label=label
        )
        latched = snapshot.latched
        for agent in fleet.agents:
            round_ = rounds.get(agent.agent_name)
            if round_ is not None and agent.contract is not ContractKind.NONE:
                asked[agent.agent_name] += 1
                seen = round_.readings.get(agent.primary_path or "")
                obtained[agent.agent_name] += is_obtained(seen)
    if snapshot is None:
        raise ValueError("the floor was not looked at")
    required = [a.agent_name for a in fleet.agents if a.required and a.primary_path is not None]
    told = f"{looking.rounds} rounds, {looking.apart_seconds:g} s apart"
    if looking.rounds < ROUNDS or looking.apart_seconds < APART_SECONDS:
        wanted = f"{ROUNDS} of {APART_SECONDS:g} s and more stand in for 15 minutes"
        return snapshot, Unseen(UnseenReason.PARTIAL, snapshot.at, detail=f"{told}; {wanted}")
    agents = tuple((name, asked[name], obtained[name]) for name in required)
    return snapshot, PollCoverage(0.0, 0.0, agents, stands_in=f"{told}, stand in for 15 minutes")


def _join(
    fleet: Fleet,
    before: Mapping[str, ServiceRound],
    newest: Mapping[str, ServiceRound],
    latched: Latched,
) -> dict[str, ServiceRound]:
    """Judge each service's newest round by those before it, as the watch does."""
    held = {s.agent_name: s.answered for s in latched.services}
    agents = (a for a in fleet.agents if a.agent_name in newest)
    return {
        name: join_rounds(a, before.get(name), newest[name], held.get(name, ()))
        for a in agents
        for name in [a.agent_name]
    }


async def _gather(
    fleet: Fleet,
    sources: FloorSources,
    known: dict[str, ServiceRound],
    looking: Looking,
    *,
    alarms_known: bool,
) -> FloorEvidence:
    agents = fleet.agents if looking.ask_services else ()
    asking = [
        asyncio.ensure_future(sources.services.read(a, known.get(a.agent_name))) for a in agents
    ]
    reading = asyncio.ensure_future(sources.cluster.read()) if sources.cluster else None
    switch_readings = await sources.switches.read()
    rounds = await asyncio.gather(*asking)
    facts = await reading if reading else None
    identity = identify_cluster(fleet, facts)
    return FloorEvidence(
        fleet,
        {r.agent_name: r for r in rounds},
        switch_readings,
        alarms_known=alarms_known,
        cluster=facts,
        captured=await sources.captured(identity) if sources.captured else None,
    )
