"""Fixtures: the event loop, and a simulated floor watched over real loopback sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver, ConfigMapSwitch
from mission_control.configuration.cluster_entry import settle_cluster
from mission_control.configuration.fleet_file import load_fleet
from mission_control.floor.observe import FloorSources
from mission_control.kill_switch.read import SwitchReader
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import Fleet
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports
from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document


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
        assert self.fleet.access is not None
        lister = ClusterLister(ApiServer(self.fleet.access), self.clock)
        transports.also_close(lister.server.forget)
        return FloorSources(
            ServiceProbe(transports, self.clock),
            SwitchReader(
                self.switch_file, {}, self.clock, ConfigMapSwitch(lister, "trading-floor")
            ),
            MarketCalendar(),
            self.clock,
            cluster=ClusterObserver(lister),
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
            kubeconfig = tmp_path / "kubeconfig.yaml"
            loopback.write_kubeconfig(kubeconfig)
            fleet_file.write_text(fleet_document(loopback.base_urls, str(kubeconfig)))
            fleet = settle_cluster(
                load_fleet(fleet_file, default_interval=10.0, default_deadline=3.0),
                "trading-floor",
                None,
                None,
            )
            return WatchedFloor(simulated, loopback, fleet, fleet_file, switch, clock)

        yield start
