"""The newest lines of the ledger, as they are told to the twin."""

import asyncio
import logging

from mission_control.errors import StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery, LedgerHead, TailOfRecord

MOST_LINES = 128
PATIENCE_SECONDS = 1.0
KEPT_SECONDS = 1.0

log = logging.getLogger(__name__)


class NewestLines:
    """
    Reads the newest lines of a record, at most once a second, and never waits for long.

    A record that cannot be read, or a disk that hangs, tells none. Belongs to one event loop.
    """

    def __init__(self, artifacts: ArtifactReader) -> None:
        """Read nothing yet."""
        self._artifacts = artifacts
        self._reading: asyncio.Task[TailOfRecord | None] | None = None
        self._read: TailOfRecord | None = None
        self._read_at = 0.0

    async def read(self) -> TailOfRecord | None:
        """Return the record's id and its newest lines; None where they cannot be read now."""
        loop = asyncio.get_running_loop()
        if self._read is not None and loop.time() - self._read_at < KEPT_SECONDS:
            return self._read
        if self._reading is None:
            self._reading = asyncio.create_task(self._look())
        await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)
        if not self._reading.done():
            return None
        self._read, self._read_at = self._reading.result(), loop.time()
        self._reading = None
        return self._read

    async def _look(self) -> TailOfRecord | None:
        try:
            marker = await self._artifacts.marker()
            page = await self._artifacts.page(ArtifactQuery(limit=MOST_LINES))
        except StorageError as error:
            log.warning("the ledger's head cannot be told: %s", error)
            return None
        if marker is None:
            return None
        lines = tuple(LedgerHead(entry.seq, entry.hash) for entry in page.entries)
        return TailOfRecord(marker.record_id, lines or (page.head,))
