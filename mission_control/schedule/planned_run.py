"""One planned run: claimed, run within its deadline, and accounted for whatever happens."""

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mission_control.errors import AlreadyRecordedError, StorageError
from mission_control.readiness.run import JOB as READINESS
from mission_control.readiness.run import readiness_files, report_internal_error
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import Collection as RecordCollection
from mission_control.records.run_origin import RunOrigin
from mission_control.redaction.redact import redact_text
from mission_control.schedule.decide import (
    INTERNAL,
    LEASE_SECONDS,
    RENEW_SECONDS,
    find_claimable,
    judge_run,
    may_begin,
    why_none_is_due,
)
from mission_control.schedule.job import RunSources
from mission_control.schedule.model import READINESS_JOBS, Job, PlannedRun, RunClaim
from mission_control.schedule.recorded import RunAccounts

STOP_SECONDS = 5.0
"""A run that was cut may take so long to stop; then it is no longer waited for."""
MAX_TRACEBACK = 20_000
MAX_SENTENCE = 300
MAX_LOOKED_AT = 1_000_000
FAILURE_NAME = "failure.txt"
GIVE_VERDICTS = frozenset({READINESS, *(job.value for job in READINESS_JOBS)})
"""The jobs that are readiness runs: one that breaks is a NO-GO."""

Runner = Callable[[RunOrigin], Awaitable[object]]
log = logging.getLogger(__name__)


class TakenOverError(Exception):
    """A run is no longer ours, because its lease was over: another process may have it."""


async def run_claimed(
    run: PlannedRun, claim: RunClaim, runner: Runner, sources: RunSources
) -> "asyncio.Future[object] | None":
    """
    Run a planned run that is claimed; what breaks or hangs is recorded as FAILED.

    A run is cut at its evidence deadline. Returns a run that did not stop when it was cut, so
    that no other is begun beside it. Raises StorageError where not even the failure could be
    recorded. Whatever happens, the ledger takes one account of a planned run and no second.
    """
    began = sources.clock()
    origin = sources.origin.begun(began, run)
    work = asyncio.ensure_future(runner(origin))
    renewing = asyncio.ensure_future(keep_lease(run, claim, sources))
    try:
        seconds = max(0.0, (run.deadline - began).total_seconds())
        await asyncio.wait({work, renewing}, timeout=seconds, return_when="FIRST_COMPLETED")
        if work.done():
            error = (
                work.exception() if not work.cancelled() else asyncio.CancelledError("cancelled")
            )
            if error is not None:
                log.error("%s failed", run.key, exc_info=error)
                await record_failure(origin, error, sources)
        elif renewing.done():
            renewing.result()
        else:
            await stop(work)
            await _fail(origin, "cut at its evidence deadline", sources)
    except AlreadyRecordedError:
        log.warning("%s is recorded already; this account of it is dropped", run.key)
    except TakenOverError:
        log.warning("%s is no longer ours: its lease was over", run.key)
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await stop(work)
        if work.done():
            await release(run, claim, sources)
    return None if work.done() else work


async def stop(work: "asyncio.Future[object]") -> None:
    """Cancel a run, and wait a little for it; what it is recording is recorded by then."""
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=STOP_SECONDS)


async def record_failure(
    origin: RunOrigin, error: BaseException, sources: RunSources, job: str = ""
) -> None:
    """
    Record a run that raised, with its redacted traceback; raises StorageError.

    The one account of a failure, however the run was started. `job` names one that is not
    planned.
    """
    trace = "".join(traceback.format_exception(error))[-MAX_LOOKED_AT:]
    shown = redact_text(trace)[-MAX_TRACEBACK:]
    await _fail(origin, say_broken(error), sources, trace=shown, job=job)


def say_broken(error: BaseException) -> str:
    """Return what was raised as a sentence, redacted whole before it is cut."""
    return redact_text(f"{type(error).__name__}: {error}"[:MAX_LOOKED_AT])[:MAX_SENTENCE]


async def _fail(
    origin: RunOrigin, what: str, sources: RunSources, *, trace: str = "", job: str = ""
) -> None:
    """Record that a run failed; a readiness run leaves a NO-GO, so that no older GO stays."""
    now, run = sources.clock(), origin.planned
    job, key = (run.job.value, run.key) if run else (job, job)
    ground = sources.ground(now)
    files = {FAILURE_NAME: f"{key}: {what}\n\n{trace}".encode()}
    if job in GIVE_VERDICTS:
        files |= readiness_files(report_internal_error(ground, now, what))
    facts = origin.facts(job, ground, now, exit_code=INTERNAL, notes={"detail": what})
    await sources.writer.record(RecordCollection.OPS_RUNS, files, facts, is_latest=True)


@asynccontextmanager
async def accounting(origin: RunOrigin, sources: RunSources, job: str = "") -> AsyncGenerator[None]:
    """
    Record what breaks in the block as the failure of this run, and raise it again.

    `job` names a run that is not planned: of these a readiness run alone leaves an account, so
    that no older GO stays.
    """
    try:
        yield
    except Exception as error:
        if origin.planned is not None or job in GIVE_VERDICTS:
            await _record_if_possible(origin, error, sources, job)
        raise


async def _record_if_possible(
    origin: RunOrigin, error: Exception, sources: RunSources, job: str
) -> None:
    try:
        await record_failure(origin, error, sources, job)
    except AlreadyRecordedError:
        return
    except StorageError as failure:
        named = origin.planned.key if origin.planned else job
        log.error("the failure of %s was not recorded: %s", named, failure)  # noqa: TRY400  (the first error is raised)


async def record_overlap(run: PlannedRun, sources: RunSources) -> None:
    """Record that a run never began, because the one before had not ended."""
    now = sources.clock()
    origin = sources.origin.begun(now, run)
    what = "the run before it had not ended"
    notes = {"detail": what, "overlapped": "yes"}
    facts = origin.facts(run.job.value, sources.ground(now), now, exit_code=INTERNAL, notes=notes)
    files = {FAILURE_NAME: f"{run.key}: {what}\n".encode()}
    await sources.writer.record(RecordCollection.OPS_RUNS, files, facts)


async def claim_whole(run: PlannedRun, after: int, sources: RunSources) -> RunClaim | None:
    """
    Claim a run; a claim that was made while this is cancelled is given back.

    Raises StorageError where it cannot be claimed.
    """
    claiming = asyncio.ensure_future(sources.claims.claim(run, sources.clock(), after))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        claim = await claiming
        if claim is not None:
            await release(run, claim, sources)
        raise


@asynccontextmanager
async def released_when_cancelled(
    run: PlannedRun, claim: RunClaim, sources: RunSources
) -> AsyncGenerator[None]:
    """Release a claim where the block is cancelled, so that no process waits for its lease."""
    try:
        yield
    except asyncio.CancelledError:
        await release(run, claim, sources)
        raise


async def keep_lease(run: PlannedRun, claim: RunClaim, sources: RunSources) -> None:
    """
    Renew the lease until cancelled; raises TakenOverError once the run is no longer ours.

    It is not ours where another process took it over, and where it could not be renewed for as
    long as a lease lasts by the loop's own clock, which no step of the machine's clock moves. A
    cancellation waits for a renewal that is under way: written later, it would undo the release.
    """
    loop = asyncio.get_running_loop()
    renewed = loop.time()
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        asked = loop.time()
        renewing = asyncio.ensure_future(sources.claims.renew(run, claim, sources.clock()))
        try:
            async with asyncio.timeout_at(max(asked, renewed + LEASE_SECONDS)):
                still_ours = await asyncio.shield(renewing)
        except StorageError as error:
            log.warning("the lease of %s was not renewed: %s", run.key, error)
            if asked - renewed >= LEASE_SECONDS:
                raise TakenOverError(run.key) from error
        except TimeoutError as error:
            raise TakenOverError(run.key) from error
        except asyncio.CancelledError:
            await asyncio.wait({renewing}, timeout=STOP_SECONDS)
            raise
        else:
            if still_ours is None:
                raise TakenOverError(run.key)
            renewed = asked


async def release(run: PlannedRun, claim: RunClaim, sources: RunSources) -> None:
    """End the lease of a run that has ended, so that no process waits for it."""
    try:
        await asyncio.shield(sources.claims.release(run, claim, sources.clock()))
    except StorageError as error:
        log.warning("the claim of %s was not released: %s", run.key, error)


@dataclass(frozen=True, slots=True)
class CommandSources:
    """What a command claims with: the runs that may be due, the record, and how it talks."""

    due: Callable[[], Collection[PlannedRun]]
    artifacts: ArtifactReader
    runs: RunSources
    say: Callable[[str], None]


@asynccontextmanager
async def claiming(
    jobs: Collection[Job], sources: CommandSources, unplanned: str = ""
) -> AsyncGenerator[RunOrigin]:
    """
    Claim the planned run of one of these jobs that is due now, for the time of the block.

    Yields the origin that the command records under. It runs in any case: what is not planned, or
    runs elsewhere already, is recorded beside the plan (docs/semantics.md#8). A command that
    breaks is recorded as the planned run's failure; `unplanned` names it where there is none.
    """
    began, runs = sources.runs.clock(), sources.runs
    planned = sources.due()
    run = find_claimable(planned, jobs, began)
    if run is None:
        sources.say(f"No planned run is due: {why_none_is_due(planned, jobs, began)}.")
    claim = await _claim(run, sources) if run is not None else None
    if run is None or claim is None:
        origin = runs.origin.begun(began)
        async with accounting(origin, runs, unplanned):
            yield origin
        return
    renewing = asyncio.ensure_future(keep_lease(run, claim, runs))
    origin = runs.origin.begun(began, run)
    try:
        async with accounting(origin, runs):
            yield origin
    finally:
        renewing.cancel()
        lost = (await asyncio.gather(renewing, return_exceptions=True))[0]
        if isinstance(lost, TakenOverError):
            sources.say(f"The planned run {run.key} was taken over meanwhile.")
        await release(run, claim, runs)


async def _claim(run: PlannedRun, sources: CommandSources) -> RunClaim | None:
    """Claim a run that is due; where it cannot be, that is told and the command goes on."""
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
