"""Decide: when each service is asked next."""

from collections.abc import Sequence

from mission_control.model.fleet import Agent


def spread(agents: Sequence[Agent]) -> Sequence[tuple[Agent, float]]:
    """
    Give each agent its phase offset in seconds, spread evenly over its interval.

    Fixed by position, never random: the same fleet is asked in the same rhythm.
    """
    count = max(1, len(agents))
    return [(a, a.interval_seconds * i / count) for i, a in enumerate(agents)]


def next_due(due: float, now: float, interval: float) -> float:
    """Give the next start on the agent's own grid; starts that were missed are left out."""
    following = due + interval
    if following >= now:
        return following
    return following + interval * ((now - following) // interval + 1)
