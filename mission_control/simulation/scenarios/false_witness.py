"""Simulation: scenarios in which a service answers well but cannot be believed as it stands."""

from mission_control.simulation.scenarios.calm_and_closed import OPEN_SESSION
from mission_control.simulation.scenarios.scenario import (
    GAMMA_STRATEGY,
    MARKET_INGEST,
    STRATEGY_ENGINE,
    Fault,
    Scenario,
    Twist,
)

FALSE_WITNESSES = (
    Scenario(
        "frozen-status",
        "The market-ingest service repeats an answer it made five minutes ago, so its state is "
        "UNKNOWN as STATUS_FROZEN and the floor halts.",
        OPEN_SESSION,
        twists={MARKET_INGEST: Twist(frozen_for_seconds=300.0)},
    ),
    Scenario(
        "clock-skew",
        "The strategy-engine's clock runs 45 seconds ahead, so its state is UNKNOWN as CLOCK_SKEW "
        "and the floor halts.",
        OPEN_SESSION,
        twists={STRATEGY_ENGINE: Twist(clock_ahead_seconds=45.0)},
    ),
    Scenario(
        "liveness-503",
        "The gamma-strategy answers 503 with an ok of false on every path: it does not live, "
        "whatever its answer says, and the floor halts.",
        OPEN_SESSION,
        faults={GAMMA_STRATEGY: Fault.UNWELL},
    ),
    Scenario(
        "identity-mismatch",
        "The service at strategy-engine's address calls itself strategy-engine-canary: a warning "
        "beside a floor that stays OK.",
        OPEN_SESSION,
        twists={STRATEGY_ENGINE: Twist(calls_itself="strategy-engine-canary")},
    ),
)
