"""How services were over time, and what they attained, as JSON-ready documents."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from mission_control.documents.instants import new_york_text, rounded, utc_text
from mission_control.history.model import Attainment, Cell, Segment
from mission_control.model.session import TradingDay
from mission_control.schedule.present.sessions import TradingDayDocument, trading_day_documents

GAP = "UNKNOWN"


class SegmentDocument(TypedDict):
    """A stretch of time; `watched` is false where nobody watched, and then `state` is UNKNOWN."""

    begin: str
    end: str
    seconds: float
    state: str
    expected: bool
    reason_code: str
    watched: bool


class CellDocument(TypedDict):
    """A step of time: the worst that was seen in it; `watched_share` is from 0 to 1."""

    begin: str
    end: str
    state: str
    expected: bool
    reason_code: str
    watched: bool
    watched_share: float


class LineDocument(TypedDict):
    """One service over time; `cells` are the worst of each step, where a step was asked for."""

    agent_name: str
    segments: list[SegmentDocument]
    cells: NotRequired[list[CellDocument]]


class TimelineDocument(TypedDict):
    """Services over time, with the sessions in it."""

    ts: str
    since: str
    since_et: str
    until: str
    until_et: str
    agents: list[LineDocument]
    sessions: list[TradingDayDocument]
    label: NotRequired[str]


class AttainmentDocument(TypedDict):
    """
    What one service attained; times are seconds of its window's time, shares percentages.

    `dependency_seconds` were lost to marketdata, and count neither for nor against it.
    """

    agent_name: str
    window: str
    target: float | None
    attained: float | None
    met: bool | None
    total_seconds: float
    good_seconds: float
    bad_seconds: float
    unobserved_seconds: float
    dependency_seconds: float
    budget_seconds: float | None
    budget_left_seconds: float | None
    asked: int
    obtained: int


class SloDocument(TypedDict):
    """What every service attained between two instants."""

    ts: str
    since: str
    since_et: str
    until: str
    until_et: str
    services: list[AttainmentDocument]
    label: NotRequired[str]


def timeline_document(
    since: datetime,
    until: datetime,
    lines: Iterable[tuple[str, Sequence[Segment], Sequence[Cell] | None]],
    sessions: Sequence[TradingDay],
    now: datetime,
) -> TimelineDocument:
    """Give services over time: name, segments and, where asked for, cells."""
    return {
        "ts": utc_text(now),
        "since": utc_text(since),
        "since_et": new_york_text(since),
        "until": utc_text(until),
        "until_et": new_york_text(until),
        "agents": [_line(*line) for line in lines],
        "sessions": trading_day_documents(sessions),
    }


def slo_document(
    since: datetime, until: datetime, attained: Iterable[Attainment], now: datetime
) -> SloDocument:
    """Give what every service attained."""
    return {
        "ts": utc_text(now),
        "since": utc_text(since),
        "since_et": new_york_text(since),
        "until": utc_text(until),
        "until_et": new_york_text(until),
        "services": [_attainment(each) for each in attained],
    }


def _line(
    agent_name: str, segments: Sequence[Segment], cells: Sequence[Cell] | None
) -> LineDocument:
    line: LineDocument = {"agent_name": agent_name, "segments": [_segment(s) for s in segments]}
    if cells is not None:
        line["cells"] = [_cell(c) for c in cells]
    return line


def _segment(segment: Segment) -> SegmentDocument:
    return {
        "begin": utc_text(segment.begin),
        "end": utc_text(segment.end),
        "seconds": round(segment.seconds, 3),
        "state": segment.state.value if segment.state else GAP,
        "expected": segment.expected,
        "reason_code": segment.reason_code,
        "watched": segment.state is not None,
    }


def _cell(cell: Cell) -> CellDocument:
    return {
        "begin": utc_text(cell.begin),
        "end": utc_text(cell.end),
        "state": cell.state.value if cell.state else GAP,
        "expected": cell.expected,
        "reason_code": cell.reason_code,
        "watched": cell.state is not None,
        "watched_share": round(cell.share, 4),
    }


def _attainment(each: Attainment) -> AttainmentDocument:
    attained = each.attained
    met = None if attained is None or each.target is None else attained >= each.target
    return {
        "agent_name": each.agent_name,
        "window": each.window.value,
        "target": each.target,
        "attained": None if attained is None else round(attained, 4),
        "met": met,
        "total_seconds": round(each.total_seconds, 3),
        "good_seconds": round(each.good_seconds, 3),
        "bad_seconds": round(each.bad_seconds, 3),
        "unobserved_seconds": round(each.unobserved_seconds, 3),
        "dependency_seconds": round(each.dependency_seconds, 3),
        "budget_seconds": rounded(each.budget_seconds),
        "budget_left_seconds": rounded(each.budget_left_seconds),
        "asked": each.asked,
        "obtained": each.obtained,
    }
