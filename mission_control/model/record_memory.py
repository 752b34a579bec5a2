"""Model: what root and history know of each other, so that the loss of either is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RecordMarker:
    """
    Whose record a root holds; written once.

    `began` is when a server first found it (UTC). `continues` tells that there was a ledger or a
    history already, from before records had an id.
    """

    record_id: str
    began: datetime
    continues: bool


@dataclass(frozen=True, slots=True)
class HistoryPin:
    """The newest decision that a server wrote, and to which database; `at` in microseconds."""

    database_id: str
    decision: int
    at: int


@dataclass(frozen=True, slots=True)
class RootMemory:
    """
    What a root tells of its history.

    `server_ran` says that the ledger of a root without a marker shows runs of a server, which
    always keeps history. `damaged` says that notes of alarms were not whole.
    """

    record_id: str | None = None
    server_ran: bool = False
    pins: tuple[HistoryPin, ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class HistoryMemory:
    """
    What a database tells of its record.

    `records` are the ids of the records that it belongs to, `newest_decision` is 0 where nothing
    was ever decided, and `decided_at` gives the times of those pinned decisions that it holds.
    `lost_line` is the ledger's line that it knew and that the ledger no longer holds.
    `same_ledger` is the record whose ledger, as it was known here, is the root's.
    """

    database_id: str | None = None
    records: frozenset[str] = frozenset()
    newest_decision: int = 0
    decided_at: Mapping[int, int] = field(default_factory=dict[int, int])
    lost_line: int | None = None
    same_ledger: str | None = None
