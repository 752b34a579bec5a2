"""Fixtures: the event loop, and a simulated floor watched over real loopback sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mission_control.configuration.fleet_file import load_fleet
from mission_control.jobs.watch_floor import FloorSources
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import Fleet
from mission_control.observe.http_transport import Transports
from mission_control.observe.kill_switch_witnesses import SwitchWitnesses
from mission_control.observe.service_probe import ServiceProbe
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.fleet_file import fleet_document
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.scenarios.catalogue import find_scenario


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@dataclass(frozen=True)
class WatchedFloor:
    """A simulated floor on loopback, the fleet file that lists it, and edges that read it."""

    simulated: SimulatedFloor
    loopback: FloorOnLoopback
    fleet: Fleet
    fleet_file: Path
    switch_file: Path
    clock: SimulatedClock

    def sources(self, transports: Transports) -> FloorSources:
        """Connect the real edges to this floor."""
        return FloorSources(
            ServiceProbe(transports, self.clock),
            SwitchWitnesses(self.switch_file, {}, self.clock),
            MarketCalendar(),
            self.clock,
        )


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[[str], WatchedFloor]]:
    """Give a way to start a floor in a scenario, at the instant that shows it best."""
    with ExitStack() as stack:

        def start(scenario: str) -> WatchedFloor:
            clock = SimulatedClock(find_scenario(scenario).at)
            simulated = SimulatedFloor(clock, scenario)
            switch = tmp_path / "EXECUTION_HALTED"
            loopback = stack.enter_context(FloorOnLoopback(simulated, 0, switch))
            fleet_file = tmp_path / "fleet.yaml"
            fleet_file.write_text(fleet_document(loopback.base_urls))
            fleet = load_fleet(fleet_file, default_interval=10.0, default_deadline=3.0)
            return WatchedFloor(simulated, loopback, fleet, fleet_file, switch, clock)

        yield start
