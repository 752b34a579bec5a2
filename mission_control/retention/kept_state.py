"""How the durable copy and retention stand, read back from what was recorded of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mission_control.durable_copy import run as earlier_copies
from mission_control.durable_copy.decide.copy import judge_copy
from mission_control.durable_copy.model import CopyStanding, CopyState, Pending
from mission_control.durable_copy.present import DurableCopyDocument, durable_copy_document
from mission_control.errors import StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery, LedgerHead
from mission_control.records.recorded_reports import latest_report, list_reports, read_report
from mission_control.retention import run as report_retention
from mission_control.retention.present import RetentionStateDocument, retention_state_document

LOOKED_BACK = 30
"""So many runs of copying are looked through for one that could tell how far the copy reaches."""

_REACH = ("verified_through", "runs_copied", "copied", "pending_seq")

Document = Mapping[str, Any]


async def retention_state(artifacts: ArtifactReader) -> RetentionStateDocument:
    """Give what the newest recorded report says of retention."""
    try:
        newest = await latest_report(artifacts, report_retention.JSON_NAME)
    except StorageError as error:
        return retention_state_document({"unreadable": f"it cannot be read: {error.problem}"})
    if newest is None:
        return retention_state_document(None)
    return retention_state_document({**newest.document, "path": newest.entry.path})


async def copy_state(
    artifacts: ArtifactReader, destination: str, head: LedgerHead, now: datetime
) -> DurableCopyDocument:
    """Give how the durable copy stands; `destination` is as configured, empty for none."""
    try:
        newest = await _newest(artifacts, destination)
        pending = await _oldest_pending(artifacts, newest, head)
    except StorageError as error:
        detail = f"the newest report cannot be read: {error.problem}"
        state = CopyState(CopyStanding.UNKNOWN, detail)
        return durable_copy_document(state, destination, head.seq, None)
    state = judge_copy(destination, newest, pending, now)
    return durable_copy_document(state, destination, head.seq, newest)


async def _newest(artifacts: ArtifactReader, destination: str) -> Document | None:
    """
    Give the newest report, and how far the copy reached when that was last known.

    A run that could not reach the destination does not know; then an earlier one tells.
    """
    entries = await list_reports(artifacts, earlier_copies.JSON_NAME, LOOKED_BACK)
    newest: dict[str, Any] | None = None
    for entry in entries:
        document = (await read_report(artifacts, entry, earlier_copies.JSON_NAME)).document
        if newest is None:
            newest = {**document, **dict.fromkeys(_REACH), "path": entry.path}
        if document.get("destination") != destination:
            break  # it tells how far another copy reaches
        if isinstance(document.get("verified_through"), int):
            newest.update({name: document.get(name) for name in _REACH})
            break
    return newest


async def _oldest_pending(
    artifacts: ArtifactReader, newest: Document | None, head: LedgerHead
) -> Pending | None:
    """Give the oldest line that is not copied; of one that cannot be read no age is known."""
    through = newest.get("verified_through") if newest else None
    after = through if isinstance(through, int) else 0
    if head.seq <= after:
        return None
    page = await artifacts.page(ArtifactQuery(limit=1, before=after + 2))
    found = [e for e in page.entries if e.seq == after + 1]
    return Pending(after + 1, datetime.fromisoformat(found[0].at) if found else None)
