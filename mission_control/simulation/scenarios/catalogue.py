"""Simulation: every scenario by its name."""

from mission_control.errors import ConfigurationError
from mission_control.simulation.scenarios.calm_and_closed import CALM_AND_CLOSED
from mission_control.simulation.scenarios.cluster import CLUSTER_TROUBLES
from mission_control.simulation.scenarios.critical_service import CRITICAL_SERVICE_FAILURES
from mission_control.simulation.scenarios.execution import EXECUTION_TROUBLES
from mission_control.simulation.scenarios.false_witness import FALSE_WITNESSES
from mission_control.simulation.scenarios.marketdata import MARKETDATA_TROUBLES
from mission_control.simulation.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *CALM_AND_CLOSED,
    *MARKETDATA_TROUBLES,
    *EXECUTION_TROUBLES,
    *CRITICAL_SERVICE_FAILURES,
    *FALSE_WITNESSES,
    *CLUSTER_TROUBLES,
)


def find_scenario(name: str) -> Scenario:
    """
    Give the scenario of that name.

    Raises ConfigurationError that lists the names there are.
    """
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    known = ", ".join(scenario.name for scenario in SCENARIOS)
    raise ConfigurationError(
        f"there is no scenario {name[:64]!r}", where="scenario", remedy=f"one of {known}"
    )
