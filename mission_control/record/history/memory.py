"""History: what one server keeps so that its alarms survive it, and that their loss is seen."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from sqlalchemy import Connection, Engine

from mission_control.decide.standing import join_standing
from mission_control.model.artifact import LedgerHead
from mission_control.model.record_memory import HistoryPin
from mission_control.model.standing import NOTHING_STANDS, Accusation, Standing
from mission_control.record.history.continuity import (
    Notes,
    Settled,
    StartingRoot,
    settle,
    take_notes,
)
from mission_control.record.history.database import describe, writing
from mission_control.record.history.note import carry
from mission_control.record.history.noting import AlarmNotes
from mission_control.record.history.reader import READ_FAILURES
from mission_control.record.history.record_rows import keep_head, pin_of
from mission_control.record.history.rows import write_openings
from mission_control.record.history.what_stood import newest_standing

NOTING_SECONDS = 2.0
"""So long a stop waits for alarms to be noted that were not written."""

log = logging.getLogger(__name__)


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

    def recall(self, engine: Engine) -> Standing:
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


def _recall(engine: Engine, noted: Sequence[Accusation]) -> Standing:
    """Read what stood, with what was only noted; that is told opened here, as it should be."""
    with writing(engine) as connection:
        known = newest_standing(connection) or NOTHING_STANDS
        keys = {a.key for a in known.accusations}
        missing = Standing(tuple(a for a in noted if a.key not in keys))
        write_openings(connection, missing.accusations)
    return join_standing(missing, known)
