"""Closures that were announced after this release, entered by a person."""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from mission_control.market_calendar.rules import (
    FIRST_COVERED,
    VALID_THROUGH,
    Hours,
    covers,
    is_weekend,
    rule_on,
)
from mission_control.model.session import Holiday


class ClosureKind(StrEnum):
    """What was announced: no session at all, or a shorter one."""

    CLOSED = "closed"
    EARLY_CLOSE = "early_close"


@dataclass(frozen=True, slots=True)
class Closure:
    """
    One published closure: its date, its kind, and who says so.

    `close` is New York's clock time of an early close and None on a closed day. `source` is where
    it was published, `announced` when, and `entered_by` the person who wrote it down here.
    """

    on: date
    kind: ClosureKind
    close: time | None
    source: str
    announced: date
    entered_by: str


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a closure cannot be applied; `part` is the field at fault (`on` or `close`)."""

    part: str
    problem: str


def objection_to(closure: Closure) -> Objection | None:
    """
    Say why a closure cannot be applied to the rules; None when it can.

    A closure can take trading time away and never add any. One that only repeats the rules is
    welcome: it was entered before the release that knows it.
    """
    if not covers(closure.on):
        return Objection("on", f"the calendar covers {FIRST_COVERED} to {VALID_THROUGH} only")
    if is_weekend(closure.on):
        return Objection("on", f"{closure.on:%A}s have no session to close")
    if closure.kind is ClosureKind.CLOSED:
        return None if closure.close is None else Objection("close", "a closed day has no close")
    return _objection_to_early_close(closure)


def _objection_to_early_close(closure: Closure) -> Objection | None:
    rule = rule_on(closure.on)
    if isinstance(rule, Holiday):
        return Objection("on", f"there is no session that day to shorten: {rule.name}")
    if closure.close is None:
        return Objection("close", "an early close needs its closing time")
    if not _shortens(closure.close, rule):
        session = f"{rule.opens:%H:%M} to {rule.closes:%H:%M} in New York"
        return Objection("close", f"{closure.close} is not within that day's session, {session}")
    return None


def _shortens(close: time, hours: Hours) -> bool:
    if close.tzinfo is not None:
        return False
    repeats = hours.early_close and close == hours.closes
    return repeats or hours.opens < close < hours.closes
