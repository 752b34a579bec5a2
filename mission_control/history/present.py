"""How services were over time, and what they attained, as JSON-ready documents."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, rounded, utc_text
from mission_control.history.model import AttainedDay, Attainment, Cell, Segment
from mission_control.model.session import TradingDay
from mission_control.schedule.present.sessions import trading_day_documents

GAP = "UNKNOWN"


class PeriodDocument(TypedDict):
    """A stretch of time that was asked for, and when that was answered."""

    ts: str
    since: str
    since_et: str
    until: str
    until_et: str
    label: NotRequired[str]


class TimelineDocument(PeriodDocument):
    """
    Services over time, with the sessions in it.

    `cells` are the worst of each step, where a step was asked for; `watched` is false where nothing
    was watched, and then `state` is UNKNOWN. `watched_share` is from 0 to 1.
    """

    agents: list[dict[str, Any]]
    sessions: Sequence[Any]


class SloDocument(PeriodDocument):
    """
    What every service attained; times are seconds of its window's time, shares percentages.

    `dependency_seconds` were lost to marketdata, and count neither for nor against it. `verdict` is
    `met`, `missed`, `not_yet` or `none`; `verdict_text` says it for people. `days` are the days of
    its window, oldest first.
    """

    services: list[dict[str, Any]]


def _period(since: datetime, until: datetime, now: datetime) -> PeriodDocument:
    return {
        "ts": utc_text(now),
        "since": utc_text(since),
        "since_et": new_york_text(since),
        "until": utc_text(until),
        "until_et": new_york_text(until),
    }


def timeline_document(
    since: datetime,
    until: datetime,
    lines: Iterable[tuple[str, Sequence[Segment], Sequence[Cell] | None]],
    sessions: Sequence[TradingDay],
    now: datetime,
) -> TimelineDocument:
    """Return services over time: name, segments and, where asked for, cells."""
    return {
        **_period(since, until, now),
        "agents": [_line(*line) for line in lines],
        "sessions": trading_day_documents(sessions),
    }


def slo_document(
    since: datetime, until: datetime, attained: Iterable[Attainment], now: datetime
) -> SloDocument:
    """Return what every service attained."""
    return {**_period(since, until, now), "services": [_attainment(each) for each in attained]}


def _line(
    agent_name: str, segments: Sequence[Segment], cells: Sequence[Cell] | None
) -> dict[str, Any]:
    line = {
        "agent_name": agent_name,
        "segments": [_watched(s) | {"seconds": rounded(s.seconds)} for s in segments],
    }
    if cells is not None:
        line["cells"] = [_watched(c) | {"watched_share": round(c.share, 4)} for c in cells]
    return line


def _watched(each: Segment | Cell) -> dict[str, Any]:
    watched = each.state is not None
    return document(each, "share") | {"state": each.state or GAP, "watched": watched}


def _attainment(each: Attainment) -> dict[str, Any]:
    attained, whole = each.attained, each.whole
    return document(each, "days", "whole") | {
        "attained": None if attained is None else round(attained, 4),
        "met": each.met,
        "verdict": _verdict(each),
        "verdict_text": _verdict_text(each),
        "sessions_watched": whole.watched if whole else None,
        "sessions_needed": whole.sessions if whole else None,
        "budget_seconds": rounded(each.budget_seconds),
        "budget_left_seconds": rounded(each.budget_left_seconds),
        "days": [_day(day) for day in each.days],
    }


def _day(day: AttainedDay) -> dict[str, Any]:
    attained = day.attained
    share = None if attained is None else round(attained, 4)
    return document(day) | {"attained": share}


def _verdict(each: Attainment) -> str:
    if each.target is None or each.attained is None:
        return "none"
    return {True: "met", False: "missed", None: "not_yet"}[each.met]


def _verdict_text(each: Attainment) -> str:
    verdict = _verdict(each)
    if verdict == "none":
        return "no target" if each.target is None else "nothing watched yet"
    if verdict == "not_yet" and each.whole is not None:
        return f"not yet: {each.whole.watched} of {each.whole.sessions} sessions watched"
    return verdict
