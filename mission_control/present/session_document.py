"""Present: the market session as a JSON-ready document."""

from collections.abc import Sequence
from typing import TypedDict

from mission_control.model.session import MarketSession, TradingDay
from mission_control.present.instants import (
    new_york_text,
    new_york_text_or_none,
    utc_text,
    utc_text_or_none,
)


class SessionDocument(TypedDict):
    """The session as it stands; `gates` tells whether evidence is required in this phase."""

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
    """Give the session with every instant in UTC and in New York's time."""
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
    """Give sessions to come, in their order."""
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
