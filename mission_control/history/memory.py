"""What one server keeps so that its alarms survive it, and that their loss is seen."""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from sqlalchemy import Connection, Engine

from mission_control.errors import StorageError
from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.model import NOTHING_LATCHED, Alarm, Latched
from mission_control.history.continuity import (
    Notes,
    Settled,
    StartingRoot,
    keep_head,
    pin_of,
    settle,
    take_notes,
)
from mission_control.history.database import describe, writing
from mission_control.history.decide.lost_memory import HistoryPin
from mission_control.history.notes import Note, NotesFile, carry
from mission_control.history.reader import READ_FAILURES
from mission_control.history.rows import newest_latched, write_openings
from mission_control.records.model import LedgerHead

AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)

Key = tuple[str, str, str, str]


class AlarmNotes:
    """
    Notes what stands and is not written yet, beside the thread that writes it.

    That one may hang in a database for long; a note is on the disk a moment after its alarm was
    raised. Nobody waits for it but a stop.
    """

    def __init__(self) -> None:
        """Begin with nothing that stands, and no file yet."""
        self._guard = threading.Condition()
        self._file: NotesFile | None = None
        self._base = Note()
        self._stands: tuple[Alarm, ...] = ()
        self._held = frozenset[Key]()
        self._noted: Note | None = None
        self._failing = ""
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="history-notes", daemon=True)

    def start(self) -> None:
        """Begin to note, once there is a file."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Note what is not noted yet, for at most so long; tells whether that was done."""
        with self._guard:
            self._ends = True
            self._guard.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive() and not self._failing

    def use(self, file: NotesFile | None, base: Note) -> None:
        """Note into this file from now on, beside what `base` tells."""
        with self._guard:
            self._file, self._base, self._noted = file, base, None
            self._guard.notify()

    def stands(self, latched: Latched) -> None:
        """Hear what stands now, before it is written."""
        with self._guard:
            self._stands = latched.alarms
            if any(a.key not in self._held for a in self._stands):
                self._guard.notify()

    def written(self, latched: Latched, pin: HistoryPin | None) -> None:
        """Hear what the database holds now; with a pin that is where its newest decision is."""
        with self._guard:
            self._held = frozenset(a.key for a in latched.alarms)
            if pin is not None:
                self._base = Note(pin=pin)
            self._guard.notify()

    def unwritten(self) -> tuple[Alarm, ...]:
        """Give what stands and is in no database yet."""
        with self._guard:
            return self._unwritten()

    def failing(self) -> str:
        """Say why alarms that are not written are not noted either; nothing where they are."""
        return self._failing

    def _unwritten(self) -> tuple[Alarm, ...]:
        return tuple(a for a in self._stands if a.key not in self._held)

    def _run(self) -> None:
        while True:
            with self._guard:
                while (file := self._file) is None or self._wanted() == self._noted:
                    if self._ends:
                        return
                    self._guard.wait()
                wanted = self._wanted()
            if not self._write(file, wanted):
                with self._guard:
                    if self._ends:
                        return
                    self._guard.wait(AGAIN_SECONDS)

    def _wanted(self) -> Note:
        base = Note(self._unwritten())
        return carry((self._base, base))

    def _write(self, file: NotesFile, wanted: Note) -> bool:
        try:
            file.write(wanted)
        except StorageError as error:
            if not self._failing:
                log.error("history: alarms cannot be noted below the root: %s", error)  # noqa: TRY400
            self._failing = str(error)
            return False
        self._failing = ""
        with self._guard:
            if file is self._file:
                self._noted = wanted
        return True


NOTING_SECONDS = 2.0
"""So long a stop waits for alarms to be noted that were not written."""


class RecordMemory:
    """
    Compares root and database at a start, and notes below the root what is not written yet.

    Without a root that starts it does neither, and only reads what stood. `ledger_head` gives
    the head of the root's ledger as it is known, without looking.
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
        """Read what stood, and settle whether that is all of it; raises OSError where it cannot."""
        try:
            if self._starting is not None and self._left is not None:
                self.settled = settle(engine, self._starting, self._left)
            return _recall(engine, carry(self._left.left if self._left else ()).alarms)
        except READ_FAILURES as error:
            raise OSError(0, f"what stood cannot be read: {describe(error)}") from error

    def pin(self, connection: Connection) -> HistoryPin | None:
        """Keep the ledger's head here, and give what the root is to know of this history."""
        marker, head = self.settled.marker, self._ledger_head()
        if self.settled.lost or marker is None:
            return None
        if head is not None:
            keep_head(connection, marker.record_id, head)
        return pin_of(connection)

    def end(self, *, may_let_go: bool) -> None:
        """Have noted what is not written, and tell of each such alarm in the log."""
        ended = self.notes.stop(NOTING_SECONDS)
        noted = ended and self._left is not None and self._left.own is not None
        for alarm in self.notes.unwritten():
            where = "noted below the root" if noted else "and noted nowhere"
            told = f"{alarm.code} {alarm.subject}, told by {alarm.source}"
            log.error("history: an alarm was not written at the stop, %s: %s", where, told)
        if ended and may_let_go:
            self._held.close()


def _recall(engine: Engine, noted: Sequence[Alarm]) -> Latched:
    """Read what stood, with what was only noted; that is told opened here, as it should be."""
    with writing(engine) as connection:
        known = newest_latched(connection) or NOTHING_LATCHED
        keys = {a.key for a in known.alarms}
        missing = Latched(tuple(a for a in noted if a.key not in keys))
        write_openings(connection, missing.alarms)
    return join_latched(missing, known)
