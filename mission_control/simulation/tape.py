"""When the market quotes, and the last tick that the marketdata service got."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mission_control.model.session import MarketSession, Phase
from mission_control.simulation.scenarios.scenario import Feed, Ticks

SessionAt = Callable[[datetime], MarketSession]
"""The real calendar, which the market follows and the services do not know."""

EXTENDED_HOURS = timedelta(hours=5, minutes=30)
"""Quotes begin this long before the open (04:00 on a day that opens at 09:30)."""

QUOTE_AGE = timedelta(seconds=1)
LONGEST_CLOSURE_DAYS = 10


def last_quote(session_at: SessionAt, now: datetime) -> datetime | None:
    """
    Return when the market last quoted.

    Quotes run from 04:00 in New York to the session's end, early closes and holidays included,
    because the market follows the real calendar, unlike the fleet. None where no session is found
    in the ten days before. An unknown phase stops no quotes.
    """
    session = session_at(now)
    if session.phase is Phase.UNKNOWN:
        return now - QUOTE_AGE
    if session.open and session.close:
        if now >= session.close:
            return session.close
        if now >= session.open - EXTENDED_HOURS:
            return now - QUOTE_AGE
    return _previous_close(session_at, now)


def _previous_close(session_at: SessionAt, now: datetime) -> datetime | None:
    for days in range(1, LONGEST_CLOSURE_DAYS + 1):
        earlier = session_at(now - timedelta(days=days))
        if earlier.close and earlier.close <= now:
            return earlier.close
    return None


def last_tick(
    feed: Feed, quote: datetime | None, now: datetime, staged_at: datetime
) -> datetime | None:
    """
    Return the last tick of the marketdata service, as the scenario's feed delivers it.

    Ticks that stopped did so before the scenario began, so they grow older with time; after the
    clock is set back they are still as old as the scenario says.
    """
    ahead = timedelta(seconds=feed.seconds)
    match feed.ticks:
        case Ticks.FLOWING:
            return quote
        case Ticks.STOPPED:
            stopped = min(staged_at, now) - ahead
            return stopped if quote is None else min(quote, stopped)
        case Ticks.AHEAD:
            return now + ahead
        case Ticks.NEVER:
            return None
