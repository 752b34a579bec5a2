"""Configuration: how often and how long a service may be asked."""

DEFAULT_INTERVAL_SECONDS = 10.0
DEFAULT_DEADLINE_SECONDS = 3.0

SHORTEST_SECONDS = 0.1
LONGEST_CYCLE_SECONDS = 40.0
"""Evidence older than 45 s counts as unseen, so a whole cycle must fit well inside it."""

SLOWEST_ANSWER_SECONDS = 2.06
"""A strategy answers this late when the marketdata it asks hangs, and says HALTED then."""


def cadence_problem(interval_seconds: float, deadline_seconds: float) -> str:
    """Say why an interval and a deadline cannot stand together; empty when they can."""
    if min(interval_seconds, deadline_seconds) < SHORTEST_SECONDS:
        return f"an interval and a deadline are at least {SHORTEST_SECONDS:g} seconds"
    if interval_seconds + deadline_seconds > LONGEST_CYCLE_SECONDS:
        return (
            f"interval {interval_seconds:g} s and deadline {deadline_seconds:g} s "
            f"are together more than {LONGEST_CYCLE_SECONDS:g} s"
        )
    return ""


CADENCE_REMEDY = "evidence expires after 45 s: ask more often, or give up sooner"
