"""One planned run: claimed, run within its deadline, and accounted for whatever happens."""

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from mission_control.documents.canonical_json import encode_json
from mission_control.errors import AlreadyRecordedError, StorageError
from mission_control.floor.ports import Clock
from mission_control.readiness.present import readiness_document, readiness_markdown
from mission_control.readiness.run import JSON_NAME, MARKDOWN_NAME, report_internal_error
from mission_control.records.artifact_store import RunWriter
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.decide import INTERNAL, LEASE_SECONDS, RENEW_SECONDS
from mission_control.schedule.model import READINESS_JOBS, PlannedRun, RunClaim
from mission_control.schedule.ports import ClaimKeeper

STOP_SECONDS = 5.0
"""A run that was cut may take so long to stop; then nobody waits for it any more."""
MAX_TRACEBACK = 20_000
MAX_SENTENCE = 300
MAX_LOOKED_AT = 1_000_000
FAILURE_NAME = "failure.txt"

Runner = Callable[[RunOrigin], Awaitable[LedgerEntry]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSources:
    """
    What running a planned run leans on.

    `ground` gives what a run stands on that broke before it saw anything; `redact` masks secrets
    in a text.
    """

    clock: Clock
    claims: ClaimKeeper
    writer: RunWriter
    origin: RunOrigin
    ground: Callable[[datetime], Ground]
    redact: Callable[[str], str]


class TakenOverError(Exception):
    """A run is no longer ours, because its lease was over: somebody else may have it."""


async def run_claimed(
    run: PlannedRun, claim: RunClaim, runner: Runner, sources: RunSources
) -> "asyncio.Future[LedgerEntry] | None":
    """
    Run a planned run that is claimed; what breaks or hangs is recorded as FAILED.

    A run is cut at its evidence deadline. Gives a run that did not stop when it was cut, for
    nobody to begin another beside it. Raises StorageError where not even the failure could be
    recorded. Whatever happens, the ledger takes one account of a planned run and no second.
    """
    began = sources.clock()
    work = asyncio.ensure_future(runner(sources.origin.begun(began, run)))
    renewing = asyncio.ensure_future(keep_lease(run, claim, sources))
    try:
        seconds = max(0.0, (run.deadline - began).total_seconds())
        await asyncio.wait({work, renewing}, timeout=seconds, return_when="FIRST_COMPLETED")
        if work.done():
            await _account_for(run, began, work, sources)
        elif renewing.done():
            renewing.result()
        else:
            await stop(work)
            await _fail(run, began, "cut at its evidence deadline", "", sources)
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


async def stop(work: "asyncio.Future[LedgerEntry]") -> None:
    """Cancel a run, and wait a little for it; what it is recording is recorded by then."""
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=STOP_SECONDS)


async def _account_for(
    run: PlannedRun,
    began: datetime,
    work: "asyncio.Future[LedgerEntry]",
    sources: RunSources,
) -> None:
    """See that a run which ended is in the record, as what it was."""
    error = work.exception() if not work.cancelled() else asyncio.CancelledError("cancelled")
    if error is not None:
        log.error("%s failed", run.key, exc_info=error)
        await record_failure(run, began, error, sources)


async def record_failure(
    run: PlannedRun, began: datetime, error: BaseException, sources: RunSources
) -> None:
    """Record a run that raised, with its redacted traceback; raises StorageError."""
    trace = "".join(traceback.format_exception(error))[-MAX_LOOKED_AT:]
    what = f"{type(error).__name__}: {error}"[:MAX_LOOKED_AT]
    await _fail(run, began, what, trace, sources)


async def _fail(
    run: PlannedRun, began: datetime, what: str, trace: str, sources: RunSources
) -> None:
    """
    Record that a run failed; a readiness run leaves a NO-GO, so that no older GO stands.

    Redacted whole and cut afterwards, so that no cut bares half a secret.
    """
    now, what = sources.clock(), sources.redact(what)[:MAX_SENTENCE]
    origin = sources.origin.begun(began, run)
    ground = sources.ground(now)
    shown = sources.redact(trace)[-MAX_TRACEBACK:]
    files = {FAILURE_NAME: f"{run.key}: {what}\n\n{shown}".encode()}
    if run.job in READINESS_JOBS:
        report = report_internal_error(ground, now, what)
        files[JSON_NAME] = encode_json(readiness_document(report), report.label)
        files[MARKDOWN_NAME] = readiness_markdown(report).encode()
    facts = origin.facts(run.job.value, ground, now, exit_code=INTERNAL, notes={"detail": what})
    await sources.writer.record(Collection.OPS_RUNS, files, facts, is_latest=True)


async def record_overlap(run: PlannedRun, sources: RunSources) -> None:
    """Record that a run never began, because the one before had not ended."""
    now = sources.clock()
    origin = sources.origin.begun(now, run)
    what = "the run before it had not ended"
    notes = {"detail": what, "overlapped": "yes"}
    facts = origin.facts(run.job.value, sources.ground(now), now, exit_code=INTERNAL, notes=notes)
    files = {FAILURE_NAME: f"{run.key}: {what}\n".encode()}
    await sources.writer.record(Collection.OPS_RUNS, files, facts)


async def claim_whole(run: PlannedRun, after: int, sources: RunSources) -> RunClaim | None:
    """
    Claim a run; who is stopped while claiming gives back what it got.

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
    """Give a claim back where the block is cancelled, so that nobody waits for its lease."""
    try:
        yield
    except asyncio.CancelledError:
        await release(run, claim, sources)
        raise


async def keep_lease(run: PlannedRun, claim: RunClaim, sources: RunSources) -> None:
    """
    Renew the lease until cancelled; raises TakenOverError once the run is no longer ours.

    It is not where somebody took it over, and where it could not be renewed for as long as a
    lease lasts by the loop's own clock, which no step of the machine's clock moves. Who cancels
    waits for a renewal that is under way: written later, it would undo the release.
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
    """End the lease of a run that has ended, so that nobody waits for it."""
    try:
        await asyncio.shield(sources.claims.release(run, claim, sources.clock()))
    except StorageError as error:
        log.warning("the claim of %s was not released: %s", run.key, error)
