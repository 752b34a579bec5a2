"""Simulation: scenarios in which the marketdata cannot be trusted."""

from mission_control.simulation.scenarios.calm_and_closed import OPEN_SESSION
from mission_control.simulation.scenarios.scenario import (
    MARKETDATA,
    Feed,
    Scenario,
    Ticks,
    Twist,
)

MARKETDATA_TROUBLES = (
    Scenario(
        "stale-tick",
        "Ticks stopped five minutes ago and grow older, which halts the floor as "
        "MARKETDATA_STALE although the services only report the kill switch.",
        OPEN_SESSION,
        Feed(Ticks.STOPPED, seconds=300.0),
    ),
    Scenario(
        "is-fresh-null",
        "Marketdata shows a recent tick but leaves is_fresh null, which halts the floor as "
        "MARKETDATA_MISSING.",
        OPEN_SESSION,
        Feed(verdict_withheld=True),
    ),
    Scenario(
        "future-tick",
        "The last tick lies 90 seconds in the future and the services call it fresh, but the "
        "floor halts because it cannot be verified.",
        OPEN_SESSION,
        Feed(Ticks.AHEAD, seconds=90.0),
    ),
    Scenario(
        "healthz-503",
        "Marketdata's /healthz answers 503 with ok false while its /ops/status looks fresh, and "
        "the worse word halts the floor.",
        OPEN_SESSION,
        Feed(healthz_forced_stale=True),
    ),
    Scenario(
        "no-tick",
        "Marketdata has had no tick since it started, which halts the floor as MARKETDATA_MISSING.",
        OPEN_SESSION,
        Feed(Ticks.NEVER),
    ),
    Scenario(
        "fresh-claim-on-old-tick",
        "Marketdata claims is_fresh true on a tick ten minutes old: a P0, because the gate that "
        "strategies rely on lies.",
        OPEN_SESSION,
        Feed(Ticks.STOPPED, seconds=600.0),
        twists={MARKETDATA: Twist(claims_fresh=True)},
    ),
)
