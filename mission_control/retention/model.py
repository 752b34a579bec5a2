"""How much is kept. Mission Control deletes no artifact; others may, and that shows."""

from dataclasses import dataclass
from datetime import date, datetime

from mission_control.records.model import Collection

KEPT_TRADING_DAYS = 30
KEPT_CAPTURES = 30
"""What must be kept at least (docs/semantics.md#12)."""


@dataclass(frozen=True, slots=True)
class KeptCollection:
    """
    What one collection holds: runs, files and bytes, all of them recorded; instants are UTC.

    `beyond` are the paths of the runs that need not be kept any longer, oldest first: those older
    than 30 trading days, or of captures those beyond the newest 30. `beyond_bytes` is their size.
    """

    collection: Collection
    runs: int
    files: int
    bytes: int
    oldest: str | None
    newest: str | None
    beyond: tuple[str, ...]
    beyond_bytes: int


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """
    How much is kept at `at`, and why that may be less than it should be.

    `since` is the day in New York on which the first line was written, `cutoff` the oldest of the
    last 30 trading days, None where the calendar ends before. `trading_days` counts those of them
    that have a whole run of their own, `empty_days` are those since `since` that have none.
    `missing` are recorded files that are not there any more.
    """

    at: datetime
    since: date | None
    cutoff: date | None
    trading_days: int
    empty_days: tuple[date, ...]
    missing: tuple[str, ...]
    collections: tuple[KeptCollection, ...]
    warnings: tuple[str, ...]
