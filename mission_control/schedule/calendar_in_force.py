"""The market calendar with the closures that are in force, also where they change."""

from collections.abc import Sequence
from datetime import datetime

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.reload import Reload
from mission_control.model.session import CalendarDoubt, Holiday, MarketSession, TradingDay
from mission_control.processes.followed_file import FollowedFile


class CalendarInForce:
    """
    Answers as the newest calendar that could be made does; satisfies `CalendarReader`.

    `doubt` says since when a changed closures file cannot be used: the phase of the floor is
    UNKNOWN then. What is planned and what is past stays with the calendar from before.
    """

    def __init__(
        self, calendar: MarketCalendar, file: FollowedFile[MarketCalendar] | None = None
    ) -> None:
        """Begin with a calendar; it stays where no file can change it."""
        self.calendar = calendar
        self.doubt: CalendarDoubt | None = None
        self._file = file

    async def look(self, now: datetime) -> Reload | None:
        """Take the closures again where they changed, or begin to doubt; None for no news."""
        taken = await self._file.look() if self._file else None
        if self._file is None or taken is None:
            return None
        if taken.value is None:
            since = self.doubt.since if self.doubt else now
            self.doubt = CalendarDoubt(since, f"the closures file changed: {taken.trouble}")
        else:
            self.calendar, self.doubt = taken.value, None
        return Reload("closures", self._file.name, taken.before, taken.after, taken.trouble)

    def session_at(self, now: datetime) -> MarketSession:
        """Say what session an instant lies in, by the newest calendar and without its doubt."""
        return self.calendar.session_at(now)

    def sessions_from(self, now: datetime, count: int) -> Sequence[TradingDay]:
        """List the next sessions that have not closed yet."""
        return self.calendar.sessions_from(now, count)

    def sessions_between(self, first: datetime, last: datetime) -> Sequence[TradingDay]:
        """List the sessions that are open at any time between two instants."""
        return self.calendar.sessions_between(first, last)

    def holidays_between(self, first: datetime, last: datetime) -> Sequence[Holiday]:
        """List weekdays without a session between two instants."""
        return self.calendar.holidays_between(first, last)
