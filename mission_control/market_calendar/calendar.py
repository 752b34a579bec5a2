"""What session an instant lies in, and which sessions come next."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Protocol

from mission_control.market_calendar.closures import Closure, objection_to
from mission_control.market_calendar.days import (
    MIDNIGHT,
    CalendarDay,
    day_on,
    in_new_york,
    instant_of,
)
from mission_control.market_calendar.rules import FIRST_COVERED, VALID_THROUGH, covers
from mission_control.model.session import Holiday, MarketSession, Phase, TradingDay


@dataclass(frozen=True, slots=True)
class Span:
    """
    One phase as one date in New York sees it.

    A weekend's span begins on its Saturday and ends on Monday, whichever of its days asks.
    """

    day: CalendarDay
    phase: Phase
    began: datetime
    ends: datetime
    next_phase: Phase
    next_open: datetime | None
    horizon_days: int

    def seen_at(self, instant: datetime) -> MarketSession:
        """Return the session at an instant (UTC) within this span."""
        trading = self.day.trading_day
        return MarketSession(
            at=instant,
            phase=self.phase,
            session_date=trading.session_date if trading else None,
            open=trading.open if trading else None,
            close=trading.close if trading else None,
            early_close=trading is not None and trading.early_close,
            phase_began=self.began,
            next_boundary=self.ends,
            next_phase=self.next_phase,
            next_open=self.next_open,
            horizon_days=self.horizon_days,
            note=self.day.note,
        )


DAY = timedelta(days=1)
DATES_REMEMBERED = 1024


class CalendarReader(Protocol):
    """The market calendar as jobs and the API use it, fixed or with closures that may change."""

    def session_at(self, now: datetime) -> MarketSession:
        """Say what session an instant lies in; never raises, UNKNOWN is an answer."""
        ...

    def sessions_from(self, now: datetime, count: int) -> Sequence[TradingDay]:
        """List the next sessions that have not closed yet; fewer past the last covered day."""
        ...

    def sessions_between(self, first: datetime, last: datetime) -> Sequence[TradingDay]:
        """List the sessions that are open at any time between two instants."""
        ...

    def holidays_between(self, first: datetime, last: datetime) -> Sequence[Holiday]:
        """List weekdays without a session between two instants."""
        ...


class MarketCalendar:
    """
    The New York Stock Exchange's calendar, with the closures that people entered.

    It answers for the dates in New York from `covered_from` to `valid_through`. Beyond them, and
    whenever it cannot tell, the phase is UNKNOWN, which gates as OPEN: a calendar that guessed
    could take a silent trading floor for a holiday.

    Dates are worked out when they are asked for and then remembered, so that a session costs next
    to nothing however often one round asks for it.
    """

    covered_from: date = FIRST_COVERED
    valid_through: date = VALID_THROUGH

    def __init__(self, closures: Iterable[Closure] = ()) -> None:
        """Take the published closures; one that cannot be applied is a ValueError."""
        self.closures = tuple(sorted(closures, key=lambda closure: closure.on))
        self._closure_on = _by_date(self.closures)
        self._day = lru_cache(DATES_REMEMBERED)(self._work_out_day)
        self._spans = lru_cache(DATES_REMEMBERED)(self._work_out_spans)

    def session_at(self, now: datetime) -> MarketSession:
        """
        Say what session an instant lies in; never raises, UNKNOWN is an answer.

        The answer's instants are in UTC. A naive `now` cannot be placed, so it comes back as it is.
        """
        try:
            on = in_new_york(now).date()
            if not covers(on):
                span = f"{self.covered_from} to {self.valid_through}"
                return MarketSession(now, Phase.UNKNOWN, note=f"the calendar covers {span} only")
            instant = now.astimezone(UTC)
            return next(span for span in self._spans(on) if instant < span.ends).seen_at(instant)
        except Exception as error:  # noqa: BLE001  (whatever fails here, the phase is UNKNOWN)
            note = f"the calendar cannot tell: {type(error).__name__}: {error}"
            return MarketSession(now, Phase.UNKNOWN, note=note)

    def sessions_from(self, now: datetime, count: int) -> tuple[TradingDay, ...]:
        """
        List the next sessions that have not closed yet; fewer past the last covered day.

        None at all when the calendar cannot tell where `now` lies.
        """
        if self.session_at(now).phase is Phase.UNKNOWN:
            return ()
        sessions = self._sessions_since(in_new_york(now).date())
        return tuple(islice((session for session in sessions if now < session.close), count))

    def sessions_between(self, first: datetime, last: datetime) -> tuple[TradingDay, ...]:
        """List the sessions that are open at any time between two instants."""
        days = (
            self._day(on)
            for on in _covered_dates(in_new_york(first).date(), in_new_york(last).date())
        )
        sessions = (day.trading_day for day in days if day.trading_day is not None)
        return tuple(s for s in sessions if s.open < last and s.close > first)

    def holidays_between(self, first: datetime, last: datetime) -> tuple[Holiday, ...]:
        """
        List the weekdays without a session from one instant's date in New York to another's.

        None at all when the calendar cannot tell where `first` lies, and none past the last
        covered day.
        """
        if self.session_at(first).phase is Phase.UNKNOWN:
            return ()
        dates = _covered_dates(in_new_york(first).date(), in_new_york(last).date())
        days = (self._day(on) for on in dates)
        return tuple(day.holiday for day in days if day.holiday is not None)

    def trading_day(self, on: date) -> TradingDay | None:
        """Return the session of a date; None on a day without one, and beyond the covered days."""
        return self._day(on).trading_day if covers(on) else None

    def _work_out_day(self, on: date) -> CalendarDay:
        return day_on(on, self._closure_on.get(on))

    def _work_out_spans(self, on: date) -> tuple[Span, ...]:
        day = self._day(on)
        first, *later = day.phases
        changes = ((first[0], self._first_began(on)), *later, self._last_ends(on))
        return tuple(
            Span(
                day,
                phase,
                began,
                ends,
                next_phase,
                self._open_after(on, began),
                horizon_days=(VALID_THROUGH - on).days,
            )
            for (phase, began), (next_phase, ends) in pairwise(changes)
        )

    def _first_began(self, on: date) -> datetime:
        phase = self._phase_at_edge(on, 0)
        while self._phase_at_edge(on - DAY, -1) is phase:
            on -= DAY
        return instant_of(on, MIDNIGHT)

    def _last_ends(self, on: date) -> tuple[Phase, datetime]:
        phase = self._phase_at_edge(on, -1)
        on += DAY
        while self._phase_at_edge(on, 0) is phase:
            on += DAY
        return self._phase_at_edge(on, 0), instant_of(on, MIDNIGHT)

    def _phase_at_edge(self, on: date, index: int) -> Phase:
        return self._day(on).phases[index][0] if covers(on) else Phase.UNKNOWN

    def _open_after(self, on: date, instant: datetime) -> datetime | None:
        opens = (session.open for session in self._sessions_since(on))
        return next((open_ for open_ in opens if open_ > instant), None)

    def _sessions_since(self, on: date) -> Iterator[TradingDay]:
        days = (self._day(day) for day in _covered_dates(on, VALID_THROUGH))
        return (day.trading_day for day in days if day.trading_day is not None)


def _covered_dates(first: date, last: date) -> Iterator[date]:
    """Run through the covered dates from one to another, both included."""
    begin = max(first, FIRST_COVERED).toordinal()
    end = min(last, VALID_THROUGH).toordinal()
    return (date.fromordinal(ordinal) for ordinal in range(begin, end + 1))


def _by_date(closures: tuple[Closure, ...]) -> dict[date, Closure]:
    by_date: dict[date, Closure] = {}
    for closure in closures:
        objection = objection_to(closure)
        if objection is not None:
            raise ValueError(f"closure on {closure.on}: {objection.problem}")
        if closure.on in by_date:
            raise ValueError(f"closure on {closure.on}: entered twice")
        by_date[closure.on] = closure
    return by_date
