"""The pre- and post-market bundle: everything of that hour in one run."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from mission_control.alerts.store import AlertStore
from mission_control.brief.model import ReadinessNote
from mission_control.brief.present import brief_markdown
from mission_control.brief.run import BriefSources, make_brief
from mission_control.cluster.present import cluster_text
from mission_control.deploy_report.run import MadeReport, make_report
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.posture import posture_document
from mission_control.history.past_floor import PastFloor
from mission_control.market_calendar.days import MIDNIGHT, in_new_york, instant_of
from mission_control.ops_bundle.parts import (
    alerts_of,
    gather_cluster,
    gather_logs,
    posture_timeline,
)
from mission_control.ops_bundle.present import (
    find_marketdata,
    heartbeat_document,
    marketdata_health,
    meta_text,
    pods_document,
)
from mission_control.readiness import run as readiness
from mission_control.readiness.model import ReadinessReport
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.job import JobParts
from mission_control.schedule.planned_run import say_broken

if TYPE_CHECKING:
    from mission_control.cluster.read.objects import ObjectReader

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

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    coverage: list[SourceCoverage] = field(default_factory=list[SourceCoverage])
    broken: dict[str, str] = field(default_factory=dict[str, str])
    deploys: MadeReport | None = None
    verdict: ReadinessReport | None = None

    def note(self, source: str, problem: str) -> None:
        """Note a source that was asked once; an empty problem is a source that gave all."""
        gaps = ((source, problem),) if problem else ()
        self.coverage.append(SourceCoverage(source, 1, 0 if problem else 1, gaps))

    def add(self, files: Mapping[str, bytes], coverage: Sequence[SourceCoverage]) -> None:
        self.files |= files
        self.coverage += coverage

    async def part(self, source: str, work: Awaitable[None]) -> None:
        """Do a part; one that breaks costs itself alone, and what broke is kept as its gap."""
        try:
            await work
        except Exception as error:  # a bug of ours, or a record that cannot be read: a gap
            log.exception("a part of the bundle broke: %s", source)
            self.broken[source] = say_broken(error)
            self.note(source, self.broken[source])


async def run(
    kind: BundleKind,
    parts: JobParts,
    origin: RunOrigin,
    *,
    skip_preflight: bool = False,
    sample_health: bool = True,
) -> tuple[ReadinessReport, LedgerEntry]:
    """
    Make and record a bundle; returns the readiness verdict in it, and the line that records it.

    Everything in it is of this run: what could not be obtained is a gap in its coverage, never an
    older copy (docs/semantics.md#12). A part that breaks is a gap as well; readiness that broke
    is a NO-GO, which fails the run before the open and is best effort after the close. Raises
    StorageError.
    """
    seen = await readiness.look(parts, skip_preflight=skip_preflight)
    parts = parts.reading_once(CLUSTER_SECONDS)
    gathered = await _gather(kind, seen, parts, sample_health=sample_health)
    ground = Ground.of(seen.snapshot)
    report = gathered.verdict or readiness.report_internal_error(
        ground, parts.clock(), gathered.broken["readiness"]
    )
    gathered.files |= readiness.readiness_files(report)
    gathered.files["meta.txt"] = _meta(kind, seen.snapshot, report).encode()
    notes = {"verdict": report.verdict.value, "code": report.code}
    if report.otherwise_ready:
        notes["detail"] = f"{report.verdict.value} {report.code}"
    fails = gathered.verdict is None and kind is BundleKind.PRE_MARKET
    code = readiness.INTERNAL if fails else 0
    facts = origin.facts(JOB[kind], ground, parts.clock(), exit_code=code, notes=notes)
    coverage = (*facts.coverage, *gathered.coverage)
    facts = replace(facts, folder=kind.value, coverage=coverage)
    return report, await parts.writer.record(
        Collection.OPS_RUNS, gathered.files, facts, is_latest=True
    )


async def _gather(
    kind: BundleKind, seen: readiness.FloorLook, parts: JobParts, *, sample_health: bool
) -> _Gathered:
    """Gather each part, by the source that it is a gap of where it breaks."""
    gathered, snapshot = _Gathered(), seen.snapshot
    judging = _add_readiness(gathered, seen, parts, sample_health=sample_health)
    await gathered.part("readiness", judging)
    await gathered.part("floor", _add_floor(gathered, snapshot))
    _add_deploy_report(gathered)
    await gathered.part("cluster", _add_cluster(gathered, snapshot, parts.further, kind))
    await gathered.part("logs", _add_logs(gathered, snapshot, parts.further))
    await gathered.part("posture timeline", _add_timeline(gathered, snapshot, parts.past))
    await gathered.part("alerts", _add_alerts(gathered, snapshot, parts.alerts))
    if kind is BundleKind.PRE_MARKET and parts.brief is not None:
        await gathered.part("brief", _add_brief(gathered, snapshot, parts.brief))
    return gathered


async def _add_readiness(
    gathered: _Gathered, seen: readiness.FloorLook, parts: JobParts, *, sample_health: bool
) -> None:
    """Judge readiness, with the deploy report that one of its checks asks for."""
    gathered.deploys = await make_report(seen.snapshot, parts, sample_health=sample_health)
    gathered.verdict = await readiness.check_readiness(seen, gathered.deploys, parts)


def _add_deploy_report(gathered: _Gathered) -> None:
    made = gathered.deploys
    if made is None:
        gathered.note("deploy report", gathered.broken["readiness"])
        return
    gathered.files |= made.files
    error = made.document["meta"]["cluster_error"]
    gathered.note("deploy report", "" if made.access else str(error))


async def _add_cluster(
    gathered: _Gathered, snapshot: FloorSnapshot, further: "ObjectReader | None", kind: BundleKind
) -> None:
    usage = kind is BundleKind.PRE_MARKET
    gathered.add(*await gather_cluster(snapshot, further, usage=usage))


async def _add_logs(
    gathered: _Gathered, snapshot: FloorSnapshot, further: "ObjectReader | None"
) -> None:
    logs, coverage = await gather_logs(snapshot, further)
    gathered.add(logs, [coverage])


async def _add_floor(gathered: _Gathered, snapshot: FloorSnapshot) -> None:
    gathered.files |= await asyncio.to_thread(_floor_files, snapshot)
    files, problem = marketdata_health(snapshot)
    gathered.files |= files
    gathered.note("marketdata health", problem)


async def _add_timeline(
    gathered: _Gathered, snapshot: FloorSnapshot, past: PastFloor | None
) -> None:
    if past is None:
        gathered.note("posture timeline", "no history is kept")
        return
    since, until = _day_of(snapshot)
    timeline, unwatched = await posture_timeline(past, since, until)
    gathered.files["posture_timeline.json"] = timeline
    gaps = tuple((f"{utc_text(b)} to {utc_text(e)}", "not watched") for b, e in unwatched)
    asked = round((until - since).total_seconds())
    lost = round(sum((e - b).total_seconds() for b, e in unwatched))
    gathered.coverage.append(SourceCoverage("posture timeline", asked, asked - lost, gaps))


async def _add_alerts(
    gathered: _Gathered, snapshot: FloorSnapshot, alerts: AlertStore | None
) -> None:
    """Add the alerts of the day; without history there are none to be read, which is a gap."""
    if alerts is None:
        gathered.note("alerts", "no history is kept")
        return
    since, until = _day_of(snapshot)
    told, problem = await alerts_of(alerts, since, until)
    gathered.files["alerts.json"] = encode_json(told, snapshot.label)
    gathered.note("alerts", problem)


async def _add_brief(gathered: _Gathered, snapshot: FloorSnapshot, sources: BriefSources) -> None:
    """Add the brief as of the look; what it could not read is a line of its own."""
    judged = gathered.verdict
    note = (
        ReadinessNote(judged.verdict.value, judged.code, "judged in this run") if judged else None
    )
    brief = await make_brief(sources, snapshot, snapshot.at, note)
    gathered.files["brief.md"] = brief_markdown(brief).encode()


def _day_of(snapshot: FloorSnapshot) -> tuple[datetime, datetime]:
    """Return from midnight of the session date, or of today, until just after the snapshot."""
    today = snapshot.session.session_date or in_new_york(snapshot.at).date()
    return instant_of(today, MIDNIGHT), snapshot.at + timedelta(microseconds=1)


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


SAMPLE_JOB = "intraday_sample"


async def sample_floor(parts: JobParts, origin: RunOrigin) -> LedgerEntry:
    """Look, and record what every service answered and how its pods fare; raises StorageError."""
    snapshot, _ = await parts.look()
    facts = origin.facts(SAMPLE_JOB, Ground.of(snapshot), parts.clock())
    files = await asyncio.to_thread(_floor_files, snapshot)  # a large floor's take a while
    return await parts.writer.record(Collection.OPS_RUNS, files, facts)


def _floor_files(snapshot: FloorSnapshot) -> dict[str, bytes]:
    return {
        "posture.json": encode_json(posture_document(snapshot), snapshot.label),
        "heartbeat.json": encode_json(heartbeat_document(snapshot), snapshot.label),
        "pods.json": encode_json(pods_document(snapshot), snapshot.label),
    }
