"""Decide: whether our own clock can be trusted, by the clocks of those who answered."""

from collections.abc import Iterator, Sequence
from statistics import median

from mission_control.decide.evidence import AHEAD_TOLERANCE_SECONDS, Statement
from mission_control.model.codes import OWN_CLOCK_SUSPECT

SUBJECT = "own-clock"


def state_own_clock(skews: Sequence[float]) -> Iterator[Statement]:
    """
    Give what the services' `Date` headers state about our clock.

    The median skew above 5 s accuses, below it acquits; without any witness nobody states
    anything (semantics, section 2). `skews` holds one witness per service, in seconds, so that
    none counts twice.
    """
    if not skews:
        return
    middle = median(skews)
    detail = f"the services' clocks differ from ours by {middle:+.1f} s (median of {len(skews)})"
    suspect = abs(middle) > AHEAD_TOLERANCE_SECONDS
    yield Statement(OWN_CLOCK_SUSPECT, SUBJECT, SUBJECT, "date", suspect, detail)
