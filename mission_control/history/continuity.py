"""Whether root and database remember the same record, compared at a start and kept so."""

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, inspect, select, update

from mission_control.errors import StorageError
from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.model import NOTHING_LATCHED, Alarm, Latched
from mission_control.history import schema
from mission_control.history.database import describe, writing
from mission_control.history.decide.loss import (
    HistoryMemory,
    HistoryPin,
    RootMemory,
    find_loss,
    names_head,
)
from mission_control.history.notes import (
    AlarmNotes,
    Note,
    NotesFile,
    carry,
    own_notes,
    read_notes,
    remove,
)
from mission_control.history.reader import READ_FAILURES
from mission_control.history.rows import decision_written_last, newest_latched, write_openings
from mission_control.model.clock import Clock
from mission_control.records.marker import (
    holds_line,
    newest_line,
    read_marker,
    server_ran,
    write_marker,
)
from mission_control.records.model import GENESIS, LedgerHead, RecordMarker

ID_BYTES = 8


def pin_of(connection: Connection) -> HistoryPin | None:
    """Return the newest decision with its database; None where there is none yet."""
    table = schema.decisions
    last = select(table.c.id, table.c.at).where(
        table.c.id == decision_written_last().scalar_subquery()
    )
    row, known = connection.execute(last).first(), rows_of(connection)
    return HistoryPin(known[0].database_id, row.id, row.at) if row and known else None


def keep_head(connection: Connection, record_id: str, head: LedgerHead) -> None:
    """Keep the ledger's head as it is known now; an older one is not taken."""
    table = schema.records
    older = (table.c.record_id == record_id) & (table.c.ledger_seq < head.seq)
    values = {"ledger_seq": head.seq, "ledger_hash": head.hash}
    connection.execute(update(table).where(older).values(values))


def rows_of(connection: Connection) -> list[Row[Any]]:
    """Return the records that this database belongs to."""
    table = schema.records
    return list(connection.execute(select(table).order_by(table.c.record_id)))


def head_of(row: Row[Any]) -> LedgerHead:
    """Return the head of a record's ledger as it was known last."""
    return LedgerHead(seq=row.ledger_seq, hash=row.ledger_hash)


def forget_head(connection: Connection, record_id: str | None) -> None:
    """Know nothing of a record's ledger any more, so that any head is taken."""
    table = schema.records
    values = {"ledger_seq": GENESIS.seq, "ledger_hash": GENESIS.hash}
    connection.execute(update(table).where(table.c.record_id == record_id).values(values))


APART = "apart-"
"""So begins the id of a record of no root: no other floor writes to such a database."""


def set_apart(connection: Connection) -> None:
    """
    Bind a database that is not the root's to a record of no root.

    Else what is written to it from now on would make it look older than records' ids.
    """
    nowhere = LedgerHead(seq=1, hash=secrets.token_hex(32))
    bind(connection, f"{APART}{secrets.token_hex(ID_BYTES)}", nowhere)


def bind(connection: Connection, record_id: str, head: LedgerHead) -> None:
    """Let this database belong to a record, whose ledger has this head or a newer one."""
    rows = rows_of(connection)
    if all(row.record_id != record_id for row in rows):
        database = rows[0].database_id if rows else secrets.token_hex(ID_BYTES)
        row = {"record_id": record_id, "database_id": database, "ledger_seq": 0}
        connection.execute(insert(schema.records).values(ledger_hash=GENESIS.hash, **row))
    keep_head(connection, record_id, head)


log = logging.getLogger(__name__)


@dataclass(slots=True)
class StartingRoot:
    """
    The root of a server that starts.

    `accepted` is the ledger head by which a human said that its history is new, empty where none
    did; `record_acceptance` records that, with what was lost, and is called once.
    """

    root: Path
    clock: Clock
    accepted: str = ""
    record_acceptance: Callable[[str, LedgerHead], None] | None = None
    is_accepted: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes of this server, where they can be kept, and what servers that died left."""

    own: NotesFile | None
    dead: tuple[NotesFile, ...]
    left: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What root and database remember; `lost` says what is missing, empty where nothing is.

    A database that is `anothers` belongs to other records alone: it may be another floor's, which
    goes on writing to it, so nothing of ours is written there.
    """

    lost: str
    marker: RecordMarker | None
    anothers: bool = False


def take_notes(root: Path, stack: ExitStack) -> Notes:
    """
    Hold this server's notes until the stack ends, and read what the dead left.

    A root that can only be read keeps no notes, and is no reason not to write a history elsewhere.
    """
    try:
        own, dead = stack.enter_context(own_notes(root))
    except StorageError as error:
        log.error("history: alarms cannot be noted below the root: %s", error)  # noqa: TRY400
        return Notes(None, (), read_notes(root))
    left = tuple(file.read() for file in dead)
    ran = not left and read_marker(root) is None and server_ran(root)
    notes = Notes(own, tuple(dead), left or (Note(server_ran=ran),))
    own.write(carry(notes.left))
    for file in dead:
        remove(root, file)
    return notes


def remember(root: Path, notes: Iterable[Note]) -> RootMemory:
    """Return what a root knows of its history. Raises StorageError where it cannot be read."""
    marker, left = read_marker(root), tuple(notes)
    ran = any(n.server_ran for n in left) if left else marker is None and server_ran(root)
    pins = tuple(n.pin for n in left if n.pin is not None)
    damaged = any(n.damaged or n.cut for n in left)
    return RootMemory(marker.record_id if marker else None, ran, pins, damaged)


def look_into(connection: Connection, root: Path, memory: RootMemory) -> HistoryMemory:
    """Return what a database knows of its record; one without tables knows nothing."""
    tables = set(inspect(connection).get_table_names())
    if schema.decisions.name not in tables:
        return HistoryMemory()
    rows = rows_of(connection) if schema.records.name in tables else []
    table, numbers = schema.decisions, [pin.decision for pin in memory.pins]
    newest = connection.scalar(decision_written_last()) or 0
    pinned = select(table.c.id, table.c.at).where(table.c.id.in_(numbers))
    own = next((row for row in rows if row.record_id == memory.record_id), None)
    lost = own is not None and not holds_line(root, head_of(own))
    return HistoryMemory(
        rows[0].database_id if rows else None,
        frozenset(row.record_id for row in rows),
        newest,
        {row.id: row.at for row in connection.execute(pinned)},
        own.ledger_seq if own is not None and lost else None,
        next((row.record_id for row in rows if _is_of(row, root, memory, newest)), None),
    )


def _is_of(row: Row[Any], root: Path, memory: RootMemory, newest: int) -> bool:
    """Return whether a root without a marker is a record's: its ledger holds what was known."""
    if memory.record_id is not None:
        return False
    if row.ledger_seq == 0:
        return newest == 0 and not memory.server_ran
    return holds_line(root, head_of(row))


def settle(engine: Engine, start: StartingRoot, notes: Notes) -> Settled:
    """
    Compare root and database, and bind them where they remember the same.

    Where something was lost nothing is bound, so that the next start says the same, until a human
    names the ledger's head. Raises what database and root raise.
    """
    root, memory = start.root, remember(start.root, notes.left)
    with writing(engine) as connection:
        found = look_into(connection, root, memory)
        lost = find_loss(memory, found)
        if lost and _accepts(start, lost):
            lost, found = "", replace(found, lost_line=None)
            forget_head(connection, memory.record_id)
        identity = memory.record_id or found.same_ledger or secrets.token_hex(ID_BYTES)
        if not lost:
            bind(connection, identity, newest_line(root) or GENESIS)
        elif memory.record_id is None and not found.records:
            set_apart(connection)
    if lost:
        ours = memory.record_id in found.records or found.same_ledger is not None
        floors = any(not record.startswith(APART) for record in found.records)
        return Settled(lost, None, anothers=floors and not ours)
    return Settled("", _mark(start, found, identity))


def recall_latched(root: Path, engine: Engine | None) -> tuple[Latched, str]:
    """
    Return what was latched at a server's last decision, with what was only noted, and what is lost.

    Without an engine there is no history. Nothing is changed; raises StorageError.
    """
    notes = read_notes(root)
    memory, noted = remember(root, notes), Latched(carry(notes).alarms)
    if engine is None:
        return noted, find_loss(memory, HistoryMemory())
    try:
        with engine.connect() as connection:
            found = look_into(connection, root, memory)
            begun = found != HistoryMemory()
            latched = newest_latched(connection) if begun else None
    except READ_FAILURES as error:
        problem = f"what was latched cannot be read: {describe(error)}"
        raise StorageError(problem, path="history") from error
    return join_latched(noted, latched or NOTHING_LATCHED), find_loss(memory, found)


def _accepts(start: StartingRoot, lost: str) -> bool:
    """Record that a human named the ledger's head as it is; returns whether that was done."""
    head = newest_line(start.root) or GENESIS
    if start.is_accepted or start.record_acceptance is None:
        return start.is_accepted
    if names_head(start.accepted, head.hash):
        start.record_acceptance(lost, head)
        start.is_accepted = True  # whatever the database does now: the head is another already
    return start.is_accepted


def _mark(start: StartingRoot, found: HistoryMemory, identity: str) -> RecordMarker | None:
    """Return the root's marker, which is written where it has none."""
    known = read_marker(start.root)
    if known is None:
        ledger = newest_line(start.root) or GENESIS
        continues = bool(ledger.seq or found.newest_decision or found.same_ledger)
        write_marker(start.root, RecordMarker(identity, start.clock(), continues))
        known = read_marker(start.root)
    if known is not None and known.record_id != identity:
        problem = "another server has begun the record at the same time"
        raise StorageError(problem, path=str(start.root), remedy="it is looked at again")
    return known


NOTING_SECONDS = 2.0
"""So long a stop waits for alarms to be noted that were not written."""


class RecordMemory:
    """
    Compares root and database at a start, and notes below the root what is not written yet.

    Without a root that starts it does neither, and only reads what was latched. `ledger_head`
    returns the head of the root's ledger as it is known, without looking.
    """

    def __init__(
        self, starting: StartingRoot | None, ledger_head: Callable[[], LedgerHead | None]
    ) -> None:
        """Begin with nothing known."""
        self._starting = starting
        self._ledger_head = ledger_head
        self._held = ExitStack()
        self._left: Notes | None = None
        self.notes = AlarmNotes()
        self.settled = Settled("", None)

    def take_notes(self) -> None:
        """Take this server's notes, once, and what the dead left; no database is needed for it."""
        if self._starting is not None and self._left is None:
            self._left = take_notes(self._starting.root, self._held)
            self.notes.use(self._left.own, carry(self._left.left))

    def recall(self, engine: Engine) -> Latched:
        """Read what was latched, and settle whether that is all; raises OSError where it cannot."""
        try:
            if self._starting is not None and self._left is not None:
                self.settled = settle(engine, self._starting, self._left)
            noted = carry(self._left.left if self._left else ()).alarms
            return _recall(engine, noted, writes=not self.settled.anothers)
        except READ_FAILURES as error:
            raise OSError(0, f"what was latched cannot be read: {describe(error)}") from error

    def pin(self, connection: Connection) -> HistoryPin | None:
        """Keep the ledger's head here, and return what the root is to know of this history."""
        marker, head = self.settled.marker, self._ledger_head()
        if self.settled.lost or marker is None:
            return None
        if head is not None:
            keep_head(connection, marker.record_id, head)
        return pin_of(connection)

    def end(self, *, may_let_go: bool) -> None:
        """Have noted what is not written, and log each such alarm."""
        ended = self.notes.stop(NOTING_SECONDS)
        noted = ended and self._left is not None and self._left.own is not None
        for alarm in self.notes.unwritten():
            where = "noted below the root" if noted else "and noted nowhere"
            about = f"{alarm.code} {alarm.subject}, raised by {alarm.source}"
            log.error("history: an alarm was not written at the stop, %s: %s", where, about)
        if ended and may_let_go:
            self._held.close()


def _recall(engine: Engine, noted: Sequence[Alarm], *, writes: bool) -> Latched:
    """Read what was latched, and what was only noted, which is written as opened where it may."""
    with writing(engine) as connection:
        known = newest_latched(connection) or NOTHING_LATCHED
        keys = {a.key for a in known.alarms}
        missing = Latched(tuple(a for a in noted if a.key not in keys))
        if writes:
            write_openings(connection, missing.alarms)
    return join_latched(missing, known)
