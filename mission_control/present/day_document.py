"""Present: the scheduled day as a JSON-ready document: what ran, what runs, what comes next."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from mission_control.model.schedule import DayView, RunStage, RunState
from mission_control.model.session import Holiday, TradingDay
from mission_control.present.instants import new_york_text, utc_text
from mission_control.present.plan_document import RunStateDocument, run_state_document
from mission_control.present.schedule import schedule_as_dict


class SchedulerDocument(TypedDict):
    """Whether this process begins runs by itself, and whether it still does."""

    runs_here: bool
    stalled: bool
    detail: str


class ScheduleDocument(TypedDict):
    """
    Today's plan with what became of each run, and the sessions to come.

    `carried` are runs of earlier days that have not ended yet, `last` the run that ended last and
    `next` the one that begins next; null where there is none today. `upcoming` has the sessions
    and holidays to come, with early closes and changes of the clocks.
    """

    ts: str
    at_et: str
    on: str
    note: str
    early_close: bool
    scheduler: SchedulerDocument
    runs: list[RunStateDocument]
    carried: list[RunStateDocument]
    last: RunStateDocument | None
    next: RunStateDocument | None
    upcoming: Mapping[str, object]
    label: NotRequired[str]


def schedule_document(
    view: DayView, sessions: Sequence[TradingDay], holidays: Sequence[Holiday], label: str = ""
) -> ScheduleDocument:
    """Give the scheduled day, its runs in the order of time."""
    states = sorted(view.states, key=lambda s: s.run)
    carried = sorted(view.carried, key=lambda s: s.run)
    document: ScheduleDocument = {
        "ts": utc_text(view.at),
        "at_et": new_york_text(view.at),
        "on": view.plan.on.isoformat(),
        "note": view.plan.note,
        "early_close": view.plan.early_close,
        "scheduler": {
            "runs_here": view.runs_here,
            "stalled": bool(view.stalled),
            "detail": view.stalled,
        },
        "runs": [run_state_document(s) for s in states],
        "carried": [run_state_document(s) for s in carried],
        "last": _last(states),
        "next": _next([*carried, *states]),
        "upcoming": schedule_as_dict(sessions, holidays, view.at),
    }
    if label:
        document["label"] = label
    return document


def _last(states: Sequence[RunState]) -> RunStateDocument | None:
    """Give the run that ended last; one that never ran ended at its deadline."""
    ended = [s for s in states if s.outcome is not None and not s.run.skipped]
    newest = max(ended, key=lambda s: s.finished or s.run.deadline, default=None)
    return run_state_document(newest) if newest else None


def _next(states: Sequence[RunState]) -> RunStateDocument | None:
    open_ = [s for s in states if s.stage in {RunStage.PLANNED, RunStage.DUE}]
    first = min(open_, key=lambda s: s.run, default=None)
    return run_state_document(first) if first else None
