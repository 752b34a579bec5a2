"""Jobs: the pre- and post-market bundle: everything of that hour in one run (facts, h)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from mission_control.errors import StorageError
from mission_control.jobs import check_readiness as readiness
from mission_control.jobs import report_deploys as deploys
from mission_control.jobs.artifact_ports import ArtifactWriter
from mission_control.jobs.bundle_cluster import gather_cluster
from mission_control.jobs.bundle_logs import gather_logs
from mission_control.jobs.latest_views import publish_latest
from mission_control.jobs.past_floor import PastFloor
from mission_control.jobs.posture_timeline import posture_timeline
from mission_control.jobs.run_origin import Ground, RunOrigin
from mission_control.market_calendar.new_york import MIDNIGHT, in_new_york, instant_of
from mission_control.model.artifact import Collection, LedgerEntry, SourceCoverage
from mission_control.model.readiness import PollCoverage, ReadinessReport
from mission_control.model.reading import Unseen
from mission_control.model.repository import Repository
from mission_control.model.snapshot import FloorSnapshot
from mission_control.present.canonical_json import encode_json
from mission_control.present.heartbeat_document import heartbeat_document
from mission_control.present.instants import utc_text
from mission_control.present.ops_bundle.floor_texts import (
    find_marketdata,
    marketdata_health,
    meta_text,
    pods_document,
)
from mission_control.present.posture_document import posture_document
from mission_control.present.readiness_document import readiness_document, readiness_markdown

JOB = {"pre_market": "ops_pre_market", "post_market": "ops_post_market"}
Look = Callable[[], Awaitable[tuple[FloorSnapshot, PollCoverage | Unseen]]]


class BundleKind(StrEnum):
    """Which bundle; its value ends the name of its folder."""

    PRE_MARKET = "pre_market"
    POST_MARKET = "post_market"


@dataclass(frozen=True, slots=True)
class FloorLook:
    """What a look at the floor brought: the snapshot, poll coverage, and the repository before."""

    snapshot: FloorSnapshot
    coverage: PollCoverage | Unseen
    repository: Repository | Unseen | None


@dataclass(frozen=True, slots=True)
class DaySources:
    """
    What the day's runs read and write: how the floor is looked at, what readiness reads, the past.

    `past` is None where no history is kept.
    """

    look: Look
    readiness: readiness.ReadinessSources
    writer: ArtifactWriter
    past: PastFloor | None = None

    async def see(self, *, skip_preflight: bool = False) -> FloorLook:
        """Look at the floor; the repository is read first, for its own checks take their time."""
        read = await readiness.read_repository(self.readiness, skip_preflight=skip_preflight)
        snapshot, coverage = await self.look()
        return FloorLook(snapshot, coverage, read)


@dataclass(slots=True)
class _Gathered:
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    coverage: list[SourceCoverage] = field(default_factory=list[SourceCoverage])

    def note(self, source: str, problem: str) -> None:
        """Note a source that was asked once; an empty problem is a source that gave all."""
        gaps = ((source, problem),) if problem else ()
        self.coverage.append(SourceCoverage(source, 1, 0 if problem else 1, gaps))

    def add(self, files: Mapping[str, bytes], coverage: Sequence[SourceCoverage]) -> None:
        self.files |= files
        self.coverage += coverage


async def record_bundle(
    kind: BundleKind,
    sources: DaySources,
    origin: RunOrigin,
    *,
    skip_preflight: bool = False,
    sample_health: bool = True,
) -> tuple[LedgerEntry, ReadinessReport]:
    """
    Make and record a bundle; gives it with the readiness verdict in it.

    Everything in it is of this run: what could not be had is a gap in its coverage, never an
    older copy (semantics, section 12). Raises StorageError.
    """
    clock = sources.readiness.clock
    began = clock()
    seen = await sources.see(skip_preflight=skip_preflight)
    snapshot = seen.snapshot
    report = await readiness.check_readiness(
        snapshot, seen.coverage, sources.readiness, seen.repository, skip_preflight=skip_preflight
    )
    gathered = _Gathered(files=_floor_files(snapshot))
    gathered.files |= readiness_files(report)
    await _add_deploy_report(gathered, snapshot, sources, sample_health=sample_health)
    further = sources.readiness.further
    gathered.add(*await gather_cluster(snapshot, further, usage=kind is BundleKind.PRE_MARKET))
    logs, coverage = await gather_logs(snapshot, further)
    gathered.add(logs, [coverage])
    _add_marketdata(gathered, snapshot)
    await _add_timeline(gathered, snapshot, sources.past)
    gathered.note("alerts", "nothing decides alerts yet")
    ground = Ground.of(snapshot)
    notes = {"verdict": report.verdict.value, "code": report.code}
    facts = origin.facts(JOB[kind], ground, began, clock(), notes=notes)
    gathered.files["meta.txt"] = _meta(kind, snapshot, report).encode()
    facts = replace(facts, folder=kind.value, coverage=(*facts.coverage, *gathered.coverage))
    entry = await sources.writer.record(Collection.OPS_RUNS, gathered.files, facts)
    await publish_latest(sources.writer, _views(gathered.files))
    return entry, report


def readiness_files(report: ReadinessReport) -> dict[str, bytes]:
    """Give a readiness report as its two files."""
    return {
        readiness.JSON_NAME: encode_json(readiness_document(report)),
        readiness.MARKDOWN_NAME: readiness_markdown(report).encode(),
    }


def _views(files: Mapping[str, bytes]) -> dict[str, bytes]:
    names = (
        readiness.JSON_NAME,
        readiness.MARKDOWN_NAME,
        deploys.JSON_NAME,
        deploys.MARKDOWN_NAME,
    )
    return {name: files[name] for name in names if name in files}


def _floor_files(snapshot: FloorSnapshot) -> dict[str, bytes]:
    return {
        "posture.json": encode_json(posture_document(snapshot)),
        "heartbeat.json": encode_json(heartbeat_document(snapshot)),
        "pods.json": encode_json(pods_document(snapshot)),
    }


async def _add_deploy_report(
    gathered: _Gathered, snapshot: FloorSnapshot, sources: DaySources, *, sample_health: bool
) -> None:
    read = sources.readiness
    made = await deploys.make_report(
        snapshot, read.further, read.artifacts, read.clock, sample_health=sample_health
    )
    gathered.files |= made.files
    error = made.document["meta"]["cluster_error"]
    gathered.note("deploy report", "" if made.access else str(error))


def _add_marketdata(gathered: _Gathered, snapshot: FloorSnapshot) -> None:
    files, problem = marketdata_health(snapshot)
    gathered.files |= files
    gathered.note("marketdata health", problem)


async def _add_timeline(
    gathered: _Gathered, snapshot: FloorSnapshot, past: PastFloor | None
) -> None:
    if past is None:
        gathered.note("posture timeline", "no history is kept")
        return
    today = snapshot.session.session_date or in_new_york(snapshot.at).date()
    since = instant_of(today, MIDNIGHT)
    try:
        timeline = await posture_timeline(past, since, snapshot.at + timedelta(microseconds=1))
    except StorageError as error:
        gathered.note("posture timeline", str(error))
        return
    gathered.files["posture_timeline.json"] = timeline
    gathered.note("posture timeline", "")


def _meta(kind: BundleKind, snapshot: FloorSnapshot, report: ReadinessReport) -> str:
    marketdata = find_marketdata(snapshot)
    session = snapshot.session
    facts = (
        ("generated_utc", utc_text(snapshot.at)),
        ("git_sha", report.git_sha or "unknown"),
        ("git_branch", report.git_branch or "unknown"),
        ("namespace", report.namespace or "none"),
        ("label_selector", "none: whole namespaces are read"),
        ("marketdata_health_url", f"{marketdata.agent.service_dns}/healthz" if marketdata else ""),
        ("session_date", session.session_date.isoformat() if session.session_date else "none"),
        ("session_phase", session.phase.value),
        ("posture", snapshot.posture.verdict.value),
        ("readiness", f"{report.verdict.value} {report.code}".strip()),
        ("fleet_digest", snapshot.fleet.digest),
        *((("label", snapshot.label),) if snapshot.label else ()),
    )
    return meta_text(kind.value, facts)
