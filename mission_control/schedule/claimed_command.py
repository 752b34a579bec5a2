"""A command started by cron claims the planned run that it was started for."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from mission_control.errors import AlreadyRecordedError, StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.run_origin import RunOrigin
from mission_control.schedule.decide import find_claimable, judge_run, may_begin, why_none_is_due
from mission_control.schedule.model import Job, PlannedRun, RunClaim
from mission_control.schedule.planned_run import (
    RunSources,
    TakenOverError,
    keep_lease,
    record_failure,
    release,
)
from mission_control.schedule.recorded import RunAccounts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommandSources:
    """What a command claims with: the runs that may be due, the record, and how to tell people."""

    due: Callable[[], Collection[PlannedRun]]
    artifacts: ArtifactReader
    runs: RunSources
    say: Callable[[str], None]


@asynccontextmanager
async def claiming(jobs: Collection[Job], sources: CommandSources) -> AsyncGenerator[RunOrigin]:
    """
    Claim the planned run of one of these jobs that is due now, for the time of the block.

    Gives the origin that the command records under. It runs in any case: what nobody planned, or
    somebody else runs already, is recorded beside the plan (semantics, section 8). A command that
    breaks is recorded as the planned run's failure.
    """
    began, runs = sources.runs.clock(), sources.runs
    planned = sources.due()
    run = find_claimable(planned, jobs, began)
    if run is None:
        sources.say(f"No planned run is due: {why_none_is_due(planned, jobs, began)}.")
    claim = await _claim(run, sources) if run is not None else None
    if run is None or claim is None:
        yield runs.origin.begun(began)
        return
    renewing = asyncio.ensure_future(keep_lease(run, claim, runs))
    try:
        yield runs.origin.begun(began, run)
    except Exception as error:
        await _record(run, began, error, sources)
        raise
    finally:
        renewing.cancel()
        lost = (await asyncio.gather(renewing, return_exceptions=True))[0]
        if isinstance(lost, TakenOverError):
            sources.say(f"The planned run {run.key} was taken over meanwhile.")
        await release(run, claim, runs)


async def _claim(run: PlannedRun, sources: CommandSources) -> RunClaim | None:
    """Claim a run that is due; whatever speaks against it is told, and the command goes on."""
    clock, claims = sources.runs.clock, sources.runs.claims
    try:
        seen = (await claims.held(run.session_date)).get(run.key)
        recorded = await RunAccounts(sources.artifacts).of(run.session_date)
        state = judge_run(run, recorded.get(run.key, ()), seen, clock())
        after = seen.attempt if seen else 0
        claim = await claims.claim(run, clock(), after) if may_begin(state) else None
    except StorageError as error:
        sources.say(f"The planned run {run.key} could not be claimed: {error}.")
        return None
    if claim is None:
        what = state.outcome or "under way elsewhere"
        sources.say(f"The planned run {run.key} is {what}; this one is recorded beside it.")
    else:
        sources.say(f"This is the planned run {run.key}.")
    return claim


async def _record(
    run: PlannedRun, began: datetime, error: Exception, sources: CommandSources
) -> None:
    """Record a failure, unless the command did already."""
    try:
        await record_failure(run, began, error, sources.runs)
    except AlreadyRecordedError:
        return
    except StorageError as failure:
        log.error("the failure of %s was not recorded: %s", run.key, failure)  # noqa: TRY400  (the first error is raised)
