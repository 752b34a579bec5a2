"""The simulated floor, plugged in here alone."""

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from mission_control.bootstrap.recorded_past import demo_start, find_past, unpack
from mission_control.bootstrap.serve import Parts
from mission_control.configuration.settings import Settings, load_settings
from mission_control.deploy_report import run as deploy_report
from mission_control.floor.decide.start import all_asked
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.observe import APART_SECONDS, ROUNDS
from mission_control.last_known_good import run as last_known_good
from mission_control.last_known_good.run import BuildFacts, CaptureRefused
from mission_control.ops_bundle import run as ops_bundle
from mission_control.readiness import run as readiness
from mission_control.readiness.model import PollCoverage
from mission_control.records.recorded_reports import READINESS_JSON, list_reports
from mission_control.records.run_origin import RunOrigin
from mission_control.schedule.planned_run import Runner, accounting
from mission_control.simulation.catalogue import SCENARIOS, find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.days import RECORDED, PlayedDay
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import DEFAULT_BASE_PORT, FloorOnLoopback
from mission_control.simulation.other_floors import OtherFloors
from mission_control.simulation.roster import fleet_document

OWN_ROOT = "mission-control-demo-"

log = logging.getLogger(__name__)


async def run_jobs_when_seen(parts: Parts, origin: RunOrigin) -> None:
    """
    Run every job once when every service was asked; what breaks is recorded and logged.

    Where sessions are recorded already only readiness is judged again.
    """
    async for seen in parts.board.follow(None):
        if isinstance(seen, FloorSnapshot) and all_asked(seen):
            break
    jobs = parts.jobs
    judging = replace(jobs, look=partial(_watch, parts))
    runs: Mapping[str, Runner] = {
        ops_bundle.SAMPLE_JOB: partial(ops_bundle.sample_floor, jobs),
        deploy_report.JOB: partial(deploy_report.run, jobs),
        last_known_good.JOB: partial(last_known_good.run, jobs, find_build=_no_build),
        readiness.JOB: partial(readiness.run, judging),
    }
    if await list_reports(jobs.artifacts, READINESS_JSON, 1):
        runs = {readiness.JOB: runs[readiness.JOB]}
    for job, run in runs.items():
        begun = origin.begun(jobs.clock())
        try:
            async with accounting(begun, parts.day.sources, job):
                await run(begun)
        except CaptureRefused as refused:
            log.info("the demo's capture of the last known good was refused: %s", refused.reasons)
        except Exception:
            log.exception("the demo's %s failed", job)


async def _no_build() -> BuildFacts:
    return BuildFacts()


async def _watch(parts: Parts) -> tuple[FloorSnapshot, PollCoverage]:
    """Watch the board for three rounds of ten seconds, and count each service's readings in it."""
    until = asyncio.get_running_loop().time() + ROUNDS * APART_SECONDS
    seen = set[tuple[str, datetime]]()
    snapshot = parts.board.current()
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(1.0)
        snapshot = parts.board.current()
        read = ((r.agent.agent_name, r.evidence_at) for r in snapshot.services)
        seen.update((name, at) for name, at in read if at is not None)
    obtained = Counter(name for name, _ in seen)
    asked = [a.agent_name for a in snapshot.fleet.agents if a.required and a.primary_path]
    agents = tuple((name, ROUNDS, min(ROUNDS, obtained[name])) for name in asked)
    told = f"{ROUNDS} rounds in {ROUNDS * APART_SECONDS:g} s stand in for 15 minutes"
    return snapshot, PollCoverage(0.0, 0.0, agents, stands_in=told)


def demo_scenarios() -> Sequence[tuple[str, str]]:
    """List the scenarios of the simulated floor: name and what an operator should see."""
    return [(s.name, s.description) for s in SCENARIOS]


@dataclass(frozen=True, slots=True)
class DemoFloor:
    """
    A simulated floor that answers on loopback, and the settings that watch it.

    `load` loads them with further flags. `past` are the days that its root has recorded, on
    `recorded_ports`: with others, or with other floors, the fleet file is another one. `elsewhere`
    are other floors, with a Mission Control each; None where there are none.
    """

    settings: Settings
    clock: SimulatedClock
    addresses: tuple[tuple[str, str], ...]
    control: str
    floor: SimulatedFloor
    load: Callable[[Mapping[str, object]], Settings]
    past: tuple[PlayedDay, ...] = ()
    recorded_ports: bool = True
    elsewhere: OtherFloors | None = None


@contextmanager
def demo_floor(  # noqa: PLR0913  (one argument for each thing that a demo is asked for)
    scenario: str,
    at: datetime | None,
    floor_port: int,
    flags: Mapping[str, object],
    *,
    root: Path | None = None,
    past: bool = False,
    others: int = 0,
    monotonic: Callable[[], float] = time.monotonic,
) -> Generator[DemoFloor]:
    """
    Run a simulated floor for the time of the block, in a temporary root of its own or in `root`.

    The configured root is never written to. With `past` it begins with the recorded sessions
    before its start clock. `others` is how many other floors there are, behind one port. Raises
    ConfigurationError for an unknown scenario or a busy port.
    """
    with ExitStack() as stack:
        if root is None:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=OWN_ROOT)))
        shown_at = find_scenario(scenario).at
        begins = demo_start(at, shown_at) if past else at or shown_at
        recorded = find_past(begins) if past else None
        if recorded is not None:
            unpack(recorded, root)
        switch = root / "EXECUTION_HALTED"
        clock = SimulatedClock(begins, monotonic=monotonic)
        floor = SimulatedFloor(clock, scenario)
        elsewhere = OtherFloors(clock, floor.session_at, others) if others else None
        app = elsewhere and elsewhere.app
        loopback = stack.enter_context(FloorOnLoopback(floor, floor_port, switch, app))
        fleet = _write_fleet(root, loopback, elsewhere)
        given = {"fleet_file": fleet, "root": root, "kill_switch_file": switch, **flags}

        def load(more: Mapping[str, object]) -> Settings:
            return load_settings({}, flags={**given, **more})

        kubernetes = ("Kubernetes API", loopback.kubernetes_url)
        addresses = (*sorted(loopback.base_urls.items()), kubernetes)
        lived = RECORDED[: recorded + 1] if recorded is not None else ()
        same = floor_port == DEFAULT_BASE_PORT and not others
        told = (load({}), clock, addresses, loopback.control_url, floor, load, lived, same)
        yield DemoFloor(*told, elsewhere)


def _write_fleet(root: Path, loopback: FloorOnLoopback, elsewhere: OtherFloors | None) -> Path:
    """Write the fleet file, and the kubeconfig that it names; returns the fleet file's path."""
    fleet, kubeconfig = root / "fleet.yaml", root / "kubeconfig.yaml"
    loopback.write_kubeconfig(kubeconfig)
    floors = dict[str, str]()
    if elsewhere is not None:
        elsewhere.url = loopback.others_url
        floors = {name: f"{elsewhere.url}/{name}" for name in elsewhere.names}
    fleet.write_text(fleet_document(loopback.base_urls, kubeconfig.name, floors))
    return fleet
