"""Jobs: the edges that the floor is watched through, and one look through all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mission_control.decide.floor import decide_floor
from mission_control.decide.round_memory import join_rounds
from mission_control.jobs.calendar_in_force import CalendarInForce
from mission_control.jobs.ports import (
    CalendarReader,
    Clock,
    ClusterReader,
    ServiceReader,
    StoreReader,
    SwitchReader,
)
from mission_control.jobs.remember_floor import FloorMemory
from mission_control.model.cluster.facts import identify_cluster
from mission_control.model.cluster.view import CapturedWorkloads
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Fleet
from mission_control.model.reload import Reload
from mission_control.model.snapshot import FloorEvidence, FloorSnapshot
from mission_control.model.standing import NOTHING_STANDS, Standing


@dataclass(frozen=True, slots=True)
class FloorSources:
    """
    The edges that a watch reads from; without a store nothing is ever recorded.

    `captured` tells what ran at the last known good, where a record is read. `in_force` is the
    calendar once more where its closures may change, and `reloads` gives each set of other files
    once that was read again.
    """

    services: ServiceReader
    switches: SwitchReader
    calendar: CalendarReader
    clock: Clock
    store: StoreReader | None = None
    memory: FloorMemory | None = None
    cluster: ClusterReader | None = None
    captured: Callable[[ClusterIdentity], Awaitable[CapturedWorkloads]] | None = None
    in_force: CalendarInForce | None = None
    reloads: Callable[[], Sequence[Reload]] | None = None


def first_snapshot(
    fleet: Fleet,
    sources: FloorSources,
    label: str,
    standing: Standing = NOTHING_STANDS,
    *,
    standing_known: bool = True,
) -> FloorSnapshot:
    """
    Decide the floor before anything was asked: every service is NOT_YET_ASKED.

    `standing` is what stood when this process's predecessor ended, where history knows it.
    """
    now = sources.clock()
    evidence = FloorEvidence(fleet, {}, standing_known=standing_known)
    calendar = sources.calendar
    return decide_floor(evidence, standing, calendar.session_at, now, label=label)


async def observe_once(fleet: Fleet, sources: FloorSources, label: str) -> FloorSnapshot:
    """Ask every service and the cluster once, at the same time, and decide; remember nothing."""
    asking = [asyncio.ensure_future(sources.services.read(a, None)) for a in fleet.agents]
    reading = asyncio.ensure_future(sources.cluster.read()) if sources.cluster else None
    witnessed = await sources.switches.read()
    rounds = await asyncio.gather(*asking)
    facts = await reading if reading else None
    by_name = {
        a.agent_name: join_rounds(a, None, r) for a, r in zip(fleet.agents, rounds, strict=True)
    }
    identity = identify_cluster(fleet, facts)
    captured = await sources.captured(identity) if sources.captured else None
    evidence = FloorEvidence(fleet, by_name, witnessed, cluster=facts, captured=captured)
    now = sources.clock()
    session_at = sources.calendar.session_at
    return decide_floor(evidence, NOTHING_STANDS, session_at, now, sequence=1, label=label)
