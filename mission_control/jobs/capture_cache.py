"""Jobs: captures as they were read lately, so that no question reads all of them again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mission_control.jobs.ports import Clock
from mission_control.model.artifact import LedgerEntry
from mission_control.model.lkg import MANIFEST_NAME, METADATA_NAME
from mission_control.model.recorded_lkg import RecordedLkg

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
        """Give a capture as it was read lately; None for one that has to be read."""
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
