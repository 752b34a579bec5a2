"""Readiness: observe, judge every check, record, tell."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mission_control.cluster.model.facts import CapturedWorkloads, identify_cluster
from mission_control.deploy_report.run import make_report
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.ports import (
    READING_SECONDS,
    Clock,
    FurtherReader,
    RepositoryReader,
    StoreReader,
)
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
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import RunWriter
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.repository.model import Repository

JOB = "readiness"
JSON_NAME, MARKDOWN_NAME = "readiness_report.json", "readiness_report.md"
READY, NOT_READY, INTERNAL = 0, 3, 1
"""Exit codes of a run (semantics, section 7)."""
INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class ReadinessSources:
    """What readiness reads besides the floor; what is None is not configured."""

    clock: Clock
    store: StoreReader
    further: FurtherReader | None = None
    repository: RepositoryReader | None = None
    artifacts: ArtifactReader | None = None


async def check_readiness(
    snapshot: FloorSnapshot,
    coverage: PollCoverage | Unseen,
    sources: ReadinessSources,
    repository: Repository | Unseen | None = None,
    *,
    skip_preflight: bool = False,
) -> ReadinessReport:
    """
    Gather what the checks need beside a snapshot of the floor, and judge.

    `repository` was read before the floor was looked at: its own checks take their time.
    """
    further = sources.further.within(READING_SECONDS) if sources.further else None
    services = nodes = account = None
    if further is not None:
        services, nodes, account = await asyncio.gather(
            further.services(), further.nodes(), further.account()
        )
    made = await make_report(snapshot, further, sources.artifacts, sources.clock)
    now = sources.clock()
    report: Seen[str] | Unseen = Seen(f"made: {made.document['headline']}", now)
    if not made.access:
        why = str(made.document["meta"]["cluster_error"])
        report = Unseen(UnseenReason.PARTIAL, now, detail=why)
    evidence = ReadinessEvidence(
        now=now,
        snapshot=snapshot,
        coverage=coverage,
        repository=repository,
        services=services,
        nodes=nodes,
        account=account,
        report=report,
        store=await sources.store.check(),
        skip_preflight=skip_preflight,
        captured=await _captured(snapshot, sources),
    )
    return judge_readiness(evidence)


async def _captured(snapshot: FloorSnapshot, sources: ReadinessSources) -> CapturedWorkloads:
    if sources.artifacts is None:
        return CapturedWorkloads(note="nothing is recorded here")
    return await find_captured_workloads(
        sources.artifacts, snapshot.fleet, cluster=snapshot.cluster_identity
    )


async def read_repository(
    sources: ReadinessSources, *, skip_preflight: bool
) -> Repository | Unseen | None:
    """Read the fleet's repository; None where none is configured."""
    if sources.repository is None:
        return None
    read = await sources.repository.read(run_preflight=not skip_preflight)
    return read.value if isinstance(read, Seen) else read


def report_internal_error(ground: Ground, at: datetime, error: str) -> ReadinessReport:
    """Give the NO-GO of a run that broke: every check is UNKNOWN because of it."""
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


async def record_readiness(
    report: ReadinessReport,
    ground: Ground,
    writer: RunWriter,
    clock: Clock,
    origin: RunOrigin,
    beside: Mapping[str, bytes] | None = None,
) -> LedgerEntry:
    """
    Record a verdict, and show it as the latest view; raises StorageError.

    `beside` are files of the same hour that belong to the run, as a deploy report.
    """
    files = {
        **(beside or {}),
        JSON_NAME: encode_json(readiness_document(report), report.label),
        MARKDOWN_NAME: readiness_markdown(report).encode(),
    }
    code = READY if report.ready else INTERNAL if report.code == INTERNAL_ERROR else NOT_READY
    notes = {"verdict": report.verdict.value, "code": report.code}
    facts = origin.facts(JOB, ground, clock(), exit_code=code, notes=notes)
    return await writer.record(Collection.OPS_RUNS, files, facts, is_latest=True)
