"""A session plan, and what became of it, as JSON and as Markdown."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NotRequired, TypedDict

from mission_control.documents.document import document
from mission_control.documents.instants import (
    new_york_text,
    new_york_text_or_none,
    utc_text,
)
from mission_control.documents.markdown import render
from mission_control.market_calendar.days import in_new_york
from mission_control.model.session import Holiday, TradingDay
from mission_control.records.present import planned_document
from mission_control.schedule.model import DayView, Job, PlannedRun, RunStage, RunState, SessionPlan
from mission_control.schedule.present.sessions import schedule_as_dict

Document = dict[str, Any]


def plan_document(plan: SessionPlan) -> Document:
    """Return everything planned for one date in New York; equal plans make equal documents."""
    runs = [{**planned_document(r), "skipped": r.skipped} for r in plan.runs]
    return document(plan, "runs") | {"runs": runs}


def run_state_document(state: RunState) -> Document:
    """
    Return the state of a planned run: `outcome` is null until it has ended.

    `path` is the folder of its evidence below the root, null where there is none; `skipped` says
    why it will not run, empty for one that will.
    """
    return {
        **planned_document(state.run),
        **document(state, "run"),
        "skipped": state.run.skipped,
        "path": state.path or None,
        "finished_et": new_york_text_or_none(state.finished),
    }


def reconciliation_document(
    on: date, plan_path: str, states: Sequence[RunState], now: datetime
) -> Document:
    """Return how every run of a plan ended; `plan_path` is where the plan is recorded."""
    runs = [run_state_document(s) for s in states]
    told = [r["outcome"] or r["stage"] for r in runs]
    return {
        "on": on.isoformat(),
        "reconciled_at": utc_text(now),
        "plan": plan_path,
        "counts": {outcome: told.count(outcome) for outcome in sorted(set(told))},
        "runs": runs,
    }


_TEMPLATE = """\
# {{ title }} {{ on }}

{{ summary | md }}

| Planned | Deadline | Job | {{ heading }} |
|---|---|---|---|
{% for r in runs %}
| {{ r.planned_at_et }} | {{ r.deadline_et }} | `{{ r.job }}` | {{ r.told | md }} |
{% endfor %}
"""


def plan_markdown(plan: SessionPlan) -> str:
    """Write a plan for people, in New York's time."""
    runs: list[Document] = [
        {**r, "told": r["skipped"] or "planned"} for r in plan_document(plan)["runs"]
    ]
    return _render("Session plan", plan.on, plan.note, "Plan", runs)


def plan_lines(plan: SessionPlan) -> list[str]:
    """Return a plan as lines for a terminal, samples as one line, in New York's time."""
    shown = [r for r in plan.runs if r.job is not Job.INTRADAY_SAMPLE]
    samples = [r for r in plan.runs if r.job is Job.INTRADAY_SAMPLE]
    lines = [f"Planned for {plan.on:%a %Y-%m-%d} ({plan.note}), each with its evidence deadline:"]
    lines += [_line(r) for r in sorted([*shown, *samples[:1]])]
    if samples:
        last = f"{in_new_york(samples[-1].planned_at):%H:%M %Z}"
        lines.append(f"  ... {Job.INTRADAY_SAMPLE.value} every 15 minutes, the last at {last}")
    return lines


def _line(run: PlannedRun) -> str:
    at, by = in_new_york(run.planned_at), in_new_york(run.deadline)
    day = "" if at.date() == by.date() else f" {by:%a}"
    skipped = f"  skipped: {run.skipped}" if run.skipped else ""
    return f"  {at:%H:%M %Z}  {run.job.value.ljust(26)} by {by:%H:%M %Z}{day}{skipped}"


def reconciliation_markdown(made: Document) -> str:
    """Write for people how every run of a plan ended."""
    counts = ", ".join(f"{n} {outcome}" for outcome, n in made["counts"].items())
    runs: list[Document] = [
        {**r, "told": ": ".join(t for t in (r["outcome"] or r["stage"], r["detail"]) if t)}
        for r in made["runs"]
    ]
    on = date.fromisoformat(made["on"])
    return _render("What became of the plan for", on, counts or "nothing was planned", "End", runs)


def _render(title: str, on: date, summary: str, heading: str, runs: Sequence[Document]) -> str:
    values = {"title": title, "on": on.isoformat(), "summary": summary, "heading": heading}
    return render({"plan": _TEMPLATE}, "plan", runs=runs, **values)


class ScheduleDocument(TypedDict):
    """
    Today's plan with what became of each run, and the sessions to come.

    `carried` are runs of earlier days that have not ended yet, `last` the run that ended last of
    those that ran and `next` the one that begins next; null where there is none. `upcoming` has
    the sessions and holidays to come, with early closes and changes of the clocks, `last_session`
    is the newest one that is over.
    """

    ts: str
    at_et: str
    on: str
    note: str
    early_close: bool
    scheduler: Document
    runs: list[Document]
    carried: list[Document]
    last: Document | None
    next: Document | None
    upcoming: Mapping[str, object]
    last_session: Document | None
    label: NotRequired[str]


def schedule_document(
    view: DayView,
    sessions: Sequence[TradingDay],
    holidays: Sequence[Holiday],
    last_session: TradingDay | None,
) -> ScheduleDocument:
    """Return the scheduled day, its runs in the order of time."""
    states = sorted(view.states, key=lambda s: s.run)
    carried = sorted(view.carried, key=lambda s: s.run)
    return {
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
        "last_session": document(last_session),
    }


def _last(states: Sequence[RunState]) -> Document | None:
    """Return the run that ended last, of those that ran at all."""
    ran = [(s.finished, s) for s in states if s.finished is not None]
    newest = max(ran, key=lambda each: each[0], default=None)
    return run_state_document(newest[1]) if newest else None


def _next(states: Sequence[RunState]) -> Document | None:
    open_ = [s for s in states if s.stage in {RunStage.PLANNED, RunStage.DUE}]
    first = min(open_, key=lambda s: s.run, default=None)
    return run_state_document(first) if first else None
