"""How services were over time, and what they attained, as JSON-ready documents."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, rounded, utc_text
from mission_control.history.model import AttainedDay, Attainment, Cell, Segment, WholeWindow
from mission_control.model.event import FloorEvent
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
    was watched, and then `state` is UNKNOWN. `watched_share` is from 0 to 1. `floor` is the floor
    itself: the `state` of its segments is the verdict.
    """

    agents: list[dict[str, Any]]
    floor: list[dict[str, Any]]
    sessions: Sequence[Any]


class SloDocument(PeriodDocument):
    """
    What every service attained; times are seconds of its window's time, shares percentages.

    `dependency_seconds` were lost to marketdata, and count neither for nor against it. `verdict` is
    `met`, `missed`, `not_yet` or `none`; `verdict_text` says it for people. `days` are the days of
    its window, oldest first.
    """

    services: list[dict[str, Any]]


class PostureChangesDocument(TypedDict):
    """
    The changes of the posture next to an instant; null where there is none.

    Their `at` is exact to the microsecond: `?at=` with it gives the floor as it was from then on.
    """

    ts: str
    at: str
    at_et: str
    previous: dict[str, Any] | None
    next: dict[str, Any] | None
    label: NotRequired[str]


def posture_changes_document(
    at: datetime, beside: tuple[FloorEvent | None, FloorEvent | None], now: datetime
) -> PostureChangesDocument:
    """Return the changes of the posture before and after an instant."""
    previous, following = (None if e is None else _posture_change(e) for e in beside)
    return {
        "ts": utc_text(now),
        "at": utc_text(at),
        "at_et": new_york_text(at),
        "previous": previous,
        "next": following,
    }


def _posture_change(event: FloorEvent) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "at_et": new_york_text(event.at),
        "before": event.data.get("before", ""),
        "after": event.data.get("after", ""),
        "severity": event.severity.value,
        "message": event.message,
    }


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
    floor: Sequence[Segment] = (),
) -> TimelineDocument:
    """Return services over time: name, segments and, where asked for, cells; and the floor."""
    return {
        **_period(since, until, now),
        "agents": [_line(*line) for line in lines],
        "floor": _segments(floor),
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
    line: dict[str, Any] = {"agent_name": agent_name, "segments": _segments(segments)}
    if cells is not None:
        line["cells"] = [_watched(c) | {"watched_share": round(c.share, 4)} for c in cells]
    return line


def _segments(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    return [_watched(s) | {"seconds": rounded(s.seconds)} for s in segments]


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
        "window_budget_seconds": rounded(each.window_budget_seconds),
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
    whole = each.whole
    if verdict != "not_yet" or whole is None:
        return verdict
    if whole.watched < whole.sessions:
        return f"not yet: {whole.watched} of {whole.sessions} sessions watched"
    return f"not yet: the record began after {_share_before(each, whole)} of the window"


def _share_before(each: Attainment, whole: WholeWindow) -> str:
    """Return how much of a window lies before the record began; never nothing."""
    return f"{max(1, round(100 - 100 * each.total_seconds / whole.seconds))} %"
