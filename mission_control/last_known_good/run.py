"""The last known good: read a namespace whole, decide what it is worth, record it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from mission_control.cluster.model.facts import KubernetesObject, list_source
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.ports import READING_SECONDS, CalendarReader, Clock, FurtherReader
from mission_control.history.past_floor import PastFloor
from mission_control.last_known_good.decide.manifest import ReadNamespace, make_manifest
from mission_control.last_known_good.decide.qualification import judge_pods, qualify, verify_capture
from mission_control.last_known_good.model import (
    LKG_LISTS,
    MANIFEST_NAME,
    METADATA_NAME,
    PRIORITY_CLASSES,
    LkgCapture,
    LkgManifest,
    LkgReason,
    LkgRefused,
    LkgStatus,
    NotKnown,
    SessionEvidence,
)
from mission_control.last_known_good.present import (
    components_document,
    manifest_bytes,
    metadata_document,
)
from mission_control.last_known_good.recorded import count_unchanged
from mission_control.last_known_good.session_evidence import opening_report, verdicts_of, watch_of
from mission_control.model.reading import Seen, Unseen, UnseenReason, say_unseen
from mission_control.model.session import MarketSession
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import RunWriter
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.recorded import NO_EVIDENCE
from mission_control.schedule.sources import DaySources

JOB = "lkg_capture"
CAPTURED, REFUSED = 0, 3
"""Exit codes of a capture; refusing is no internal error, and no capture either."""
LOOKED_BACK = timedelta(days=366)
"""So far back an unchanged capture is counted."""
_SOURCES = len(LKG_LISTS) + 2
"""Every list of the namespace, the priority classes, and the namespace itself."""


@dataclass(frozen=True, slots=True)
class LkgSources:
    """
    What a capture reads besides the floor; what is None is not configured.

    Without a calendar nobody can tell which session came before, and none is counted.
    """

    clock: Clock
    artifacts: ArtifactReader
    further: FurtherReader | None = None
    past: PastFloor | None = None
    calendar: CalendarReader | None = None


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """Which build is captured, as whoever starts the capture knows it; empty where nobody does."""

    git_sha: str = ""
    build_id: str = ""


async def capture_lkg(
    snapshot: FloorSnapshot, sources: LkgSources, build: BuildFacts
) -> LkgCapture | LkgRefused:
    """
    Capture the floor's namespace; nothing is touched, and nothing recorded yet.

    Any list that was denied, lost or not whole refuses the capture, for an object that was not
    read cannot be put back. Raises StorageError where the record cannot be read.
    """
    access = snapshot.fleet.access
    if sources.further is None or access is None:
        return LkgRefused(("no cluster is configured, so there is nothing to capture",))
    read = await _read(sources, sources.further, access.floor_namespace)
    if isinstance(read, LkgRefused):
        return read
    manifest = make_manifest(read)
    if isinstance(manifest, LkgRefused):
        return manifest
    content = manifest_bytes(manifest.items)
    if content is None:
        return LkgRefused(("the cluster answered with values that cannot be written down",))
    wrong = verify_capture(content, _as_verified(manifest, content))
    if wrong:
        return LkgRefused(wrong)
    status, reasons = await _judge(snapshot, sources, read, manifest)
    return await _complete(
        sources,
        LkgCapture(
            at=read.at,
            manifest=manifest,
            content=content,
            content_digest=hashlib.sha256(content).hexdigest(),
            status=status,
            reasons=reasons,
            session=snapshot.session,
            cluster=snapshot.fleet.cluster,
            identity=snapshot.cluster_identity,
            fleet_digest=snapshot.fleet.digest,
            git_sha=build.git_sha,
            build_id=build.build_id,
            label=snapshot.label,
        ),
    )


async def record_lkg(
    capture: LkgCapture,
    snapshot: FloorSnapshot,
    writer: RunWriter,
    clock: Clock,
    origin: RunOrigin,
    *,
    of_the_floor: bool = True,
) -> LedgerEntry:
    """
    Record a capture; only a GOOD one replaces the latest views. Raises StorageError.

    One that is the same as the one before is recorded all the same: that nothing changed in a
    session is what it proves. One of another than the configured floor is never the latest.
    """
    # The metadata name the manifest's digest, so they come first wherever these are replaced.
    files = {
        METADATA_NAME: encode_json(metadata_document(capture), capture.label),
        MANIFEST_NAME: capture.content,
    }
    coverage = SourceCoverage("lkg", _SOURCES, _SOURCES)
    ground = replace(Ground.of(snapshot), coverage=coverage)
    notes = {"status": capture.status.value, "content_digest": capture.content_digest}
    facts = origin.facts(JOB, ground, clock(), exit_code=CAPTURED, notes=notes)
    is_latest = capture.status is LkgStatus.GOOD and of_the_floor
    return await writer.record(Collection.LKG, files, facts, is_latest=is_latest)


async def _read(
    sources: LkgSources, further: FurtherReader, namespace: str
) -> ReadNamespace | LkgRefused:
    """Read everything at once; all that was not seen is named."""
    at = sources.clock()
    further = further.within(READING_SECONDS)
    wanted = [(resource, namespace) for resource in LKG_LISTS]
    wanted.append((PRIORITY_CLASSES, ""))
    itself, lists = await asyncio.gather(
        further.namespace(namespace),
        asyncio.gather(*(further.objects(*each) for each in wanted)),
    )
    lost = list[str]()
    held = dict[str, tuple[KubernetesObject, ...]]()
    for (resource, within), reading in zip(wanted, lists, strict=True):
        if isinstance(reading, Seen):
            held[resource] = reading.value
        else:
            lost.append(_say_lost(list_source(resource, within), reading))
    if isinstance(itself, Unseen):
        absent = itself.reason is UnseenReason.NOT_OFFERED
        told = f"there is no namespace {namespace}"
        lost.append(told if absent else _say_lost(f"the namespace {namespace}", itself))
    if lost or isinstance(itself, Unseen):
        return LkgRefused(tuple(sorted(lost)))
    return ReadNamespace(namespace, itself.value, held, at)


def _as_verified(manifest: LkgManifest, content: bytes) -> Mapping[str, Any]:
    """Give of the metadata what a verification reads: none is recorded that would fail it."""
    address = hashlib.sha256(content).hexdigest()
    return {**components_document(manifest), "content_digest": address}


def _say_lost(source: str, reading: Unseen) -> str:
    return f"{source} was not seen: {say_unseen(reading)}"


async def _judge(
    snapshot: FloorSnapshot, sources: LkgSources, read: ReadNamespace, manifest: LkgManifest
) -> tuple[LkgStatus, tuple[LkgReason, ...]]:
    """Gather how the session went, and say what the capture is worth."""
    session, posture = snapshot.session, snapshot.posture
    unknown = NotKnown("no session belongs to this capture")
    evidence = SessionEvidence(
        now=read.at,
        session=session,
        fleet_digest=snapshot.fleet.digest,
        cluster=snapshot.cluster_identity,
        posture=posture.verdict,
        posture_codes=tuple(f"{r.code} of {r.subject}" for r in posture.reasons),
        watched=unknown,
        readiness=unknown,
        opening=unknown,
    )
    pods = tuple[LkgReason, ...]()
    if session.open is not None:
        evidence = await _gather(snapshot, sources, session, evidence)
        lists = read.lists
        pods = tuple(
            judge_pods(manifest.components, lists["pods"], lists["replicasets"], session.open)
        )
    return qualify(evidence, components_document(manifest), manifest.switch, pods)


async def _gather(
    snapshot: FloorSnapshot,
    sources: LkgSources,
    session: MarketSession,
    evidence: SessionEvidence,
) -> SessionEvidence:
    on, opened, closed = session.session_date, session.open, session.close
    if on is None or opened is None or closed is None:
        return evidence
    return replace(
        evidence,
        watched=await watch_of(sources.past, snapshot.fleet, (opened, closed)),
        readiness=await verdicts_of(sources.artifacts, on),
        opening=await opening_report(sources.artifacts, on, opened),
    )


async def _complete(sources: LkgSources, capture: LkgCapture) -> LkgCapture:
    """Add for how many sessions nothing changed."""
    on, opened = capture.session.session_date, capture.session.open
    before = list[date]()
    if sources.calendar is not None and on is not None and opened is not None:
        known = sources.calendar.sessions_between(opened - LOOKED_BACK, opened)
        before = sorted((s.session_date for s in known if s.session_date < on), reverse=True)
    sessions, same_as = await count_unchanged(sources.artifacts, capture, on, before)
    return replace(capture, unchanged_for_sessions=sessions, same_as=same_as)


class CaptureRefused(Exception):  # noqa: N818  (a planned run's way to say that there is none)
    """Nothing was captured, and nothing was touched; says why."""


FindBuild = Callable[[], Awaitable[BuildFacts]]


async def run_lkg(
    sources: DaySources, origin: RunOrigin, *, calendar: CalendarReader, find_build: FindBuild
) -> LedgerEntry:
    """
    Capture and record once a session has closed, as its planned run does.

    Raises CaptureRefused where there can be no capture, StorageError where none can be recorded.
    """
    read = sources.readiness
    if read.artifacts is None:
        raise CaptureRefused("nothing is recorded here, so nothing can be compared")
    snapshot, _ = await sources.look()
    known = LkgSources(read.clock, read.artifacts, read.further, sources.past, calendar)
    made = await capture_lkg(snapshot, known, await find_build())
    if isinstance(made, LkgRefused):
        raise CaptureRefused("; ".join(made.reasons))
    return await record_lkg(made, snapshot, sources.writer, read.clock, origin)


async def record_refusal(
    refused: LkgRefused,
    snapshot: FloorSnapshot,
    writer: RunWriter,
    clock: Clock,
    origin: RunOrigin,
) -> LedgerEntry:
    """
    Record that a planned capture was refused, with every reason; nothing of the LKG is touched.

    Its notes tell the plan that it produced no evidence, for its exit code is no error's. Raises
    StorageError.
    """
    notes = NO_EVIDENCE | {"detail": "; ".join(refused.reasons)[:300]}
    facts = origin.facts(JOB, Ground.of(snapshot), clock(), exit_code=REFUSED, notes=notes)
    files = {"refused.txt": "".join(f"REFUSED: {r}\n" for r in refused.reasons).encode()}
    return await writer.record(Collection.OPS_RUNS, files, facts)
