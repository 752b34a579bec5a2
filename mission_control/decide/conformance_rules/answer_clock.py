"""Decide: whether an answer's own clock can be believed."""

from collections.abc import Iterator

from mission_control.decide.conformance_rules.look import Look
from mission_control.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    FROZEN_AFTER_SECONDS,
    seconds_between,
)
from mission_control.model.conformance import Deviation
from mission_control.model.status_contract.rich import RichStatus


def explain_clock(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a `last_updated_utc` that is not the time of the answer."""
    age = seconds_between(look.status.status.last_updated_utc, look.at)
    field, rule = "status.last_updated_utc", "status contract a.1"
    if age > FROZEN_AFTER_SECONDS:
        yield look.advice(
            field,
            rule,
            f"the answer was made {age:.0f} s ago: Mission Control calls it STATUS_FROZEN",
            "Build the answer when it is asked for; do not cache it.",
        )
    if age < -AHEAD_TOLERANCE_SECONDS:
        yield look.advice(
            field,
            rule,
            f"the answer is {-age:.0f} s ahead of our clock: Mission Control calls it CLOCK_SKEW",
            "Synchronise the clocks of the service's host and of this one.",
        )
