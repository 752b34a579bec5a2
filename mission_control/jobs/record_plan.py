"""Jobs: a session plan recorded, and later how each of its runs ended."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date

from mission_control.decide.session_plan import join_plans
from mission_control.errors import AlreadyRecordedError
from mission_control.jobs.planned_run import RunSources
from mission_control.jobs.recorded_runs import PLAN_JOB, PLAN_JSON, RECONCILIATION_JOB, RunAccounts
from mission_control.model.artifact import Collection, LedgerEntry
from mission_control.model.schedule import Job, RunState, SessionPlan
from mission_control.present.canonical_json import encode_json
from mission_control.present.plan_document import (
    plan_document,
    plan_markdown,
    reconciliation_document,
    reconciliation_markdown,
)

PLAN_MARKDOWN = "session_plan.md"
_MOST_PLANNERS = 5
RECONCILIATION_JSON = "session_reconciliation.json"
RECONCILIATION_MARKDOWN = "session_reconciliation.md"


async def keep_plan(
    own: SessionPlan,
    recorded: tuple[LedgerEntry, SessionPlan] | None,
    offered: AbstractSet[Job],
    accounts: RunAccounts,
    sources: RunSources,
) -> None:
    """
    Record a date's plan, joined with what servers that offer other jobs have recorded of it.

    Where another process records one meanwhile it is joined with that. Raises StorageError.
    """
    for _ in range(_MOST_PLANNERS):
        plan = own if recorded is None else join_plans(own, recorded[1], offered)
        if recorded is not None and recorded[1] == plan:
            return
        try:
            await _record_plan(plan, recorded[0] if recorded else None, sources)
        except AlreadyRecordedError:  # another process was quicker
            recorded = (await accounts.plans(own.on)).get(own.on)
        else:
            return


async def _record_plan(
    plan: SessionPlan, before: LedgerEntry | None, sources: RunSources
) -> LedgerEntry:
    """Record a plan; `before` is the one that it corrects, where the calendar changed."""
    files = {
        PLAN_JSON: encode_json(plan_document(plan)),
        PLAN_MARKDOWN: plan_markdown(plan).encode(),
    }
    once = f"{plan.on}_{PLAN_JOB}_after_{before.seq if before else 0}"
    return await _record(PLAN_JOB, plan.on, files, sources, once, before)


async def record_reconciliation(
    on: date, plan_path: str, states: Sequence[RunState], sources: RunSources
) -> LedgerEntry:
    """Record how every run of a plan ended; raises StorageError."""
    document = reconciliation_document(on, plan_path, states, sources.clock())
    files = {
        RECONCILIATION_JSON: encode_json(document),
        RECONCILIATION_MARKDOWN: reconciliation_markdown(document).encode(),
    }
    once = f"{on}_{RECONCILIATION_JOB}"
    return await _record(RECONCILIATION_JOB, on, files, sources, once, None)


async def _record(
    job: str,
    on: date,
    files: dict[str, bytes],
    sources: RunSources,
    once: str,
    before: LedgerEntry | None,
) -> LedgerEntry:
    """Record what may be recorded once, so that several processes make one of it."""
    corrects = before.path if before else None
    now = sources.clock()
    made = sources.origin.begun(now).facts(job, sources.ground(now), now)
    facts = replace(made, session_date=on, coverage=(), corrects=corrects, once=once)
    return await sources.writer.record(Collection.OPS_RUNS, files, facts)
