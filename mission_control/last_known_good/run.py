"""The last known good: read a namespace whole, decide what it is worth, record it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from mission_control.cluster.model.facts import KubernetesObject, list_source
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
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
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.job import READING_SECONDS, JobParts

if TYPE_CHECKING:
    from mission_control.cluster.read.objects import ObjectReader

JOB = "lkg_capture"
CAPTURED = 0
LOOKED_BACK = timedelta(days=366)
"""So far back an unchanged capture is counted."""
_SOURCES = len(LKG_LISTS) + 2
"""Every list of the namespace, the priority classes, and the namespace itself."""


class CaptureRefused(Exception):  # noqa: N818  (a run's way to say that there is no capture)
    """Nothing was captured, and nothing was touched; `reasons` say why."""

    def __init__(self, refused: LkgRefused) -> None:
        """Keep the reasons apart, so that each can be a line of its own."""
        self.reasons = refused.reasons
        super().__init__("; ".join(refused.reasons))


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """Which build is captured, as far as the caller knows; empty where it does not."""

    git_sha: str = ""
    build_id: str = ""


async def run(
    parts: JobParts,
    origin: RunOrigin,
    *,
    find_build: Callable[[], Awaitable[BuildFacts]],
    of_the_floor: bool = True,
) -> tuple[LkgCapture, LedgerEntry]:
    """
    Look, capture and record; `of_the_floor` is false for a capture of another than the configured.

    Raises CaptureRefused where there can be no capture, StorageError where none can be recorded.
    """
    snapshot, _ = await parts.look()
    made = await capture_lkg(snapshot, parts, await find_build())
    if isinstance(made, LkgRefused):
        raise CaptureRefused(made)
    return made, await record_lkg(made, snapshot, parts, origin, of_the_floor=of_the_floor)


async def capture_lkg(
    snapshot: FloorSnapshot, parts: JobParts, build: BuildFacts
) -> LkgCapture | LkgRefused:
    """
    Capture the floor's namespace; nothing is touched, and nothing recorded yet.

    Any list that was denied, lost or not whole refuses the capture, for an object that was not
    read cannot be put back. Raises StorageError where the record cannot be read.
    """
    access = snapshot.fleet.access
    if parts.further is None or access is None:
        return LkgRefused(("no cluster is configured, so there is nothing to capture",))
    read = await _read(parts, parts.further, access.floor_namespace)
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
    status, reasons = await _judge(snapshot, parts, read, manifest)
    return await _complete(
        parts,
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
    parts: JobParts,
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
    facts = origin.facts(JOB, ground, parts.clock(), exit_code=CAPTURED, notes=notes)
    is_latest = capture.status is LkgStatus.GOOD and of_the_floor
    return await parts.writer.record(Collection.LKG, files, facts, is_latest=is_latest)


async def _read(
    parts: JobParts, further: "ObjectReader", namespace: str
) -> ReadNamespace | LkgRefused:
    """Read everything at once; all that was not seen is named."""
    at = parts.clock()
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
    """Return of the metadata what a verification reads: none is recorded that would fail it."""
    address = hashlib.sha256(content).hexdigest()
    return {**components_document(manifest), "content_digest": address}


def _say_lost(source: str, reading: Unseen) -> str:
    return f"{source} was not seen: {say_unseen(reading)}"


async def _judge(
    snapshot: FloorSnapshot, parts: JobParts, read: ReadNamespace, manifest: LkgManifest
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
        evidence = await _gather(snapshot, parts, session, evidence)
        lists = read.lists
        pods = tuple(
            judge_pods(manifest.components, lists["pods"], lists["replicasets"], session.open)
        )
    return qualify(evidence, components_document(manifest), manifest.switch, pods)


async def _gather(
    snapshot: FloorSnapshot,
    parts: JobParts,
    session: MarketSession,
    evidence: SessionEvidence,
) -> SessionEvidence:
    on, opened, closed = session.session_date, session.open, session.close
    if on is None or opened is None or closed is None:
        return evidence
    return replace(
        evidence,
        watched=await watch_of(parts.past, snapshot.fleet, (opened, closed)),
        readiness=await verdicts_of(parts.artifacts, on),
        opening=await opening_report(parts.artifacts, on, opened),
    )


async def _complete(parts: JobParts, capture: LkgCapture) -> LkgCapture:
    """Add for how many sessions nothing changed."""
    on, opened = capture.session.session_date, capture.session.open
    before = list[date]()
    if on is not None and opened is not None:
        known = parts.calendar.sessions_between(opened - LOOKED_BACK, opened)
        before = sorted((s.session_date for s in known if s.session_date < on), reverse=True)
    sessions, same_as = await count_unchanged(parts.artifacts, capture, on, before)
    return replace(capture, unchanged_for_sessions=sessions, same_as=same_as)
