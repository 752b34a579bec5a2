"""The floor decided once on a real API server, and what jobs read of it besides."""

from contextlib import asynccontextmanager

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.read.account import AccountReader
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import FurtherObserver, ObjectReader
from mission_control.cluster.read.observer import ClusterObserver, ConfigMapSwitch
from mission_control.deploy_report.run import make_report
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.floor.observe import FloorSources, Looking, observe_rounds
from mission_control.kill_switch.read import SwitchReader
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import Fleet
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import open_transports
from mission_control.readiness.run import FloorLook, check_readiness
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.root_check import StoreCheck
from mission_control.simulation.roster import KNOWN, ROSTER
from tests.schedule.day_of_values import job_parts

FLOOR = "trading-floor"


@asynccontextmanager
async def looked_at(access, known=KNOWN, agents=ROSTER, rounds=1):
    """Yield the floor as this access shows it, its coverage, and the reader for jobs."""
    lister = ClusterLister(ApiServer(access), real_clock)
    objects = ObjectReader(lister)
    further = FurtherObserver(objects, AccountReader(lister.server, objects, real_clock))
    roster = tuple(sorted(agents, key=lambda a: a.agent_name))
    fleet = Fleet(roster, "d" * 64, "f", "test", access, known_workloads=known)
    async with open_transports() as transports:
        transports.also_close(lister.server.forget)
        sources = FloorSources(
            ServiceProbe(transports, real_clock),
            SwitchReader(None, {}, real_clock, ConfigMapSwitch(lister, FLOOR)),
            MarketCalendar(),
            real_clock,
            cluster=ClusterObserver(lister),
        )
        looking = Looking(rounds, 0.0, ask_services=rounds > 1)
        snapshot, coverage = await observe_rounds(fleet, sources, looking, NOTHING_LATCHED)
        yield snapshot, coverage, further


async def judge_readiness(access, root, **how):
    """Judge readiness with everything of the cluster read with this access."""
    async with looked_at(access, **how) as (snapshot, coverage, further):
        store = StoreCheck(ArtifactStore(root), real_clock)
        parts = job_parts(root, snapshot, clock=real_clock, store=store, further=further)
        seen = FloorLook(snapshot, coverage, None, skip_preflight=False)
        made = await make_report(snapshot, parts)
        return await check_readiness(seen, made, parts), snapshot
