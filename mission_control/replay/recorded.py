"""Recorded replays, found in the ledger and read back, each file held against its digest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mission_control.documents.instants import new_york_text
from mission_control.errors import StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import (
    RUN_FILE,
    ArtifactFile,
    ArtifactQuery,
    Collection,
    LedgerEntry,
)
from mission_control.records.present import run_entry_document
from mission_control.records.recorded_reports import LATEST, PREVIOUS
from mission_control.records.recovery import MAX_ACCOUNT_BYTES
from mission_control.replay.present.listed import ListedReplay, RecordedFiles, listed_replay
from mission_control.replay.present.read_back import (
    ReadAccount,
    ReadReplay,
    read_account,
    read_replay,
)
from mission_control.replay.record import JOB

MAX_JSON_BYTES = 32 * 1024 * 1024
"""A larger replay is not taken apart for an answer; its files are there to be read."""
MOST_SOUGHT = 500
"""So many of the newest replays can be referred to by their name."""


class NoSuchReplay(Exception):  # noqa: N818  (an answer to a question, not a failure)
    """A reference that leads to no recorded replay; says which."""


@dataclass(frozen=True, slots=True)
class ReplayTooLarge(Exception):  # noqa: N818  (an answer to a question, not a failure)
    """A recorded replay that is too large to be taken apart; `listed` is what is told of it."""

    listed: ListedReplay
    size: int


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """Recorded replays, newest first; `next_before` asks for the page after."""

    replays: tuple[ListedReplay, ...]
    next_before: int | None


async def list_replays(artifacts: ArtifactReader, limit: int, before: int | None) -> ReplayPage:
    """List replays with their answers; one that cannot be read is listed as that."""
    page = await artifacts.page(ArtifactQuery(limit=limit, before=before, job=JOB))
    return ReplayPage(
        tuple([await _listed(artifacts, entry) for entry in page.entries]), page.next_before
    )


async def find_replay(artifacts: ArtifactReader, reference: str) -> tuple[ListedReplay, ReadReplay]:
    """
    Return the replay that a reference means: `latest`, `previous`, or the path of a file of it.

    Raises NoSuchReplay for a reference to none, ReplayTooLarge, and StorageError.
    """
    entry = await _entry(artifacts, reference)
    listed = await _listed(artifacts, entry)
    file = _file(entry, ".json")
    if file.size > MAX_JSON_BYTES:
        raise ReplayTooLarge(listed, file.size)
    return listed, read_replay(await _read(artifacts, file, MAX_JSON_BYTES), file.path)


async def _entry(artifacts: ArtifactReader, reference: str) -> LedgerEntry:
    page = await artifacts.page(ArtifactQuery(limit=MOST_SOUGHT, job=JOB))
    entries = page.entries
    at = {LATEST: 0, PREVIOUS: 1}.get(reference)
    if at is not None:
        if at >= len(entries):
            raise NoSuchReplay(f"there is no {reference} replay: {len(entries)} are recorded")
        return entries[at]
    wanted = reference.strip("/")
    for entry in entries:
        if (
            wanted in {f.path for f in entry.files}
            or f"/{wanted}" == entry.path[-len(wanted) - 1 :]
        ):
            return entry
    raise NoSuchReplay(f"no recorded replay is called {reference[:120]!r}")


async def _listed(artifacts: ArtifactReader, entry: LedgerEntry) -> ListedReplay:
    account, problem = None, ""
    try:
        account = await _account(artifacts, entry)
    except StorageError as error:
        problem = str(error)
    told: dict[str, Any] = run_entry_document(entry)
    at_et = new_york_text(datetime.fromisoformat(entry.at))
    files = RecordedFiles(entry.path, entry.at, at_et, entry.session_date, tuple(told["files"]))
    return listed_replay(files, account, problem)


async def _account(artifacts: ArtifactReader, entry: LedgerEntry) -> ReadAccount:
    file = _file(entry, f".{RUN_FILE}")
    return read_account(await _read(artifacts, file, MAX_ACCOUNT_BYTES), file.path)


def _file(entry: LedgerEntry, ending: str) -> ArtifactFile:
    """Return the file of a replay with that ending; raises StorageError where it has none."""
    stem = entry.path.removesuffix(".md")
    found = next((f for f in entry.files if f.path == f"{stem}{ending}"), None)
    if found is None or not stem.startswith(f"{Collection.REPLAYS.value}/"):
        raise StorageError(f"the replay has no {ending} file", path=entry.path)
    return found


async def _read(artifacts: ArtifactReader, file: ArtifactFile, limit: int) -> bytes:
    recorded = await artifacts.read(file, limit)
    if not recorded.intact:
        raise StorageError("it is not as it was recorded", path=file.path)
    return recorded.content
