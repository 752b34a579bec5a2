"""Decide: whether our own clock can be trusted, by the clocks of those who answered."""

from collections.abc import Iterable, Iterator, Mapping
from statistics import median

from mission_control.decide.evidence import AHEAD_TOLERANCE_SECONDS, Statement
from mission_control.model.codes import OWN_CLOCK_SUSPECT
from mission_control.model.reading import EndpointReading

SUBJECT = "own-clock"


def state_own_clock(services: Iterable[Mapping[str, EndpointReading]]) -> Iterator[Statement]:
    """
    Give what the services' `Date` headers state about our clock.

    The median skew above 5 s accuses, below it acquits; without any witness nobody states
    anything (semantics, section 2). One witness per service, so that none counts twice.
    """
    skews = list[float]()
    for readings in services:
        own = [r.exchange.date_skew for r in readings.values() if r.exchange.date_skew is not None]
        if own:
            skews.append(median(own))
    if not skews:
        return
    middle = median(skews)
    detail = f"the services' clocks differ from ours by {middle:+.1f} s (median of {len(skews)})"
    suspect = abs(middle) > AHEAD_TOLERANCE_SECONDS
    yield Statement(OWN_CLOCK_SUSPECT, SUBJECT, SUBJECT, "date", suspect, detail)
