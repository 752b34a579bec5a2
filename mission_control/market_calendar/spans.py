"""Market calendar: the stretches of time during which nothing about the session changes."""

from dataclasses import dataclass
from datetime import datetime

from mission_control.market_calendar.days import CalendarDay
from mission_control.model.session import MarketSession, Phase


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
        """Give the session as it stands at an instant (UTC) within this span."""
        trading = self.day.trading_day
        if trading is None:
            return MarketSession(
                at=instant,
                phase=self.phase,
                phase_began=self.began,
                next_boundary=self.ends,
                next_phase=self.next_phase,
                next_open=self.next_open,
                horizon_days=self.horizon_days,
                note=self.day.note,
            )
        return MarketSession(
            at=instant,
            phase=self.phase,
            session_date=trading.session_date,
            open=trading.open,
            close=trading.close,
            early_close=trading.early_close,
            phase_began=self.began,
            next_boundary=self.ends,
            next_phase=self.next_phase,
            next_open=self.next_open,
            horizon_days=self.horizon_days,
            note=self.day.note,
        )
