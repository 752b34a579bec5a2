"""Readiness: look, judge every check, record."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mission_control.cluster.model.facts import identify_cluster
from mission_control.deploy_report.run import MadeReport, make_report
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.last_known_good.recorded import find_captured_workloads
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.readiness.decide.outcome import NAMES
from mission_control.readiness.decide.readiness import judge_readiness
from mission_control.readiness.model import (
    Check,
    CheckOutcome,
    PollCoverage,
    ReadinessEvidence,
    ReadinessReport,
    ReadinessVerdict,
)
from mission_control.readiness.present import readiness_document, readiness_markdown
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.repository.model import Repository
from mission_control.schedule.job import READING_SECONDS, JobParts

JOB = "readiness"
JSON_NAME, MARKDOWN_NAME = "readiness_report.json", "readiness_report.md"
READY, NOT_READY, INTERNAL = 0, 3, 1
"""Exit codes of a run (docs/semantics.md#7)."""
INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class FloorLook:
    """What readiness is judged from: the floor, how it was watched, and the repository before."""

    snapshot: FloorSnapshot
    coverage: PollCoverage | Unseen
    repository: Repository | Unseen | None
    skip_preflight: bool


async def run(
    parts: JobParts,
    origin: RunOrigin,
    *,
    with_deploy_report: bool = False,
    skip_preflight: bool = False,
    show: Callable[[ReadinessReport], None] | None = None,
) -> tuple[ReadinessReport, LedgerEntry]:
    """
    Look, judge, record, and show the verdict as the latest view; raises StorageError.

    The deploy report that a check asks for is recorded as well `with_deploy_report`. `show` is
    handed the verdict before it is recorded, so that one is seen that could not be.
    """
    seen = await look(parts, skip_preflight=skip_preflight)
    parts = parts.reading_once()
    made = await make_report(seen.snapshot, parts)
    report = await check_readiness(seen, made, parts)
    if show is not None:
        show(report)
    beside = made.files if with_deploy_report else None
    return report, await record_readiness(report, seen.snapshot, parts, origin, beside)


async def record_readiness(
    report: ReadinessReport,
    snapshot: FloorSnapshot,
    parts: JobParts,
    origin: RunOrigin,
    beside: Mapping[str, bytes] | None = None,
) -> LedgerEntry:
    """Record a verdict, with what belongs to the run `beside` it; raises StorageError."""
    files = {**(beside or {}), **readiness_files(report)}
    notes = {"verdict": report.verdict.value, "code": report.code}
    code = READY if report.ready else NOT_READY
    facts = origin.facts(JOB, Ground.of(snapshot), parts.clock(), exit_code=code, notes=notes)
    return await parts.writer.record(Collection.OPS_RUNS, files, facts, is_latest=True)


async def look(parts: JobParts, *, skip_preflight: bool = False) -> FloorLook:
    """Look at the floor; the repository is read first, for its own checks take their time."""
    repository = None
    if parts.repository is not None:
        read = await parts.repository.read(run_preflight=not skip_preflight)
        repository = read.value if isinstance(read, Seen) else read
    snapshot, coverage = await parts.look()
    return FloorLook(snapshot, coverage, repository, skip_preflight)


async def check_readiness(seen: FloorLook, made: MadeReport, parts: JobParts) -> ReadinessReport:
    """Gather what the checks need beside a look at the floor and its deploy report, and judge."""
    snapshot, services, nodes, account = seen.snapshot, None, None, None
    if parts.further is not None:
        further = parts.further.within(READING_SECONDS)
        services, nodes, account = await asyncio.gather(
            further.services(), further.nodes(), further.account()
        )
    now = parts.clock()
    report: Seen[str] | Unseen = Seen(f"made: {made.document['headline']}", now)
    if not made.access:
        why = str(made.document["meta"]["cluster_error"])
        report = Unseen(UnseenReason.PARTIAL, now, detail=why)
    evidence = ReadinessEvidence(
        now=now,
        snapshot=snapshot,
        coverage=seen.coverage,
        repository=seen.repository,
        services=services,
        nodes=nodes,
        account=account,
        report=report,
        store=await parts.store.check(),
        skip_preflight=seen.skip_preflight,
        captured=await find_captured_workloads(
            parts.artifacts, snapshot.fleet, cluster=snapshot.cluster_identity
        ),
    )
    return judge_readiness(evidence)


def report_internal_error(ground: Ground, at: datetime, error: str) -> ReadinessReport:
    """Return the NO-GO of a run that broke: every check is UNKNOWN because of it."""
    unknown = CheckOutcome.UNKNOWN
    checks = tuple(Check(code, name, unknown, error) for code, name in NAMES.items())
    access = ground.fleet.access
    return ReadinessReport(
        at=at,
        session=ground.session,
        verdict=ReadinessVerdict.NO_GO,
        otherwise_ready=False,
        code=INTERNAL_ERROR,
        checks=checks,
        namespace=access.floor_namespace if access else "",
        context=ground.fleet.cluster,
        fleet=ground.fleet,
        label=ground.label,
        repository_lints=ground.fleet.repository_lints,
        cluster=ground.cluster or identify_cluster(ground.fleet, None),
    )


def readiness_files(report: ReadinessReport) -> dict[str, bytes]:
    """Return a readiness report as its two files."""
    return {
        JSON_NAME: encode_json(readiness_document(report), report.label),
        MARKDOWN_NAME: readiness_markdown(report).encode(),
    }
