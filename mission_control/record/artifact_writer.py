"""Record: records runs for jobs, off the event loop."""

import asyncio
from collections.abc import Mapping

from mission_control.model.artifact import Collection, LedgerEntry, RunFacts
from mission_control.record.artifact_store import ArtifactStore, stamp


class RunWriter:
    """Writes runs to a store; satisfies `ArtifactWriter`."""

    def __init__(self, store: ArtifactStore) -> None:
        """Write to this store."""
        self._store = store

    async def record(
        self, collection: Collection, files: Mapping[str, bytes], facts: RunFacts
    ) -> LedgerEntry:
        """Record a run of these files, whole or not at all; raises StorageError."""
        return await asyncio.to_thread(self._record, collection, files, facts)

    async def publish(self, path: str, content: bytes) -> None:
        """Replace a latest view, which is nobody's evidence; raises StorageError."""
        await asyncio.to_thread(self._store.publish, path, content)

    def _record(
        self, collection: Collection, files: Mapping[str, bytes], facts: RunFacts
    ) -> LedgerEntry:
        name = stamp(facts.started)
        if collection is Collection.OPS_RUNS:
            name = f"{name}_{facts.folder or facts.job}"
        with self._store.writing(collection) as run:
            for path, content in sorted(files.items()):
                run.write(path, content)
            return run.record(facts, name)
