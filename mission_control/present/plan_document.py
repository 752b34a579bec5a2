"""Present: a session plan, and what became of it, as JSON and as Markdown."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NotRequired, TypedDict

from mission_control.market_calendar.new_york import in_new_york
from mission_control.model.schedule import Job, PlannedRun, RunState, SessionPlan
from mission_control.present.instants import new_york_text_or_none, utc_text, utc_text_or_none
from mission_control.present.markdown import render
from mission_control.present.run_document import PlannedDocument, planned_document


class PlannedRunDocument(PlannedDocument):
    """A run of a plan; `skipped` says why it will not run, empty for one that will."""

    skipped: str


class PlanDocument(TypedDict):
    """Everything planned for one date in New York, in the order of time."""

    on: str
    note: str
    early_close: bool
    runs: list[PlannedRunDocument]


class RunStateDocument(PlannedRunDocument):
    """
    A planned run as it stands: `outcome` is null until it has ended.

    `path` is the folder of its evidence below the root, null where there is none.
    """

    stage: str
    outcome: str | None
    detail: str
    path: str | None
    finished: str | None
    finished_et: str | None


class ReconciliationDocument(TypedDict):
    """A plan reconciled with the ledger: how every planned run ended."""

    on: str
    reconciled_at: str
    plan: str
    counts: dict[str, int]
    runs: list[RunStateDocument]
    label: NotRequired[str]


def plan_document(plan: SessionPlan) -> PlanDocument:
    """Give a plan; equal plans give equal documents."""
    return {
        "on": plan.on.isoformat(),
        "note": plan.note,
        "early_close": plan.early_close,
        "runs": [{**planned_document(r), "skipped": r.skipped} for r in plan.runs],
    }


def run_state_document(state: RunState) -> RunStateDocument:
    """Give a planned run as it stands."""
    return {
        **planned_document(state.run),
        "skipped": state.run.skipped,
        "stage": state.stage.value,
        "outcome": state.outcome.value if state.outcome else None,
        "detail": state.detail,
        "path": state.path or None,
        "finished": utc_text_or_none(state.finished),
        "finished_et": new_york_text_or_none(state.finished),
    }


def reconciliation_document(
    on: date, plan_path: str, states: Sequence[RunState], now: datetime
) -> ReconciliationDocument:
    """Give how every run of a plan ended; `plan_path` is where the plan is recorded."""
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
    runs = [{**r, "told": r["skipped"] or "planned"} for r in plan_document(plan)["runs"]]
    return _render("Session plan", plan.on, plan.note, "Plan", runs)


def plan_lines(plan: SessionPlan) -> list[str]:
    """Give a plan as lines for a terminal, samples as one line, in New York's time."""
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


def reconciliation_markdown(document: ReconciliationDocument) -> str:
    """Write for people how every run of a plan ended."""
    counts = ", ".join(f"{n} {outcome}" for outcome, n in document["counts"].items())
    runs = [
        {**r, "told": ": ".join(t for t in (r["outcome"] or r["stage"], r["detail"]) if t)}
        for r in document["runs"]
    ]
    on = date.fromisoformat(document["on"])
    return _render("What became of the plan for", on, counts or "nothing was planned", "End", runs)


def _render(
    title: str, on: date, summary: str, heading: str, runs: Sequence[dict[str, object]]
) -> str:
    values = {"title": title, "on": on.isoformat(), "summary": summary, "heading": heading}
    return render({"plan": _TEMPLATE}, "plan", runs=runs, **values)
