"""When the market quotes, and the last tick that the marketdata service has had."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mission_control.model.session import MarketSession, Phase
from mission_control.simulation.scenarios.scenario import Feed, Ticks

SessionAt = Callable[[datetime], MarketSession]
"""The real calendar, which the market keeps and the services do not know."""

EXTENDED_HOURS = timedelta(hours=5, minutes=30)
"""Quotes begin this long before the open (04:00 on a day that opens at 09:30)."""

QUOTE_AGE = timedelta(seconds=1)
LONGEST_CLOSURE_DAYS = 10


def last_quote(session_at: SessionAt, now: datetime) -> datetime | None:
    """
    Say when the market last quoted.

    Quotes run from 04:00 in New York to the session's end, early closes and holidays included,
    because the market keeps the real calendar however naively the fleet reckons. None when no
    session is found in the ten days before. A calendar that cannot tell stops no quotes.
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
    Say which tick the marketdata service had last, as the scenario's feed delivers it.

    Ticks that stopped did so before the scenario was staged, so they grow older as time goes by;
    should the clock be set back, they are still as old as the scenario wants them.
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
