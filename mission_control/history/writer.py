"""History while it is open: one thread writes what it is handed, and no loss is hidden."""

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from mission_control.errors import StorageError
from mission_control.floor.model import NOTHING_LATCHED, Latched
from mission_control.history import schema
from mission_control.history.continuity import RecordMemory, StartingRoot
from mission_control.history.database import (
    describe,
    met_another,
    migrate,
    open_engine,
    sqlite_file,
    writing,
)
from mission_control.history.model import DecisionRecord, HistoryRecord
from mission_control.history.reader import HistoryReader
from mission_control.history.rows import prune, write_decision, write_minute
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.records.folder import storing
from mission_control.records.model import LedgerHead
from mission_control.records.root_check import StoreCheck

_REMEDY = "put back the file that was there and restart, or see the runbook HISTORY_FAILING"


_APART = (
    "give each floor a database, or a schema, of its own (docs/floors.md); where a root was lost,"
    " see the runbook STANDING_UNKNOWN"
)


class HistoryFile:
    """
    An SQLite file as it was when it was opened.

    One that is deleted, or whose mount is lost, can still be written to while it is open, and is
    never found again.
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
MOST_WAITING = 10_000
MOST_TOGETHER = 200
LOOK_UP_SECONDS = 1.0
OPENING_SECONDS = 3.0
STOPPING_SECONDS = 3.0

log = logging.getLogger(__name__)


class WaitingRecords:
    """
    Hands records from an event loop to the thread that writes them, in their order.

    Putting and losing exclude each other, so that nothing is lost that was called kept after the
    loss. Neither does more than move values in memory meanwhile: an event loop waits for it.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._records: queue.Queue[HistoryRecord | None] = queue.Queue(MOST_WAITING)
        self._guard = threading.Lock()
        self._lost = 0
        self._dropped = False

    def put(self, record: HistoryRecord) -> bool:
        """
        Take a record; returns False where it is lost.

        It is lost when too many wait. So is the first after a batch that was dropped:
        the next one has to hold everything, for what the batch said is gone.
        """
        with self._guard:
            if not self._dropped:
                with suppress(queue.Full):
                    self._records.put_nowait(record)
                    return True
            self._lost, self._dropped = self._lost + 1, False
            return False

    def take(self) -> list[HistoryRecord]:
        """Wait a while for a record, and take with it what waits already; may return none."""
        batch = list[HistoryRecord]()
        with suppress(queue.Empty):
            record = self._records.get(timeout=LOOK_UP_SECONDS)
            while True:
                if record is not None:
                    batch.append(record)
                else:
                    self._records.task_done()  # it only woke us
                if len(batch) >= MOST_TOGETHER:
                    break
                record = self._records.get_nowait()
        return batch

    def settle(self, batch: Sequence[HistoryRecord]) -> None:
        """End the wait for these: they are written, or lost."""
        for _ in batch:
            self._records.task_done()

    def drop(self, batch: Sequence[HistoryRecord]) -> None:
        """Lose a batch, with what waits behind it: minutes there cover what the batch says."""
        with self._guard:
            self._dropped, lost = True, len(batch)
            with suppress(queue.Empty):
                while True:
                    lost += self._records.get_nowait() is not None
                    self._records.task_done()
            self._lost += lost
        self.settle(batch)
        if lost:
            log.error("history: %d records were lost", lost)

    def wake(self) -> None:
        """Wake the thread that waits for a record, for instance because it shall stop."""
        with suppress(queue.Full):  # then it has enough to wake it
            self._records.put_nowait(None)

    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return self._records.empty()

    def is_settled(self) -> bool:
        """Return whether everything that was put is written or lost, and nothing is in hand."""
        return not self._records.unfinished_tasks

    def told_losses(self) -> str:
        """Say how many were lost, as the end of a sentence; empty where none was."""
        return f"; {self._lost} records were lost" if self._lost else ""


class HistoryWriter:
    """
    Writes records in the order in which they were put, in a thread of its own.

    A batch that fails is tried again until it is written. While that lasts records wait, up to a
    limit; what is put beyond it is lost, counted, and reported by `check`. Nothing that was put
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
        returns the head of its ledger as it is known, without looking.
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
        """Write what waits, for at most so long; what is not written then is logged."""
        self._stopping.set()
        self._waiting.wake()
        self._thread.join(seconds)
        if self._thread.is_alive() or self._waiting.told_losses():
            log.error("history: not everything was written at the stop: %s", self._trouble)
        self._memory.end(may_let_go=not self._thread.is_alive())

    def idle(self) -> bool:
        """Return whether everything that was put is written."""
        return self._waiting.is_settled() and self._busy_since is None

    def prune(self, oldest: datetime) -> None:
        """Drop what is older than this; raises what the database raises."""
        prune(self._engine, schema.to_micros(oldest))

    def put(self, record: HistoryRecord) -> bool:
        """Take a record; returns False for one that is lost, which `check` reports too."""
        if isinstance(record, DecisionRecord):
            self._memory.notes.latch(record.snapshot.latched)
        return self._waiting.put(record)

    def recalled(self) -> Latched | None:
        """Return what was latched when the process before ended; None until that could be read."""
        return self._recalled

    def lost(self) -> str:
        """Say what was lost of the alarms from before the start; empty where nothing was."""
        return self._memory.settled.lost

    def withheld(self) -> str:
        """Say why nothing may be written to this database; empty where it may be."""
        if self._recalled is None:
            return "whose history the database holds is not known yet"
        return self._memory.settled.lost if self._memory.settled.anothers else ""

    def began(self) -> datetime | None:
        """Return when this record began; None where that is not known, or it continues another."""
        marker = self._memory.settled.marker
        return None if marker is None or marker.continues else marker.began

    async def check(self) -> Seen[None] | Unseen:
        """Return whether what was put is being written, and where it can be found again."""
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
            return Unseen(UnseenReason.UNREADABLE, now, detail=f"its thread has ended{lost}")
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
        """Bring the tables up to date, and read what was latched before anything is written."""
        self._memory.take_notes()
        migrate(self._engine)
        if self._file is not None:
            self._file.remember()
        self._recalled = self._memory.recall(self._engine)
        if self.lost():
            log.error("history: what was latched before is not known: %s", self.lost())

    def _next_batch(self) -> list[HistoryRecord]:
        """Wait for a record, and take with it what waits already."""
        self._busy_since = None
        batch = self._waiting.take()
        self._busy_since = self._monotonic()
        return batch

    def _keep(self, batch: Sequence[HistoryRecord]) -> bool:
        """
        Write a batch; returns whether more may be written after it.

        A batch that meets a bug of ours is lost and logged, and others go on. Where one was not
        written at the stop nothing is: a minute after it would say that nothing is missing.
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
        Act until it succeeds, or fails once more after the stop began; returns which.

        Where another wrote the same row first it begins again at once, and that is no trouble.
        One that meets another at the stop tries a few times more, for the other ends too.
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
        fleets, decided = set[str](), [r for r in batch if isinstance(r, DecisionRecord)]
        if withheld := self.withheld():
            raise StorageError(f"nothing is written: {withheld}", path="history", remedy=_APART)
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
        if decided:
            self._memory.notes.written(decided[-1].snapshot.latched, pin)

    def _prune_sometimes(self) -> None:
        now = self._monotonic()
        if self._pruned_at is not None and now - self._pruned_at < PRUNE_EVERY:
            return
        self._pruned_at = now
        if self.withheld():
            return
        oldest = self._oldest_kept(self._clock())
        if oldest is not None:
            self._insist(lambda: self.prune(oldest))


def _failure_of(act: Callable[[], None]) -> Exception | None:
    """Act, and return what a database may raise; anything else is a bug of ours, and is raised."""
    try:
        act()
    except (SQLAlchemyError, OSError, StorageError) as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class OpenHistory:
    """History while it is open; `latched` is what was when the process before ended."""

    writer: HistoryWriter
    reader: HistoryReader
    latched: Latched
    engine: Engine


@asynccontextmanager
async def open_history(
    root: Path,
    database_url: str | None,
    clock: Clock,
    monotonic: Callable[[], float],
    oldest_kept: Callable[[datetime], datetime | None],
    starting: StartingRoot | None = None,
    ledger_head: Callable[[], LedgerHead | None] = lambda: None,
) -> AsyncGenerator[OpenHistory]:
    """
    Open history for the time of the block; what still waits at its end is written.

    A database that cannot be opened is no obstacle: the writer keeps trying, and says so. With a
    root that starts, its record and this history are compared and bound.
    """
    engine = open_engine(root, database_url)
    reader = HistoryReader(engine)
    await asyncio.to_thread(_make_room, root)
    writer = HistoryWriter(engine, clock, monotonic, oldest_kept, starting, ledger_head)
    writer.start()
    try:
        yield OpenHistory(writer, reader, await _wait_for_latched(writer), engine)
    finally:
        await asyncio.to_thread(writer.stop, STOPPING_SECONDS)
        engine.dispose()


async def _wait_for_latched(writer: HistoryWriter) -> Latched:
    """Wait a little for what was latched; the watch joins it later if it is not known by then."""
    try:
        async with asyncio.timeout(OPENING_SECONDS):
            while (latched := writer.recalled()) is None:  # noqa: ASYNC110  (a thread's own)
                await asyncio.sleep(0.01)
            return latched
    except TimeoutError:
        log.warning("the alarms of before are not known yet: the floor is HALTED until they are")
        return NOTHING_LATCHED


def _make_room(root: Path) -> None:
    with suppress(OSError):  # then opening the database fails, and says so
        root.mkdir(parents=True, exist_ok=True)
