"""Jobs: what earlier runs of copying recorded, which may accuse a destination and never acquits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mission_control.decide.copy_memory import FIRST_RUN, merge
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactsReader
from mission_control.jobs.recorded_reports import MOST_COMPARED, list_reports, read_report
from mission_control.model.artifact import LedgerEntry
from mission_control.model.durable_copy import CopyMemory
from mission_control.present.copy_memory_document import read_memory

JSON_NAME, MARKDOWN_NAME = "durable_copy.json", "durable_copy.md"
MEMORY_NAME = "durable_copy_memory.json"

Document = Mapping[str, Any]


async def remembered(artifacts: ArtifactsReader, destination: str) -> CopyMemory:
    """
    Give what the newest run of copying knew of a destination; nothing where none ever went there.

    A run that was recorded while that one went on could not be known to it, and is heard too. One
    whose memory cannot be read may have known anything: then everything is in doubt.
    """
    newest: CopyMemory | None = None
    began, lost = 0, False
    entries = await list_reports(artifacts, JSON_NAME)
    for entry in entries:
        if newest is not None and entry.seq <= began:
            break
        document = await _read(artifacts, entry)
        memory = None if document is None else read_memory(document)
        if document is None or memory is None:
            lost = True
        elif document["destination"] == destination:
            if newest is None:
                began = document["head_seq"]
            newest = memory if newest is None else merge(newest, memory)
    lost = lost or (newest is None and len(entries) >= MOST_COMPARED)
    known = newest or FIRST_RUN
    return replace(known, lost=known.lost or lost)


async def _read(artifacts: ArtifactsReader, entry: LedgerEntry) -> Document | None:
    try:
        return (await read_report(artifacts, entry, MEMORY_NAME)).document
    except StorageError:
        return None
