"""The pre- and post-market bundle: everything of that hour in one run (facts, h)."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from mission_control.cluster.present import cluster_text
from mission_control.deploy_report import run as deploys
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.ports import FurtherReader
from mission_control.floor.present.posture import posture_document
from mission_control.history.past_floor import PastFloor
from mission_control.market_calendar.days import MIDNIGHT, in_new_york, instant_of
from mission_control.ops_bundle.parts import gather_cluster, gather_logs, posture_timeline
from mission_control.ops_bundle.present import (
    find_marketdata,
    heartbeat_document,
    marketdata_health,
    meta_text,
    pods_document,
)
from mission_control.readiness import run as readiness
from mission_control.readiness.model import ReadinessReport
from mission_control.readiness.present import readiness_document, readiness_markdown
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.planned_run import MAX_LOOKED_AT, MAX_SENTENCE
from mission_control.schedule.sources import DaySources, FloorLook

JOB = {"pre_market": "ops_pre_market", "post_market": "ops_post_market"}
CLUSTER_SECONDS = 60.0
"""All parts of a bundle together read the cluster for no longer than this."""

log = logging.getLogger(__name__)


class BundleKind(StrEnum):
    """Which bundle; its value ends the name of its folder."""

    PRE_MARKET = "pre_market"
    POST_MARKET = "post_market"


@dataclass(slots=True)
class _Gathered:
    """What a bundle has so far; what breaks while it is gathered is a gap, redacted."""

    redact: Callable[[str], str]
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    coverage: list[SourceCoverage] = field(default_factory=list[SourceCoverage])

    def note(self, source: str, problem: str) -> None:
        """Note a source that was asked once; an empty problem is a source that gave all."""
        gaps = ((source, problem),) if problem else ()
        self.coverage.append(SourceCoverage(source, 1, 0 if problem else 1, gaps))

    def add(self, files: Mapping[str, bytes], coverage: Sequence[SourceCoverage]) -> None:
        self.files |= files
        self.coverage += coverage

    async def part(self, source: str, work: Callable[[], Awaitable[None]]) -> str:
        """Do a part; one that breaks costs itself alone. Gives what broke, empty where nothing."""
        try:
            await work()
        except Exception as error:  # a bug of ours, or a record that cannot be read: a gap
            log.exception("a part of the bundle broke: %s", source)
            what = self.redact(f"{type(error).__name__}: {error}"[:MAX_LOOKED_AT])[:MAX_SENTENCE]
            self.note(source, what)
            return what
        return ""


@dataclass(frozen=True, slots=True)
class _Options:
    kind: BundleKind
    skip_preflight: bool
    sample_health: bool


def _parts(
    gathered: _Gathered,
    verdicts: list[ReadinessReport],
    seen: FloorLook,
    sources: DaySources,
    options: _Options,
) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
    """Give the parts of a bundle, by the source that each is a gap of where it breaks."""
    snapshot, further, skip = seen.snapshot, sources.readiness.further, options.skip_preflight
    return (
        ("readiness", partial(_add_readiness, verdicts, seen, sources, skip_preflight=skip)),
        ("floor", partial(_add_floor, gathered, snapshot)),
        (
            "deploy report",
            partial(_add_deploy_report, gathered, snapshot, sources, sample=options.sample_health),
        ),
        ("cluster", partial(_add_cluster, gathered, snapshot, further, options.kind)),
        ("logs", partial(_add_logs, gathered, snapshot, further)),
        ("posture timeline", partial(_add_timeline, gathered, snapshot, sources.past)),
    )


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
    older copy (semantics, section 12). A part that breaks is a gap as well; readiness that broke
    is a NO-GO, which fails the run before the open and is best effort after the close. Raises
    StorageError.
    """
    clock = sources.readiness.clock
    seen = await sources.see(skip_preflight=skip_preflight)
    snapshot = seen.snapshot
    sources = _within(sources)
    gathered = _Gathered(sources.redact)
    verdicts = list[ReadinessReport]()
    options = _Options(kind, skip_preflight, sample_health)
    parts = _parts(gathered, verdicts, seen, sources, options)
    broken = {source: what for source, work in parts if (what := await gathered.part(source, work))}
    gathered.note("alerts", "nothing decides alerts yet")
    ground = Ground.of(snapshot)
    report = verdicts[0] if verdicts else _no_go(ground, clock(), broken["readiness"])
    gathered.files |= readiness_files(report)
    gathered.files["meta.txt"] = _meta(kind, snapshot, report).encode()
    fails = not verdicts and kind is BundleKind.PRE_MARKET
    notes = {"verdict": report.verdict.value, "code": report.code}
    if report.otherwise_ready:
        notes["detail"] = f"{report.verdict.value} {report.code}"
    code = readiness.INTERNAL if fails else 0
    facts = origin.facts(JOB[kind], ground, clock(), exit_code=code, notes=notes)
    coverage = (*facts.coverage, *gathered.coverage)
    facts = replace(facts, folder=kind.value, coverage=coverage)
    files = gathered.files
    entry = await sources.writer.record(Collection.OPS_RUNS, files, facts, is_latest=True)
    return entry, report


def _within(sources: DaySources) -> DaySources:
    """Give the sources with one time for all that the parts together read of the cluster."""
    read = sources.readiness
    if read.further is None:
        return sources
    return replace(sources, readiness=replace(read, further=read.further.within(CLUSTER_SECONDS)))


def _no_go(ground: Ground, now: datetime, what: str) -> ReadinessReport:
    return readiness.report_internal_error(ground, now, what)


async def _add_readiness(
    verdicts: list[ReadinessReport], seen: FloorLook, sources: DaySources, *, skip_preflight: bool
) -> None:
    report = await readiness.check_readiness(
        seen.snapshot,
        seen.coverage,
        sources.readiness,
        seen.repository,
        skip_preflight=skip_preflight,
    )
    verdicts.append(report)


async def _add_cluster(
    gathered: _Gathered, snapshot: FloorSnapshot, further: FurtherReader | None, kind: BundleKind
) -> None:
    usage = kind is BundleKind.PRE_MARKET
    gathered.add(*await gather_cluster(snapshot, further, usage=usage))


async def _add_logs(
    gathered: _Gathered, snapshot: FloorSnapshot, further: FurtherReader | None
) -> None:
    logs, coverage = await gather_logs(snapshot, further)
    gathered.add(logs, [coverage])


def readiness_files(report: ReadinessReport) -> dict[str, bytes]:
    """Give a readiness report as its two files."""
    return {
        readiness.JSON_NAME: encode_json(readiness_document(report), report.label),
        readiness.MARKDOWN_NAME: readiness_markdown(report).encode(),
    }


async def _add_floor(gathered: _Gathered, snapshot: FloorSnapshot) -> None:
    gathered.files |= {
        "posture.json": encode_json(posture_document(snapshot), snapshot.label),
        "heartbeat.json": encode_json(heartbeat_document(snapshot)),
        "pods.json": encode_json(pods_document(snapshot)),
    }
    files, problem = marketdata_health(snapshot)
    gathered.files |= files
    gathered.note("marketdata health", problem)


async def _add_deploy_report(
    gathered: _Gathered, snapshot: FloorSnapshot, sources: DaySources, *, sample: bool
) -> None:
    read = sources.readiness
    made = await deploys.make_report(
        snapshot, read.further, read.artifacts, read.clock, sample_health=sample
    )
    gathered.files |= made.files
    error = made.document["meta"]["cluster_error"]
    gathered.note("deploy report", "" if made.access else str(error))


async def _add_timeline(
    gathered: _Gathered, snapshot: FloorSnapshot, past: PastFloor | None
) -> None:
    if past is None:
        gathered.note("posture timeline", "no history is kept")
        return
    today = snapshot.session.session_date or in_new_york(snapshot.at).date()
    since = instant_of(today, MIDNIGHT)
    until = snapshot.at + timedelta(microseconds=1)
    timeline, unwatched = await posture_timeline(past, since, until)
    gathered.files["posture_timeline.json"] = timeline
    gaps = tuple((f"{utc_text(b)} to {utc_text(e)}", "nobody watched") for b, e in unwatched)
    asked = round((until - since).total_seconds())
    lost = round(sum((e - b).total_seconds() for b, e in unwatched))
    gathered.coverage.append(SourceCoverage("posture timeline", asked, asked - lost, gaps))


def _meta(kind: BundleKind, snapshot: FloorSnapshot, report: ReadinessReport) -> str:
    marketdata = find_marketdata(snapshot)
    session = snapshot.session
    facts = (
        ("generated_utc", utc_text(snapshot.at)),
        ("git_sha", report.git_sha or "unknown"),
        ("git_branch", report.git_branch or "unknown"),
        ("namespace", report.namespace or "none"),
        ("cluster", cluster_text(snapshot.cluster_identity)),
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
