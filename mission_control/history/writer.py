"""One thread writes what it is handed; nobody waits for it, and no loss is hidden."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from mission_control.errors import StorageError
from mission_control.floor.model import Latched
from mission_control.floor.ports import Clock
from mission_control.history import schema
from mission_control.history.continuity import StartingRoot
from mission_control.history.database import describe, met_another, migrate, sqlite_file, writing
from mission_control.history.memory import RecordMemory
from mission_control.history.ports import DecisionRecord, HistoryRecord
from mission_control.history.rows import prune, write_decision, write_minute
from mission_control.history.waiting import WaitingRecords
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.records.check import StoreCheck
from mission_control.records.folder import storing
from mission_control.records.model import LedgerHead

_REMEDY = "put back the file that was there and restart, or see the runbook HISTORY_FAILING"


class HistoryFile:
    """
    An SQLite file as it was when it was opened; satisfies `Tried`.

    One that is deleted, or whose mount is lost, can be written to for as long as it is open: it
    is only never found again.
    """

    def __init__(self, path: Path) -> None:
        """Watch this path, once it was opened."""
        self.root = path
        self._opened: tuple[int, int] | None = None

    def remember(self) -> None:
        """Take what the path names now for what was opened."""
        self._opened = self._named()

    def check(self) -> None:
        """Raise StorageError where the path names nothing, or something else, by now."""
        if self._opened is not None and self._named() != self._opened:
            problem = "it was replaced: what is written would be lost"
            raise StorageError(problem, path=str(self.root), remedy=_REMEDY)

    def _named(self) -> tuple[int, int]:
        with storing(str(self.root)):
            told = self.root.stat()
        return told.st_dev, told.st_ino


RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
MOST_MEETINGS = 3
"""So often in a row another may have been first before that is trouble, or ends us at the stop."""
SILENT_SECONDS = 20.0
"""A write that takes longer than this is a failure, whatever becomes of it."""
PRUNE_EVERY = 3_600.0

log = logging.getLogger(__name__)


class HistoryWriterThread:
    """
    Writes records in the order in which they were put; satisfies `HistoryWriter`.

    A batch that fails is tried again until it is written. While that lasts records wait, up to a
    limit; what is put beyond it is lost, counted, and told by `check`. Nothing that was put
    before a batch was lost is written after it. `oldest_kept` says from
    when on history is kept; older rows go, once an hour.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        monotonic: Callable[[], float],
        oldest_kept: Callable[[datetime], datetime | None],
        starting: StartingRoot | None = None,
        ledger_head: Callable[[], LedgerHead | None] = lambda: None,
    ) -> None:
        """
        Write through this engine; nothing happens before `start`.

        With a root that starts, its record and this history are compared and bound; `ledger_head`
        gives the head of its ledger as it is known, without looking.
        """
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._oldest_kept = oldest_kept
        self._waiting = WaitingRecords()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._trouble = ""
        self._busy_since: float | None = None
        self._pruned_at: float | None = None
        self._fleets: set[str] = set()
        self._recalled: Latched | None = None
        self._memory = RecordMemory(starting, ledger_head)
        file = sqlite_file(engine)
        self._file = HistoryFile(file) if file else None
        self._place = StoreCheck(self._file, clock) if self._file else None

    def start(self) -> None:
        """Begin to write."""
        self._busy_since = self._monotonic()
        self._memory.notes.start()
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Write what waits, for at most so long; what is not written then is told in the log."""
        self._stopping.set()
        self._waiting.wake()
        self._thread.join(seconds)
        if self._thread.is_alive() or self._waiting.told_losses():
            log.error("history: not everything was written at the stop: %s", self._trouble)
        self._memory.end(may_let_go=not self._thread.is_alive())

    def idle(self) -> bool:
        """Tell whether everything that was put is written."""
        return self._waiting.is_settled() and self._busy_since is None

    def prune(self, oldest: datetime) -> None:
        """Drop what is older than this; raises what the database raises."""
        prune(self._engine, schema.to_micros(oldest))

    def put(self, record: HistoryRecord) -> bool:
        """Take a record; one that is lost is told here and by `check`."""
        if isinstance(record, DecisionRecord):
            self._memory.notes.stands(record.snapshot.latched)
        return self._waiting.put(record)

    def recalled(self) -> Latched | None:
        """Give what stood when the process before ended; None until that could be read."""
        return self._recalled

    def lost(self) -> str:
        """Say what was lost of what stood before the start; nothing where nothing was."""
        return self._memory.settled.lost

    def began(self) -> datetime | None:
        """Give when this record began; None where that is not known, or it continues another."""
        marker = self._memory.settled.marker
        return None if marker is None or marker.continues else marker.began

    async def check(self) -> Seen[None] | Unseen:
        """Say whether what was put is being written, and where it can be found again."""
        placed = await self._place.check() if self._place else Seen(None, self._clock())
        if isinstance(placed, Unseen):
            return placed
        now, busy = self._clock(), self._busy_since
        lost = self._waiting.told_losses()
        if self._trouble:
            return Unseen(UnseenReason.UNREADABLE, now, detail=self._trouble + lost)
        if busy is not None and self._monotonic() - busy > SILENT_SECONDS:
            detail = f"a write has not ended for {SILENT_SECONDS:g} s{lost}"
            return Unseen(UnseenReason.TIMEOUT, now, detail=detail)
        if not self._thread.is_alive():
            return Unseen(UnseenReason.UNREADABLE, now, detail=f"nobody writes it{lost}")
        return Seen(None, now)

    def _run(self) -> None:
        if not self._insist(self._open):
            self._waiting.drop(())
            return
        while True:
            batch = self._next_batch()
            if batch and not self._keep(batch):
                return
            if self._stopping.is_set() and self._waiting.is_empty():
                return
            self._prune_sometimes()

    def _open(self) -> None:
        """Bring the tables up to date, and read what stood before anything is written."""
        self._memory.take_notes()
        migrate(self._engine)
        if self._file is not None:
            self._file.remember()
        self._recalled = self._memory.recall(self._engine)
        if self.lost():
            log.error("history: what stood before is not known: %s", self.lost())

    def _next_batch(self) -> list[HistoryRecord]:
        """Wait for a record, and take with it what waits already."""
        self._busy_since = None
        batch = self._waiting.take()
        self._busy_since = self._monotonic()
        return batch

    def _keep(self, batch: Sequence[HistoryRecord]) -> bool:
        """
        Write a batch; tells whether more may be written after it.

        One that is a bug of ours is lost and told, and others go on. Where one was not written
        when we are told to stop nothing is: a minute after it would say that nothing is missing.
        """
        try:
            if self._insist(lambda: self._write(batch)):
                self._waiting.settle(batch)
                return True
        except Exception as error:
            self._trouble = describe(error)
            log.exception("history: a batch was not written")
        self._waiting.drop(batch)
        return not self._stopping.is_set()

    def _insist(self, act: Callable[[], None]) -> bool:
        """
        Act until it succeeds, or fails once more after we are told to stop; tells which.

        Where another wrote the same row first it begins anew at once, and that is no trouble.
        Who meets another at the stop tries a few times more, for the other ends too.
        """
        tries, last_tries = 0, 0
        while True:
            last_tries += self._stopping.is_set()
            error = _failure_of(act)
            if error is None:
                self._trouble = ""
                return True
            second = isinstance(error, IntegrityError) and tries < MOST_MEETINGS
            if not second:
                self._trouble = describe(error)
                log.warning("history cannot be written: %s", self._trouble)
            if last_tries > (MOST_MEETINGS if met_another(error) else 0):
                return False
            self._stopping.wait(0 if second else RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1

    def _write(self, batch: Sequence[HistoryRecord]) -> None:
        fleets, told = set[str](), [r for r in batch if isinstance(r, DecisionRecord)]
        if self._file is not None:
            self._file.check()
        with writing(self._engine) as connection:
            for record in batch:
                if isinstance(record, DecisionRecord):
                    fleets.add(write_decision(connection, record, self._fleets | fleets))
                else:
                    write_minute(connection, record)
            pin = self._memory.pin(connection)
        self._fleets |= fleets  # only now is it sure that they are there
        if told:
            self._memory.notes.written(told[-1].snapshot.latched, pin)

    def _prune_sometimes(self) -> None:
        now = self._monotonic()
        if self._pruned_at is not None and now - self._pruned_at < PRUNE_EVERY:
            return
        self._pruned_at = now
        oldest = self._oldest_kept(self._clock())
        if oldest is not None:
            self._insist(lambda: self.prune(oldest))


def _failure_of(act: Callable[[], None]) -> Exception | None:
    """Act, and give what a database may raise; anything else is a bug of ours, and is raised."""
    try:
        act()
    except (SQLAlchemyError, CommandError, OSError, StorageError) as error:
        return error
    return None
