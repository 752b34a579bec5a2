"""Simulation: scenarios that point to live execution, in every phase a P0."""

from mission_control.simulation.cluster_stage import ApiFault, ClusterStage
from mission_control.simulation.scenarios.calm_and_closed import OPEN_SESSION
from mission_control.simulation.scenarios.scenario import (
    STRATEGY_ENGINE,
    Scenario,
    Switch,
    Twist,
)

NO_CONFIG_MAPS = ClusterStage(faults={("*", "configmaps"): ApiFault.DENIED})

EXECUTION_TROUBLES = (
    Scenario(
        "kill-switch-off",
        "The kill switch is off in its ConfigMap, its file and for every service: execution "
        "evidence, a P0.",
        OPEN_SESSION,
        switch=Switch(file_text="0\n", services_say=False),
    ),
    Scenario(
        "kill-switch-unreadable",
        "The kill switch's file holds HALTED, which the fleet would read as not halted, and its "
        "ConfigMap may not be read, so nothing confirms the switch.",
        OPEN_SESSION,
        switch=Switch(file_text="HALTED\n"),
        cluster=NO_CONFIG_MAPS,
    ),
    Scenario(
        "kill-switch-missing",
        "The kill switch's file is gone and its ConfigMap may not be read, so nothing confirms "
        "the switch although every service still says engaged.",
        OPEN_SESSION,
        switch=Switch(file_text=None),
        cluster=NO_CONFIG_MAPS,
    ),
    Scenario(
        "kill-switch-contradicted",
        "The kill switch says 1 but strategy-engine says it is off: a contradiction, a P0.",
        OPEN_SESSION,
        switch=Switch(denied_by=frozenset({STRATEGY_ENGINE})),
    ),
    Scenario(
        "agent-mode-execute",
        "The strategy-engine reports agent mode EXECUTE: execution evidence, a P0.",
        OPEN_SESSION,
        twists={STRATEGY_ENGINE: Twist(agent_mode="EXECUTE")},
    ),
    Scenario(
        "agent-mode-unknown",
        "The strategy-engine reports agent mode TURBO, which nobody knows: the floor halts in "
        "every phase.",
        OPEN_SESSION,
        twists={STRATEGY_ENGINE: Twist(agent_mode="TURBO")},
    ),
    Scenario(
        "safe-to-execute",
        "The strategy-engine reports safe_to_execute_orders true, which the contract never "
        "allows: execution evidence, a P0.",
        OPEN_SESSION,
        twists={STRATEGY_ENGINE: Twist(safe_to_execute_orders=True)},
    ),
    Scenario(
        "execution-running",
        "The execution-engine's port answers, so an execution process is running: a P0 even "
        "though it reports itself OFFLINE.",
        OPEN_SESSION,
        execution_running=True,
    ),
)
