"""What runs on a trading day besides the bundles, as its planned runs call it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mission_control.attestation.run import choose_session, make_attestation, record_attestation
from mission_control.deploy_report.run import make_report
from mission_control.durable_copy.copying import CopyDestination, KeepingParts
from mission_control.durable_copy.run import copy_durably
from mission_control.errors import StorageError
from mission_control.ops_bundle.run import BundleKind, readiness_files, record_bundle
from mission_control.ops_bundle.sample import record_sample
from mission_control.readiness.model import ReadinessReport
from mission_control.readiness.run import NOT_READY, READY, check_readiness
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.retention.run import report_retention
from mission_control.schedule.model import Job
from mission_control.schedule.sources import DaySources

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader


async def run_pre_market(sources: DaySources, origin: RunOrigin) -> LedgerEntry:
    """Judge readiness an hour before the open, with everything of that hour beside it."""
    entry, _ = await record_bundle(BundleKind.PRE_MARKET, sources, origin)
    return entry


async def run_post_market(sources: DaySources, origin: RunOrigin) -> LedgerEntry:
    """Keep everything of the session's end; its readiness is best effort."""
    entry, _ = await record_bundle(BundleKind.POST_MARKET, sources, origin)
    return entry


async def run_pre_open(sources: DaySources, origin: RunOrigin) -> LedgerEntry:
    """Judge readiness shortly before the open."""
    return await _judge(Job.PRE_OPEN, sources, origin, reports=False)


async def run_open_verification(sources: DaySources, origin: RunOrigin) -> LedgerEntry:
    """Report what is deployed, and judge readiness, once the session is open."""
    return await _judge(Job.OPEN_VERIFICATION, sources, origin, reports=True)


async def run_sample(sources: DaySources, origin: RunOrigin) -> LedgerEntry:
    """Keep what every service answered and how its pods fare."""
    snapshot, _ = await sources.look()
    return await record_sample(snapshot, sources.writer, sources.readiness.clock, origin)


async def _judge(job: Job, sources: DaySources, origin: RunOrigin, *, reports: bool) -> LedgerEntry:
    read = sources.readiness
    seen = await sources.see()
    report = await check_readiness(seen.snapshot, seen.coverage, read, seen.repository)
    files = readiness_files(report)
    if reports:
        made = await make_report(seen.snapshot, read.further, read.artifacts, read.clock)
        files |= made.files
    notes = {"verdict": report.verdict.value, "code": report.code}
    ground, code = Ground.of(seen.snapshot), _exit_code(report)
    facts = origin.facts(job.value, ground, read.clock(), exit_code=code, notes=notes)
    return await sources.writer.record(Collection.OPS_RUNS, files, facts, is_latest=True)


def _exit_code(report: ReadinessReport) -> int:
    return READY if report.ready else NOT_READY


@dataclass(frozen=True, slots=True)
class KeepingSources:
    """What the runs of the evening work with; without a destination nothing is ever copied."""

    parts: KeepingParts
    history: "HistoryReader | None"
    destination: Callable[[], CopyDestination | None]


async def run_attestation(keeping: KeepingSources, origin: RunOrigin) -> LedgerEntry:
    """Attest the session of the planned run, or the latest that has closed."""
    parts = keeping.parts
    on = origin.planned.session_date if origin.planned else None
    session = choose_session(parts.calendar, parts.clock(), on)
    attested = await make_attestation(
        session, keeping.history, parts.calendar, parts.clock, parts.label
    )
    return await record_attestation(
        attested, parts.fleet, parts.calendar, parts.artifacts, parts.writer, parts.clock, origin
    )


async def run_retention(keeping: KeepingSources, origin: RunOrigin) -> LedgerEntry:
    """Report how much of the record is kept."""
    return (await report_retention(keeping.parts, origin)).entry


async def run_durable_copy(keeping: KeepingSources, origin: RunOrigin) -> LedgerEntry:
    """Copy what was recorded; the place is found anew for each run, with its credentials."""
    destination = keeping.destination()
    if destination is None:
        raise StorageError("no durable copy is configured", path="durable_copy")
    return (await copy_durably(keeping.parts, destination, origin)).entry
