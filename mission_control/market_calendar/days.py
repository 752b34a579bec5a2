"""One date in New York, and the phases that it runs through."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.market_calendar.rules import Hours, is_weekend, rule_on
from mission_control.model.session import Holiday, Phase, TradingDay

MIDNIGHT = time(0)
KNOWN_YEARS = range(1970, 3000)
"""Beyond these no question has an answer, and reckoning would leave what a datetime can hold."""
LONGEST_INSTANT = 64
"""Characters."""


def new_york() -> ZoneInfo:
    """
    Return New York's time zone.

    Looked up when asked for, never at import: without time-zone data the calendar must still
    load, to say that it knows nothing. `ZoneInfo` keeps what it has found.
    """
    return ZoneInfo("America/New_York")


def in_new_york(instant: datetime) -> datetime:
    """Show an instant as New York's clocks do; a naive datetime is no instant (ValueError)."""
    if instant.utcoffset() is None:
        raise ValueError("a time without its zone is no instant")
    return instant.astimezone(new_york())


def instant_of(on: date, wall_time: time) -> datetime:
    """Return the instant, in UTC, at which New York's clocks show this date and time."""
    return datetime.combine(on, wall_time, tzinfo=new_york()).astimezone(UTC)


def read_instant(text: str) -> datetime:
    """
    Read an ISO 8601 time and give it in UTC; one that names no zone is New York's.

    Where New York's clocks show an hour twice, or skip one, the offset from before the change
    holds: 01:30 is then the first of the two (daylight time), and 02:30 in spring is 03:30.
    Raises ValueError for anything else, and for years that are not 1970 to 2999.
    """
    if not (text.isascii() and text.isprintable()) or len(text) > LONGEST_INSTANT:
        raise ValueError("this is no ISO 8601 time")
    told = datetime.fromisoformat(text)
    try:
        zoned = told if told.utcoffset() is not None else told.replace(tzinfo=new_york())
        instant = zoned.astimezone(UTC)
    except (OverflowError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"this time cannot be placed: {type(error).__name__}") from error
    if instant.year not in KNOWN_YEARS:
        raise ValueError("its year is not 1970 to 2999")
    return instant


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """
    One date of the calendar: a session, a holiday, or neither on a weekend.

    `phases` are in order, each with the instant (UTC) at which it begins; the first begins at
    midnight and the last runs to the next midnight.
    """

    phases: tuple[tuple[Phase, datetime], ...]
    trading_day: TradingDay | None = None
    holiday: Holiday | None = None
    note: str = ""


def day_on(on: date, closure: Closure | None) -> CalendarDay:
    """Return what a covered date is, with its published closure."""
    if is_weekend(on):
        return CalendarDay(((Phase.CLOSED_WEEKEND, instant_of(on, MIDNIGHT)),))
    settled = _settle(rule_on(on), closure)
    return _shut(settled) if isinstance(settled, Holiday) else _trading(on, settled)


def _settle(rule: Hours | Holiday, closure: Closure | None) -> Hours | Holiday:
    match rule, closure:
        case Hours(), Closure(kind=ClosureKind.CLOSED):
            return Holiday(closure.on, "Unscheduled closing", closure.source)
        case Hours(), Closure(close=time() as close):
            return Hours(rule.opens, close, early_close=True, source=closure.source)
        case _:
            return rule


def _shut(holiday: Holiday) -> CalendarDay:
    return CalendarDay(
        ((Phase.CLOSED_HOLIDAY, instant_of(holiday.on, MIDNIGHT)),),
        holiday=holiday,
        note=f"{holiday.name} ({holiday.source})",
    )


def _trading(on: date, hours: Hours) -> CalendarDay:
    opens, closes = instant_of(on, hours.opens), instant_of(on, hours.closes)
    return CalendarDay(
        (
            (Phase.PRE_MARKET, instant_of(on, MIDNIGHT)),
            (Phase.OPEN, opens),
            (Phase.POST_MARKET, closes),
        ),
        trading_day=TradingDay(
            on, opens, closes, early_close=hours.early_close, source=hours.source
        ),
        note=hours.source if hours.early_close else "",
    )
