"""Records runs for jobs, off the event loop."""

import asyncio
from collections.abc import Mapping

from mission_control.records.artifact_store import ArtifactStore, stamp
from mission_control.records.model import Collection, LedgerEntry, RunFacts


class RunWriter:
    """Writes runs to a store."""

    def __init__(self, store: ArtifactStore) -> None:
        """Write to this store."""
        self._store = store

    async def record(
        self,
        collection: Collection,
        files: Mapping[str, bytes],
        facts: RunFacts,
        *,
        is_latest: bool = False,
    ) -> LedgerEntry:
        """
        Record a run of these files, whole or not at all; raises StorageError.

        With `is_latest` the latest views show those of its files that they have, from the same
        moment on.

        One that is cancelled while it records has recorded when it ends: nobody may take for
        unrecorded what a thread is still writing.
        """
        latest: Mapping[str, bytes] = files if is_latest else {}
        work = asyncio.to_thread(self._record, collection, files, facts, latest)
        recording = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(recording)
        except asyncio.CancelledError:
            await asyncio.wait({recording})
            raise

    def _record(
        self,
        collection: Collection,
        files: Mapping[str, bytes],
        facts: RunFacts,
        latest: Mapping[str, bytes],
    ) -> LedgerEntry:
        name = stamp(facts.started)
        if collection is Collection.OPS_RUNS:
            name = f"{name}_{facts.folder or facts.job}"
        with self._store.writing(collection) as run:
            for path, content in sorted(files.items()):
                run.write(path, content)
            return run.record(facts, name, latest)
