"""Recorded captures of the last known good, found in the ledger and read back."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import cast

import orjson

from mission_control.cluster.decide.identity import Sameness, compare_clusters, read_identity
from mission_control.cluster.model.facts import NOTHING_CAPTURED, CapturedWorkloads
from mission_control.errors import StorageError
from mission_control.last_known_good.decide.changes import compare_manifests
from mission_control.last_known_good.decide.parts import running_in
from mission_control.last_known_good.decide.qualification import verify_capture
from mission_control.last_known_good.model import (
    MANIFEST_NAME,
    METADATA_NAME,
    ComparedCaptures,
    FoundGood,
    LkgCapture,
    RecordedLkg,
)
from mission_control.model.clock import Clock
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Fleet
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery, Collection, LedgerEntry
from mission_control.records.recorded_reports import (
    LATEST,
    MAX_BYTES,
    PREVIOUS,
    Document,
    NoSuchReport,
    read_report,
)

KEEPS = timedelta(minutes=5)
"""As long as what a verification of everything found is kept: damage is told by then."""
REMEMBERED = 1_024

Known = tuple[datetime, RecordedLkg]
Key = tuple[str, str, str]


@dataclass(slots=True)
class CaptureCache:
    """Keeps captures by their path and the digests that the ledger has of them, for a while."""

    clock: Clock
    _known: dict[Key, Known] = field(default_factory=dict[Key, Known])

    def get(self, entry: LedgerEntry) -> RecordedLkg | None:
        """Return a capture as it was read lately; None for one that has to be read."""
        at, found = self._known.get(_key(entry), (None, None))
        now = self.clock()
        return found if at is not None and at <= now < at + KEEPS else None

    def keep(self, found: RecordedLkg) -> None:
        """Keep a capture; one that cannot be believed is read again, for it may be mended."""
        if found.problem:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[_key(found.entry)] = self.clock(), found

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._known)


def _key(entry: LedgerEntry) -> Key:
    files = (entry.file_named(name) for name in (MANIFEST_NAME, METADATA_NAME))
    manifest, metadata = (file.sha256 if file else "" for file in files)
    return entry.path, manifest, metadata


GOOD = "good"
"""The reference that means the newest capture whose status is GOOD."""
MOST_LISTED = 50
_FOLDER = f"{Collection.LKG.value}/"


async def list_captures(
    artifacts: ArtifactReader, limit: int = MOST_LISTED, cache: CaptureCache | None = None
) -> Sequence[RecordedLkg]:
    """Read the newest captures, newest first; raises StorageError where the ledger is lost."""
    page = await artifacts.page(ArtifactQuery(limit=limit, holding=MANIFEST_NAME))
    return [await _read(artifacts, e, cache) for e in page.entries if e.path.startswith(_FOLDER)]


async def newest_good(
    artifacts: ArtifactReader,
    namespace: str | None = None,
    cache: CaptureCache | None = None,
    *,
    cluster: ClusterIdentity | None,
) -> FoundGood:
    """
    Find the newest GOOD capture, of that namespace if one is named; raises StorageError.

    One that is known to be of another cluster than `cluster` is passed over; None asks for that
    of any. Newer ones that cannot be believed are doubts: any of them may have been the last known
    good.
    """
    doubts, foreign = list[str](), list[str]()
    async for entry in _newest(artifacts):
        found = await _read(artifacts, entry, cache)
        if found.problem:
            doubts.append(f"the capture {entry.path}: {found.problem}")
        elif found.is_good and namespace in {None, found.namespace}:
            compared = compare_clusters(cluster_of(found), cluster)
            if cluster is None or compared.sameness is not Sameness.DIFFERENT:
                return FoundGood(found, tuple(doubts), tuple(foreign))
            if len(foreign) < MOST_LISTED:
                foreign.append(f"the capture {entry.path} is of another cluster: {compared.detail}")
    return FoundGood(None, tuple(doubts), tuple(foreign))


def cluster_of(capture: RecordedLkg) -> ClusterIdentity | None:
    """Return which cluster a capture is of; None where it does not say, as old ones do not."""
    return read_identity(capture.metadata.get("cluster_identity"))


async def find_captured_workloads(
    artifacts: ArtifactReader,
    fleet: Fleet,
    cache: CaptureCache | None = None,
    *,
    cluster: ClusterIdentity,
) -> CapturedWorkloads:
    """
    Return what ran at the last known good of the floor's namespace, on this very cluster.

    Where no capture counts nothing did, and the note says why: what runs now is then known from
    the inventory and the fleet file alone.
    """
    if fleet.access is None:
        return NOTHING_CAPTURED
    try:
        namespace = fleet.access.floor_namespace
        good = await newest_good(artifacts, namespace, cache, cluster=cluster)
        if good.capture is None:
            told = (NOTHING_CAPTURED.note, *good.doubts, *good.of_other_clusters)
            return CapturedWorkloads(note="; ".join(told))
        compared = compare_clusters(cluster_of(good.capture), cluster)
        if compared.sameness is not Sameness.SAME:
            note = f"the last known good ({good.capture.entry.path}) does not count:"
            return CapturedWorkloads(note=f"{note} {compared.warning}")
        content = await read_manifest(artifacts, good.capture)
        running = running_in(_document(content, good.capture.entry))
    except StorageError as error:
        return CapturedWorkloads(note=f"the record cannot be read: {error}")
    return CapturedWorkloads(running, good.capture.entry.path)


async def find_capture(
    artifacts: ArtifactReader, reference: str
) -> tuple[RecordedLkg, tuple[str, ...]]:
    """
    Return the capture that a reference means: `latest`, `previous`, `good`, a run's path or name.

    Beside it are the doubts about whether it is the one that is meant: they are about `good`.
    Raises NoSuchReport for a reference to none, StorageError where the ledger cannot be read.
    """
    if reference == GOOD:
        good = await newest_good(artifacts, cluster=None)
        if good.capture is None:
            raise NoSuchReport("; ".join(("no capture is GOOD", *good.doubts)))
        return good.capture, good.doubts
    at, held = {LATEST: 0, PREVIOUS: 1}.get(reference), 0
    wanted = reference.rstrip("/")
    async for entry in _newest(artifacts):
        if held == at or (at is None and wanted in {entry.path, entry.path.rpartition("/")[2]}):
            return await _read(artifacts, entry), ()
        held += 1
    if at is not None:
        raise NoSuchReport(f"there is no {reference} capture: {held} are recorded")
    raise NoSuchReport(f"no recorded capture is called {reference[:120]!r}")


async def read_manifest(artifacts: ArtifactReader, capture: RecordedLkg) -> bytes:
    """Read a capture's manifest; one that is not as it was recorded is a StorageError."""
    file = capture.entry.file_named(MANIFEST_NAME)
    if file is None:
        raise StorageError(f"the run holds no {MANIFEST_NAME}", path=capture.entry.path)
    recorded = await artifacts.read(file, MAX_BYTES)
    if not recorded.intact:
        raise StorageError("the manifest is not as it was recorded", path=file.path)
    return recorded.content


async def count_unchanged(
    artifacts: ArtifactReader,
    capture: LkgCapture,
    session_date: date | None,
    sessions_before: Iterable[date],
) -> tuple[int, str | None]:
    """
    Count the earlier sessions whose captures hold the same, and name the newest such capture.

    `sessions_before` are those before the one of `session_date`, the latest first. What is
    captured while a session is not over proves nothing of it. Captures of other namespaces and
    clusters are passed over. The first that differs, or that cannot be believed, ends the count,
    and so does a session without a capture. Raises StorageError.
    """
    expected, newest = iter(sessions_before), None
    counted = {session_date.isoformat() if session_date else None}
    async for entry in _newest(artifacts):
        found = await _read(artifacts, entry)
        if not found.problem and found.namespace != capture.manifest.namespace:
            continue
        clusters = compare_clusters(cluster_of(found), capture.identity)
        if not found.problem and clusters.sameness is Sameness.DIFFERENT:
            continue
        if found.problem or clusters.warning or found.content_digest != capture.content_digest:
            break
        if entry.session_date not in counted and found.closes_a_session:
            before = next(expected, None)
            if before is None or entry.session_date != before.isoformat():
                break
            counted.add(entry.session_date)
        newest = newest or entry.path
    return len(counted) - 1, newest


async def _newest(artifacts: ArtifactReader) -> AsyncGenerator[LedgerEntry]:
    """Yield every recorded capture, newest first, a page at a time."""
    before: int | None = None
    while True:
        query = ArtifactQuery(limit=MOST_LISTED, before=before, holding=MANIFEST_NAME)
        page = await artifacts.page(query)
        for entry in page.entries:
            if entry.path.startswith(_FOLDER):
                yield entry
        if page.next_before is None:
            return
        before = page.next_before


async def _read(
    artifacts: ArtifactReader, entry: LedgerEntry, cache: CaptureCache | None = None
) -> RecordedLkg:
    """Read a capture, or return it as it was read lately."""
    known = cache.get(entry) if cache is not None else None
    if known is None:
        known = await _read_now(artifacts, entry)
        if cache is not None:
            cache.keep(known)
    return known


async def _read_now(artifacts: ArtifactReader, entry: LedgerEntry) -> RecordedLkg:
    """
    Read a capture, and whether it can be believed.

    The manifest is read where it may be put back: in a GOOD one. `verify` reads any.
    """
    try:
        metadata = (await read_report(artifacts, entry, METADATA_NAME)).document
        found = RecordedLkg(entry, metadata)
        if found.is_good:
            await read_manifest(artifacts, found)
    except StorageError as error:
        return RecordedLkg(entry, {}, f"it cannot be believed: {error}")
    if metadata.get("content_digest") != found.content_digest:
        return RecordedLkg(entry, {}, "its metadata are about another manifest")
    return found


async def compare_captures(artifacts: ArtifactReader, before: str, after: str) -> ComparedCaptures:
    """
    Compare two captures by their references.

    Raises NoSuchReport for a reference to none, and StorageError where a manifest cannot be read.
    """
    old, doubts = await find_capture(artifacts, before)
    new, others = await find_capture(artifacts, after)
    manifests = [_document(await read_manifest(artifacts, each), each.entry) for each in (old, new)]
    gaps = tuple(dict.fromkeys((*doubts, *others)))
    clusters = compare_clusters(cluster_of(old), cluster_of(new)).warning
    return ComparedCaptures(old, new, compare_manifests(*manifests), gaps, clusters)


async def verify_recorded(
    artifacts: ArtifactReader, reference: str
) -> tuple[RecordedLkg, tuple[str, ...]]:
    """
    Say everything that is wrong with a recorded capture; raises NoSuchReport for no such one.

    Every file of its run is compared with the ledger, and then read. That another one may be the
    one that is meant is wrong as well.
    """
    found, doubts = await find_capture(artifacts, reference)
    problems = [*doubts, *([found.problem] if found.problem else [])]
    content = b""
    for file in found.entry.files:
        try:
            recorded = await artifacts.read(file, MAX_BYTES)
        except StorageError as error:
            problems.append(str(error))
            continue
        if not recorded.intact:
            problems.append(f"{file.path} is not as it was recorded")
        if file.path.endswith(f"/{MANIFEST_NAME}"):
            content = recorded.content
    problems += verify_capture(content, found.metadata)
    return found, tuple(dict.fromkeys(problems))


def _document(content: bytes, entry: LedgerEntry) -> Document:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise StorageError(f"the manifest is not JSON: {error}", path=entry.path) from None
    if not isinstance(document, dict):
        raise StorageError("the manifest is no JSON object", path=entry.path)
    return cast("Document", document)
