"""Bootstrap: the simulated floor, plugged in here alone."""

import logging
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mission_control.bootstrap.connect import Parts
from mission_control.configuration.settings import Settings, load_settings
from mission_control.errors import StorageError
from mission_control.jobs.sample_floor import RunOrigin, sample_floor
from mission_control.model.snapshot import FloorSnapshot
from mission_control.record.artifact_writer import RunWriter
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.fleet_file import fleet_document
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.scenarios.catalogue import SCENARIOS, find_scenario

log = logging.getLogger(__name__)


async def sample_when_seen(parts: Parts, origin: RunOrigin) -> None:
    """Record a sample of the floor once every service was asked; a failure is logged."""
    async for seen in parts.board.follow(None):
        if isinstance(seen, FloorSnapshot) and _all_asked(seen):
            break
    try:
        await sample_floor(parts.board, RunWriter(parts.store), parts.sources.clock, origin)
    except StorageError:
        log.exception("the sample was not recorded")


def _all_asked(snapshot: FloorSnapshot) -> bool:
    return all(s.round is not None for s in snapshot.services if s.agent.service_dns)


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
