"""The simulated floor, plugged in here alone."""

import asyncio
import logging
import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mission_control.bootstrap.serve import Parts
from mission_control.configuration.settings import Settings, load_settings
from mission_control.deploy_report.run import make_report, record_report
from mission_control.errors import StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.observe import APART_SECONDS, ROUNDS, all_asked
from mission_control.last_known_good.model import LkgRefused
from mission_control.last_known_good.run import BuildFacts, LkgSources, capture_lkg, record_lkg
from mission_control.ops_bundle.sample import sample_floor
from mission_control.readiness.model import PollCoverage
from mission_control.readiness.run import ReadinessSources, check_readiness, record_readiness
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import RunWriter
from mission_control.records.root_check import StoreCheck
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.simulation.catalogue import SCENARIOS, find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document

log = logging.getLogger(__name__)


async def run_jobs_when_seen(parts: Parts, origin: RunOrigin, root: Path) -> None:
    """Run every job once when every service was asked; a failure is logged."""
    async for seen in parts.board.follow(None):
        if isinstance(seen, FloorSnapshot) and all_asked(seen):
            break
    clock, writer = parts.sources.clock, RunWriter(parts.store)
    artifacts = ArtifactReader(root, clock)
    sources = ReadinessSources(
        clock, StoreCheck(parts.store, clock), parts.further, None, artifacts
    )
    origin = origin.begun(clock())
    snapshot = parts.board.current()
    try:
        await sample_floor(parts.board, writer, clock, origin)
        made = await make_report(snapshot, parts.further, artifacts, clock)
        await record_report(made, snapshot, writer, clock, origin)
        await _capture(parts, writer, artifacts, origin.begun(clock()))
        origin = origin.begun(clock())
        snapshot, coverage = await _watch(parts)
        report = await check_readiness(snapshot, coverage, sources)
        await record_readiness(report, Ground.of(snapshot), writer, clock, origin)
    except StorageError:
        log.exception("the demo's runs were not recorded")


async def _capture(
    parts: Parts, writer: RunWriter, artifacts: ArtifactReader, origin: RunOrigin
) -> None:
    clock, snapshot = parts.sources.clock, parts.board.current()
    sources = LkgSources(clock, artifacts, parts.further, parts.past, parts.sources.calendar)
    made = await capture_lkg(snapshot, sources, BuildFacts())
    if isinstance(made, LkgRefused):
        log.info("the demo's capture of the last known good was refused: %s", made.reasons)
    else:
        await record_lkg(made, snapshot, writer, clock, origin)


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
    """A simulated floor that answers on loopback, and the settings that watch it."""

    settings: Settings
    clock: SimulatedClock
    addresses: tuple[tuple[str, str], ...]
    control: str


@contextmanager
def demo_floor(
    scenario: str, at: datetime | None, floor_port: int, flags: dict[str, object]
) -> Generator[DemoFloor]:
    """
    Run a simulated floor for the time of the block, in a temporary root of its own.

    The configured root is never written to (interface, "No form that posts"). Raises
    ConfigurationError for an unknown scenario or a busy port.
    """
    with tempfile.TemporaryDirectory(prefix="mission-control-demo-") as name:
        root = Path(name)
        switch = root / "EXECUTION_HALTED"
        clock = SimulatedClock(at or find_scenario(scenario).at)
        floor = SimulatedFloor(clock, scenario)
        with FloorOnLoopback(floor, floor_port, switch) as loopback:
            fleet, kubeconfig = root / "fleet.yaml", root / "kubeconfig.yaml"
            loopback.write_kubeconfig(kubeconfig)
            fleet.write_text(fleet_document(loopback.base_urls, str(kubeconfig)))
            given = {"fleet_file": fleet, "root": root, "kill_switch_file": switch, **flags}
            settings = load_settings({}, flags=given)
            addresses = (
                *sorted(loopback.base_urls.items()),
                ("Kubernetes API", loopback.kubernetes_url),
            )
            yield DemoFloor(settings, clock, addresses, loopback.control_url)
