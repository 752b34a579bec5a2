"""Whether a root and a history remember the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mission_control.model.session import TradingDay


@dataclass(frozen=True, slots=True)
class HistoryPin:
    """The newest decision that a server wrote, and to which database; `at` in microseconds."""

    database_id: str
    decision: int
    at: int


@dataclass(frozen=True, slots=True)
class RootMemory:
    """
    What a root knows of its history.

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
    What a database knows of its record.

    `records` are the ids of the records that it belongs to, `newest_decision` is 0 where nothing
    was ever decided, and `decided_at` holds the times of those pinned decisions that it holds.
    `lost_line` is the ledger's line that it knew and that the ledger no longer holds.
    `same_ledger` is the record whose ledger, as it was known here, is the root's.
    """

    database_id: str | None = None
    records: frozenset[str] = frozenset()
    newest_decision: int = 0
    decided_at: Mapping[int, int] = field(default_factory=dict[int, int])
    lost_line: int | None = None
    same_ledger: str | None = None


LEAST_OF_A_HEAD = 12
"""So many characters of a ledger head's hash name it."""
SAID_UNTIL_BEFORE_OPEN = timedelta(minutes=60)


def find_loss(root: RootMemory, history: HistoryMemory) -> str:
    """
    Say what is not remembered any more, as the end of a sentence; nothing where all is.

    A root without a marker and a database that belongs to no record are of before records had
    ids, or new: only a ledger in which a server has run shows then that a history is missing.
    """
    if root.damaged:
        return "a note of alarms that were not written yet is damaged"
    if root.record_id is None:
        return _loss_without_marker(root, history)
    if root.record_id not in history.records:
        what = "another record" if history.records else "no record"
        held = "holds decisions and " if history.newest_decision else "is empty and "
        return f"the database {held}belongs to {what}, and the root to {root.record_id}"
    if any(_is_newer(pin, history) for pin in root.pins):
        return "the database is older than what was written to it last, or is another one"
    if history.lost_line is not None:
        return f"the ledger does not hold line {history.lost_line}, which history knew"
    return ""


def _loss_without_marker(root: RootMemory, history: HistoryMemory) -> str:
    if history.records and history.same_ledger is None:
        return "the database is another record's, or was begun while this root's was missing"
    if root.server_ran and not history.newest_decision:
        return "a server has kept history for this root, and the database holds none"
    return ""


def _is_newer(pin: HistoryPin, history: HistoryMemory) -> bool:
    """Return whether what was pinned is not in this database; old decisions are dropped in time."""
    another = pin.database_id != history.database_id
    older = pin.decision > history.newest_decision
    return another or older or history.decided_at.get(pin.decision, pin.at) != pin.at


def names_head(given: str, head_hash: str) -> bool:
    """Return whether a person named this head of the ledger: all of its hash or its beginning."""
    text = given.strip().casefold()
    return len(text) >= LEAST_OF_A_HEAD and head_hash.startswith(text)


def said_as_new_until(began: datetime, sessions: Iterable[TradingDay]) -> datetime | None:
    """
    Say until when a record that began then is called new: the next session's T-60.

    None where the calendar knows no session any more.
    """
    moments = (session.open - SAID_UNTIL_BEFORE_OPEN for session in sessions)
    return next((moment for moment in moments if moment > began), None)
