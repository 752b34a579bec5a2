"""The sessions to come and the holidays between, for programs and for people."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TypedDict

from mission_control.documents.instants import (
    new_york_text,
    new_york_text_or_none,
    utc_text,
    utc_text_or_none,
)
from mission_control.market_calendar.days import MIDNIGHT, in_new_york, instant_of
from mission_control.model.session import Holiday, MarketSession, TradingDay

DAY = timedelta(days=1)
FRIDAY = 4
HEADINGS = ("pre-market", "open", "close", "post-market ends")
LEGEND = "New York's time, with UTC (Z) beside it; Z+1 is the next day in UTC."
DATE_WIDTH, ZONE_WIDTH, MOMENT_WIDTH = 16, 5, 14
"""Together with the last moment less than 80 columns."""


def schedule_as_dict(
    sessions: Sequence[TradingDay], holidays: Sequence[Holiday], now: datetime
) -> dict[str, object]:
    """
    Return the sessions to come and the holidays between as values that JSON can hold.

    Every phase boundary is given in New York's time, with its zone's name, and in UTC.
    """
    changes = _clock_changes(sessions)
    return {
        "at": _moment(now),
        "sessions": [
            {
                "session_date": session.session_date.isoformat(),
                "weekday": f"{session.session_date:%A}",
                "open": _utc(session.open),
                "close": _utc(session.close),
                "early_close": session.early_close,
                "source": session.source,
                "clock_change": {"from": change[0], "to": change[1]} if change else None,
                "phase_boundaries": {
                    name: _moment(instant) for name, instant in _boundaries(session)
                },
            }
            for session, change in zip(sessions, changes, strict=True)
        ],
        "holidays": [
            {
                "date": holiday.on.isoformat(),
                "weekday": f"{holiday.on:%A}",
                "name": holiday.name,
                "source": holiday.source,
            }
            for holiday in holidays
        ],
    }


def schedule_lines(
    sessions: Sequence[TradingDay], holidays: Sequence[Holiday], now: datetime
) -> tuple[str, ...]:
    """
    Return the same as lines for people: a table in the order of dates.

    Early closes and changes of the clocks are marked below their session, and a holiday is where
    its session would have been.
    """
    days = [(holiday.on, [_row(holiday.on, _no_session(holiday))]) for holiday in holidays]
    for session, change in zip(sessions, _clock_changes(sessions), strict=True):
        days.append((session.session_date, [_session_row(session), *_marks(session, change)]))
    headings = "".join(heading.ljust(MOMENT_WIDTH) for heading in HEADINGS)
    zone = "zone".ljust(ZONE_WIDTH)
    clocks = in_new_york(now)
    return (
        f"Now {clocks:%a %Y-%m-%d %H:%M:%S %Z} ({now.astimezone(UTC):%H:%M:%S}Z).",
        LEGEND,
        "",
        ("date".ljust(DATE_WIDTH) + zone + headings).rstrip(),
        *(line for _, lines in sorted(days) for line in lines),
    )


def _boundaries(session: TradingDay) -> tuple[tuple[str, datetime], ...]:
    on = session.session_date
    return (
        ("pre_market_start", instant_of(on, MIDNIGHT)),
        ("open", session.open),
        ("close", session.close),
        ("post_market_end", instant_of(on + DAY, MIDNIGHT)),
    )


def _clock_changes(sessions: Sequence[TradingDay]) -> list[tuple[str, str] | None]:
    """
    Name both zones for each session that is the first after the clocks were changed.

    The clocks change on Sundays. The first session listed is compared with the weekday before it,
    so that a Monday says it whether or not its Friday is listed.
    """
    zones = [_zone(session.open) for session in sessions]
    if not zones:
        return []
    before = _weekday_before(sessions[0].session_date)
    zones.insert(0, _zone(instant_of(before, MIDNIGHT)))
    return [(old, new) if old != new else None for old, new in pairwise(zones)]


def _weekday_before(on: date) -> date:
    on -= DAY
    return on - DAY * max(0, on.weekday() - FRIDAY)


def _zone(instant: datetime) -> str:
    return f"{in_new_york(instant):%Z}"


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(instant: datetime) -> dict[str, str]:
    clocks = in_new_york(instant)
    return {"et": clocks.isoformat(), "zone": f"{clocks:%Z}", "utc": _utc(instant)}


def _row(on: date, text: str) -> str:
    return f"{on:%a %Y-%m-%d}".ljust(DATE_WIDTH) + text


def _session_row(session: TradingDay) -> str:
    on = session.session_date
    moments = (_clock_text(instant, on) for _, instant in _boundaries(session))
    zone = _zone(session.open).ljust(ZONE_WIDTH)
    return _row(on, zone + "".join(moment.ljust(MOMENT_WIDTH) for moment in moments)).rstrip()


def _clock_text(instant: datetime, on: date) -> str:
    clocks, utc = in_new_york(instant), instant.astimezone(UTC)
    shown = f"{clocks:%H:%M}" if clocks.date() == on else "24:00"
    return f"{shown} {utc:%H:%M}Z" + ("+1" if utc.date() > on else "")


def _no_session(holiday: Holiday) -> str:
    return f"no session: {holiday.name} ({holiday.source})"


def _marks(session: TradingDay, change: tuple[str, str] | None) -> list[str]:
    indent = " " * DATE_WIDTH
    marks: list[str] = []
    if session.early_close:
        marks.append(f"{indent}^ early close ({session.source})")
    if change:
        marks.append(f"{indent}^ clocks changed from {change[0]} to {change[1]}")
    return marks


class SessionDocument(TypedDict):
    """The session now; `gates` says whether evidence is required in this phase."""

    phase: str
    gates: bool
    session_date: str | None
    open: str | None
    open_et: str | None
    close: str | None
    close_et: str | None
    early_close: bool
    phase_began: str | None
    phase_began_et: str | None
    next_boundary: str | None
    next_boundary_et: str | None
    next_phase: str | None
    next_open: str | None
    next_open_et: str | None
    horizon_days: int
    note: str


class TradingDayDocument(TypedDict):
    """One session to come."""

    session_date: str
    open: str
    open_et: str
    close: str
    close_et: str
    early_close: bool


def session_document(session: MarketSession) -> SessionDocument:
    """Return the session with every instant in UTC and in New York's time."""
    return {
        "phase": session.phase.value,
        "gates": session.phase.gates,
        "session_date": session.session_date.isoformat() if session.session_date else None,
        "open": utc_text_or_none(session.open),
        "open_et": new_york_text_or_none(session.open),
        "close": utc_text_or_none(session.close),
        "close_et": new_york_text_or_none(session.close),
        "early_close": session.early_close,
        "phase_began": utc_text_or_none(session.phase_began),
        "phase_began_et": new_york_text_or_none(session.phase_began),
        "next_boundary": utc_text_or_none(session.next_boundary),
        "next_boundary_et": new_york_text_or_none(session.next_boundary),
        "next_phase": session.next_phase.value if session.next_phase else None,
        "next_open": utc_text_or_none(session.next_open),
        "next_open_et": new_york_text_or_none(session.next_open),
        "horizon_days": session.horizon_days,
        "note": session.note,
    }


def trading_day_documents(days: Sequence[TradingDay]) -> list[TradingDayDocument]:
    """Return sessions to come, in their order."""
    return [
        {
            "session_date": day.session_date.isoformat(),
            "open": utc_text(day.open),
            "open_et": new_york_text(day.open),
            "close": utc_text(day.close),
            "close_et": new_york_text(day.close),
            "early_close": day.early_close,
        }
        for day in days
    ]
