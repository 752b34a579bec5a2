"""The page of the schedule: the day as a picture, its runs, and the weeks to come as a calendar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from litestar import MediaType, Response, get
from litestar.datastructures import State

from ops_ui.answers import Opening, Schedule
from ops_ui.formats import NEW_YORK, instant_of
from ops_ui.mission_control_client import Missed
from ops_ui.pictures import see_picture
from ops_ui.rendering import pages_of
from ops_ui.schedule import SessionRow, see_day

_MOST_WEEKS = 9


@get("/schedule", media_type=MediaType.HTML)
async def schedule(state: State) -> Response[str]:
    """Show today's plan with the outcome of each run, and the next 30 sessions."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/schedule", Schedule)
    day = see_day(found)
    if isinstance(found, Missed):
        heading = "The schedule could not be read"
        return await pages.render("message.html", 502, heading=heading, text=day.trouble)
    return await pages.render(
        "schedule.html",
        day=day,
        picture=see_picture(day.on, day.at, session_of(found), day.rows, day.samples),
        weeks=see_weeks(day.on, day.sessions),
    )


def session_of(schedule: Schedule) -> Opening | None:
    """Return the session of the planned day, which may be over; None where there is none."""
    known = [*schedule.sessions, *([schedule.last_session] if schedule.last_session else [])]
    return next((s for s in known if _day_of(s.open) == schedule.on), None)


def _day_of(text: str) -> str:
    at = instant_of(text)
    return "" if at is None else at.astimezone(NEW_YORK).date().isoformat()


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of the calendar; `look` is a CSS class, `marks` is what is odd about it."""

    title: str
    shown: str
    look: str
    today: bool
    hours: str
    marks: tuple[str, ...]


def see_weeks(on: str, rows: Sequence[SessionRow]) -> Sequence[Sequence[CalendarDay]]:
    """Return weeks from Monday to Sunday, from the week of `on` to that of the last row."""
    known = {row.date: row for row in rows}
    try:
        today, last = date.fromisoformat(on), date.fromisoformat(max(known, default=on))
    except ValueError:
        return ()
    monday = today - timedelta(days=today.weekday())
    weeks = min(_MOST_WEEKS, (last - monday).days // 7 + 1)
    return [
        [_day(monday + timedelta(days=7 * week + n), today, last, known) for n in range(7)]
        for week in range(weeks)
    ]


def _day(on: date, today: date, last: date, known: dict[str, SessionRow]) -> CalendarDay:
    row = known.get(on.isoformat())
    shown = f"{on.day} {on:%b}" if on.day == 1 or on == today else f"{on.day}"
    title = f"{on:%A} {on.day} {on:%B %Y}"
    if row is None:
        look, hours = ("closed-day", "closed") if today <= on <= last else ("away", "")
        return CalendarDay(title, shown, look, on == today, hours, ())
    hours = "no session" if row.holiday else f"{_clock(row.opens)} to {_clock(row.closes)}"
    look = "odd-day" if row.marks else ""
    return CalendarDay(title, shown, look, on == today, hours, tuple(_marks(row)))


def _marks(row: SessionRow) -> Iterator[str]:
    for mark in row.marks:
        yield mark.removeprefix("no session: ") if row.holiday else mark


def _clock(text: str) -> str:
    at = instant_of(text)
    return "?" if at is None else f"{at.astimezone(NEW_YORK):%H:%M}"
