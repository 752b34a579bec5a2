"""Decide: when each service is asked next."""

from collections.abc import Sequence

from mission_control.model.fleet import Agent

GRID_SECONDS = 0.25
"""Services are asked together in steps of this length, well below what anybody notices."""


def spread(agents: Sequence[Agent]) -> Sequence[tuple[Agent, float]]:
    """
    Give each agent its phase offset in seconds, spread evenly over its interval.

    Fixed by position, never random: the same fleet is asked in the same rhythm. Offsets lie on
    a grid, so that a large fleet is asked a handful at a time: waking for each alone would cost
    more than asking it.
    """
    count = max(1, len(agents))
    return [
        (a, a.interval_seconds * i / count // GRID_SECONDS * GRID_SECONDS)
        for i, a in enumerate(agents)
    ]


ASK_AGAIN_SECONDS = 1.0
"""The first silence of a service is asked about again after so long (semantics, section 2)."""
ASKED_AGAIN_AT_ONCE = 50
"""So many services are asked again beside their cadence at one time; others wait their turn."""

HURRY_RESTS_SECONDS = 600.0
"""A service that closes idle connections and is well all the same is not hurried to for so long."""


HURRY_APART_SECONDS = 5.0
"""A service that keeps closing connections and keeps changing is hurried to no more often."""


def interval_of(agent: Agent, *, gates: bool) -> float:
    """Give how often (seconds) an agent is asked, while the session gates or does not."""
    brisk = agent.gating_interval_seconds
    return brisk if gates and brisk is not None else agent.interval_seconds


def next_due(due: float, now: float, interval: float) -> float:
    """Give the next start on the agent's own grid; starts that were missed are left out."""
    following = due + interval
    if following >= now:
        return following
    return following + interval * ((now - following) // interval + 1)
