"""Market calendar: one date in New York, and the phases that it runs through."""

from dataclasses import dataclass
from datetime import date, datetime, time

from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.market_calendar.new_york import MIDNIGHT, instant_of
from mission_control.market_calendar.rules import Hours, is_weekend, rule_on
from mission_control.model.session import Holiday, Phase, TradingDay


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
    """Say what a covered date is, once a published closure has had its say."""
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
