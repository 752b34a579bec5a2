"""Decide: whether a service answers from an address that is news."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from mission_control.decide.evidence import answered
from mission_control.model.reading import Addresses, EndpointReading

TOLD_APART = timedelta(hours=1)
"""New addresses of one service are told no more often: behind a balancer they change for ever."""
MOST_KNOWN = 64


def note_addresses(
    before: Addresses, readings: Iterable[EndpointReading], now: datetime
) -> Addresses:
    """
    Give what is known after a round of the addresses that answer for a service.

    The first ones are no news. Others are told at once, or when an hour has passed since the
    last were told and they answer still.
    """
    known = before.known
    new = [r for r in readings if r.exchange.peer and r.exchange.peer not in known]
    added = tuple(sorted({r.exchange.peer for r in new if answered(r)})) if new else ()
    if not added:
        return before
    if not known:
        return Addresses(added)
    told_at = before.told_at
    if told_at is not None and timedelta() <= now - told_at < TOLD_APART:
        return before
    return Addresses((*known, *added)[-MOST_KNOWN:], added, now)
