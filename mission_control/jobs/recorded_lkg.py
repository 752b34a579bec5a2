"""Jobs: recorded captures of the last known good, found in the ledger and read back."""

from collections.abc import Sequence
from typing import cast

import orjson

from mission_control.decide.lkg.capture_diff import compare_manifests
from mission_control.decide.lkg.verification import verify_capture
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactQuery, ArtifactsReader
from mission_control.jobs.recorded_reports import (
    LATEST,
    MAX_BYTES,
    MOST_COMPARED,
    PREVIOUS,
    Document,
    NoSuchReport,
    read_report,
)
from mission_control.model.artifact import Collection, LedgerEntry
from mission_control.model.lkg import (
    MANIFEST_NAME,
    METADATA_NAME,
    ComparedCaptures,
    RecordedLkg,
)

GOOD = "good"
"""The reference that means the newest capture whose status is GOOD."""
MOST_LISTED = 50
_FOLDER = f"{Collection.LKG.value}/"


async def list_captures(
    artifacts: ArtifactsReader, limit: int = MOST_LISTED
) -> Sequence[RecordedLkg]:
    """Read the newest captures, newest first; raises StorageError where the ledger is lost."""
    return [await _read(artifacts, entry) for entry in await _entries(artifacts, limit)]


async def newest_good(
    artifacts: ArtifactsReader, namespace: str | None = None
) -> RecordedLkg | None:
    """Give the newest GOOD capture, of that namespace if one is named; raises StorageError."""
    for entry in await _entries(artifacts, MOST_COMPARED):
        found = await _read(artifacts, entry)
        if found.is_good and namespace in {None, found.namespace}:
            return found
    return None


async def find_capture(artifacts: ArtifactsReader, reference: str) -> RecordedLkg:
    """
    Give the capture that a reference means: `latest`, `previous`, `good`, a run's path or name.

    Raises NoSuchReport for a reference to none, StorageError where the ledger cannot be read.
    """
    if reference == GOOD:
        good = await newest_good(artifacts)
        if good is None:
            raise NoSuchReport("no capture is GOOD")
        return good
    entries = await _entries(artifacts, MOST_COMPARED)
    positions = {LATEST: 0, PREVIOUS: 1}
    if reference in positions:
        at = positions[reference]
        if at >= len(entries):
            raise NoSuchReport(f"there is no {reference} capture: {len(entries)} are recorded")
        return await _read(artifacts, entries[at])
    for entry in entries:
        if reference.rstrip("/") in {entry.path, entry.path.rpartition("/")[2]}:
            return await _read(artifacts, entry)
    raise NoSuchReport(f"no recorded capture is called {reference[:120]!r}")


async def read_manifest(artifacts: ArtifactsReader, capture: RecordedLkg) -> bytes:
    """Read a capture's manifest; one that is not as it was recorded is a StorageError."""
    file = capture.entry.file_named(MANIFEST_NAME)
    if file is None:
        raise StorageError(f"the run holds no {MANIFEST_NAME}", path=capture.entry.path)
    recorded = await artifacts.read(file, MAX_BYTES)
    if not recorded.intact:
        raise StorageError("the manifest is not as it was recorded", path=file.path)
    return recorded.content


async def count_unchanged(
    artifacts: ArtifactsReader, namespace: str, content_digest: str, session_date: str | None
) -> tuple[int, str | None]:
    """
    Count the earlier sessions whose captures hold the same, and name the newest such capture.

    Captures of other namespaces are passed over. The first that differs, or that cannot be
    believed, ends the count. Raises StorageError.
    """
    sessions, newest = set[str](), None
    for entry in await _entries(artifacts, MOST_COMPARED):
        found = await _read(artifacts, entry)
        if not found.problem and found.namespace != namespace:
            continue
        if found.problem or found.content_digest != content_digest:
            break
        newest = newest or entry.path
        if entry.session_date is not None:
            sessions.add(entry.session_date)
    return len(sessions - {session_date}), newest


async def _entries(artifacts: ArtifactsReader, limit: int) -> Sequence[LedgerEntry]:
    page = await artifacts.page(ArtifactQuery(limit=limit, holding=MANIFEST_NAME))
    return [e for e in page.entries if e.path.startswith(_FOLDER)]


async def _read(artifacts: ArtifactsReader, entry: LedgerEntry) -> RecordedLkg:
    """Read a capture, and whether both of its files can be believed."""
    try:
        metadata = (await read_report(artifacts, entry, METADATA_NAME)).document
        found = RecordedLkg(entry, metadata)
        await read_manifest(artifacts, found)
    except StorageError as error:
        return RecordedLkg(entry, {}, f"it cannot be believed: {error}")
    if metadata.get("content_digest") != found.content_digest:
        return RecordedLkg(entry, {}, "its metadata are about another manifest")
    return found


async def compare_captures(artifacts: ArtifactsReader, before: str, after: str) -> ComparedCaptures:
    """
    Compare two captures by their references.

    Raises NoSuchReport for a reference to none, and StorageError where a manifest cannot be read.
    """
    old, new = await find_capture(artifacts, before), await find_capture(artifacts, after)
    manifests = [_document(await read_manifest(artifacts, each), each.entry) for each in (old, new)]
    return ComparedCaptures(old, new, compare_manifests(*manifests))


async def verify_recorded(
    artifacts: ArtifactsReader, reference: str
) -> tuple[RecordedLkg, tuple[str, ...]]:
    """
    Say everything that is wrong with a recorded capture; raises NoSuchReport for no such one.

    Every file of its run is compared with the ledger, and then read.
    """
    found = await find_capture(artifacts, reference)
    problems = [found.problem] if found.problem else []
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
