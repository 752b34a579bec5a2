"""Recorded reports, found in the ledger and read back; latest views are never read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import orjson

from mission_control.cluster.decide.identity import read_identity
from mission_control.errors import StorageError
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery, LedgerEntry

READINESS_JSON, DEPLOY_JSON = "readiness_report.json", "deploy_report.json"
MAX_BYTES = 64 * 1024 * 1024
LATEST, PREVIOUS = "latest", "previous"
MOST_COMPARED = 500

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """One recorded report: the ledger's line of its run, and what it says."""

    entry: LedgerEntry
    document: Document


class NoSuchReport(Exception):  # noqa: N818  (an answer to a question, not a failure)
    """A reference that leads to no recorded report; says which."""


async def list_reports(
    artifacts: ArtifactReader, name: str, limit: int = MOST_COMPARED
) -> Sequence[LedgerEntry]:
    """List the runs that hold a report of that file name, newest first; raises StorageError."""
    return (await artifacts.page(ArtifactQuery(limit=limit, holding=name))).entries


async def newest_by_session(
    artifacts: ArtifactReader, job: str, name: str, session: date | None = None
) -> Sequence[LedgerEntry]:
    """
    List each session's newest run of a job that holds a file of that name; raises StorageError.

    With `session` only that one's, else the latest session first: a run for an earlier one that
    was made again lately does not come before it. A run that failed holds no report, and hides
    none that was made before it.
    """
    query = ArtifactQuery(limit=MOST_COMPARED, job=job, session_date=session, holding=name)
    newest = dict[str, LedgerEntry]()
    for entry in (await artifacts.page(query)).entries:
        newest.setdefault(entry.session_date or "", entry)
    return [newest[at] for at in sorted(newest, reverse=True)]


async def latest_report(artifacts: ArtifactReader, name: str) -> RecordedReport | None:
    """Return the newest recorded report; None where none is recorded. Raises StorageError."""
    entries = await list_reports(artifacts, name, 1)
    return await read_report(artifacts, entries[0], name) if entries else None


async def find_report(artifacts: ArtifactReader, reference: str, name: str) -> RecordedReport:
    """
    Return the report that a reference means: `latest`, `previous`, a run's path or its name.

    Raises NoSuchReport for a reference to none, StorageError where it cannot be read.
    """
    entries = await list_reports(artifacts, name)
    positions = {LATEST: 0, PREVIOUS: 1}
    if reference in positions:
        at = positions[reference]
        if at >= len(entries):
            raise NoSuchReport(f"there is no {reference} report: {len(entries)} are recorded")
        return await read_report(artifacts, entries[at], name)
    for entry in entries:
        if reference.rstrip("/") in {entry.path, entry.path.rpartition("/")[2]}:
            return await read_report(artifacts, entry, name)
    raise NoSuchReport(f"no recorded report is called {reference[:120]!r}")


async def read_report(artifacts: ArtifactReader, entry: LedgerEntry, name: str) -> RecordedReport:
    """Read a run's report; one that is not as it was recorded is a StorageError."""
    content = await _read_file(artifacts, entry, name)
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise StorageError(f"the report is not JSON: {error}", path=entry.path) from None
    if not isinstance(document, dict):
        raise StorageError("the report is not a JSON object", path=entry.path)
    return RecordedReport(entry, cast("Document", document))


async def read_markdown(artifacts: ArtifactReader, entry: LedgerEntry, name: str) -> bytes:
    """Read a run's report for people; raises StorageError."""
    return await _read_file(artifacts, entry, f"{name.removesuffix('.json')}.md")


async def _read_file(artifacts: ArtifactReader, entry: LedgerEntry, name: str) -> bytes:
    file = entry.file_named(name)
    if file is None:
        raise StorageError(f"the run holds no {name}", path=entry.path)
    recorded = await artifacts.read(file, MAX_BYTES)
    if not recorded.intact:
        raise StorageError("the report is not as it was recorded", path=file.path)
    return recorded.content


def _instant(text: object) -> datetime | None:
    """Read an instant; one without a zone is none, for it could be any hour."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def generated_at(document: Document) -> datetime | None:
    """Return when a deploy report was made, as it says itself; None where it does not."""
    meta = document.get("meta")
    if not isinstance(meta, Mapping):
        return None
    return _instant(cast("Document", meta).get("generated_utc"))


def recorded_verdict(report: RecordedReport) -> RecordedVerdict:
    """Return the verdict in a recorded readiness report; anything odd in it is NO-GO."""
    document = report.document
    go = document.get("verdict") == ReadinessVerdict.GO.value and document.get("ready") is True
    at = _instant(document.get("evidence_utc"))
    date = document.get("session_date")
    return RecordedVerdict(
        at or datetime.fromisoformat(report.entry.at),
        date if isinstance(date, str) else None,
        ReadinessVerdict.GO if go and at is not None else ReadinessVerdict.NO_GO,
        str(document.get("code") or ""),
        str(document.get("fleet_digest") or ""),
        read_identity(document.get("cluster_identity")),
    )
