"""History: one thread writes what it is handed; nobody waits for it, and no loss is hidden."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from mission_control.jobs.history_ports import DecisionRecord, HistoryRecord, MinuteRecord
from mission_control.jobs.ports import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.present.canonical_json import encode_json
from mission_control.present.decision_result import decision_result
from mission_control.record.history import schema
from mission_control.record.history.codec import (
    pack,
    pack_evidence,
    pack_fleet,
    pack_standing,
    unpack,
)
from mission_control.record.history.database import migrate

MOST_WAITING = 10_000
MOST_TOGETHER = 200
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
SILENT_SECONDS = 20.0
"""A write that takes longer than this is a failure, whatever becomes of it."""
PRUNE_EVERY = 3_600.0
MINUTE_MICROS = 60_000_000

log = logging.getLogger(__name__)


class HistoryWriterThread:
    """
    Writes records in the order in which they were put; satisfies `HistoryWriter`.

    A batch that fails is tried again until it is written. While that lasts records wait, up to a
    limit; what is put beyond it is lost, counted, and told by `check`. `oldest_kept` says from
    when on history is kept; older rows go, once an hour.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        monotonic: Callable[[], float],
        oldest_kept: Callable[[datetime], datetime | None],
    ) -> None:
        """Write through this engine; nothing happens before `start`."""
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._oldest_kept = oldest_kept
        self._waiting: queue.Queue[HistoryRecord | None] = queue.Queue(MOST_WAITING)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._trouble = ""
        self._busy_since: float | None = None
        self._lost = 0
        self._pruned_at: float | None = None
        self._fleets: set[str] = set()

    def start(self) -> None:
        """Begin to write."""
        self._busy_since = self._monotonic()
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Write what waits, for at most so long."""
        self._stopping.set()
        with suppress(queue.Full):  # then it has enough to wake it
            self._waiting.put_nowait(None)
        self._thread.join(seconds)

    def idle(self) -> bool:
        """Tell whether everything that was put is written."""
        return self._waiting.empty() and self._busy_since is None

    def prune(self, oldest: datetime) -> None:
        """Drop what is older than this; raises what the database raises."""
        self._prune(schema.to_micros(oldest))

    def put(self, record: HistoryRecord) -> None:
        """Take a record; when too many wait it is lost, and `check` says so."""
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._lost += 1

    async def check(self) -> Seen[None] | Unseen:
        """Say whether what was put is being written."""
        now, busy = self._clock(), self._busy_since
        lost = f"; {self._lost} records were lost" if self._lost else ""
        if self._trouble:
            return Unseen(UnseenReason.UNREADABLE, now, detail=self._trouble + lost)
        if busy is not None and self._monotonic() - busy > SILENT_SECONDS:
            detail = f"a write has not ended for {SILENT_SECONDS:g} s{lost}"
            return Unseen(UnseenReason.TIMEOUT, now, detail=detail)
        if not self._thread.is_alive():
            return Unseen(UnseenReason.UNREADABLE, now, detail=f"nobody writes it{lost}")
        return Seen(None, now)

    def _run(self) -> None:
        if not self._insist(lambda: migrate(self._engine)):
            return
        while True:
            batch = self._next_batch()
            if batch:
                self._insist(lambda rows=batch: self._write(rows))
            if self._stopping.is_set() and self._waiting.empty():
                return
            self._prune_sometimes()

    def _next_batch(self) -> list[HistoryRecord]:
        """Wait for a record, and take with it what waits already."""
        self._busy_since = None
        batch = list[HistoryRecord]()
        try:
            first = self._waiting.get(timeout=1.0)
            while True:
                if first is not None:
                    batch.append(first)
                if len(batch) >= MOST_TOGETHER:
                    break
                first = self._waiting.get_nowait()
        except queue.Empty:
            pass
        self._busy_since = self._monotonic()
        return batch

    def _insist(self, act: Callable[[], None]) -> bool:
        """Act until it succeeds or we are told to stop; tells whether it did."""
        tries = 0
        while True:
            try:
                act()
            except (SQLAlchemyError, OSError) as error:
                self._trouble = _describe(error)
                log.warning("history cannot be written: %s", self._trouble)
            else:
                self._trouble = ""
                return True
            if self._stopping.is_set():
                return False
            self._stopping.wait(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1

    def _write(self, batch: Sequence[HistoryRecord]) -> None:
        with self._engine.begin() as connection:
            for record in batch:
                if isinstance(record, DecisionRecord):
                    self._write_decision(connection, record)
                else:
                    _write_minute(connection, record)

    def _write_decision(self, connection: Connection, record: DecisionRecord) -> None:
        snapshot, at = record.snapshot, schema.to_micros(record.snapshot.at)
        self._write_fleet(connection, record)
        connection.execute(
            insert(schema.decisions).values(
                at=at,
                sequence=snapshot.sequence,
                why=record.why,
                fleet_digest=snapshot.fleet.digest,
                inputs=pack_evidence(record.evidence),
                standing=pack_standing(record.before),
                after=pack_standing(snapshot.standing),
                result=pack({"digest": decision_result(snapshot)}),
            )
        )
        changes = [
            {
                "at": schema.to_micros(c.at),
                "agent_name": c.agent_name,
                "state": c.state.value,
                "expected": c.expected,
                "reason_code": c.reason_code,
            }
            for c in record.changes
        ]
        if changes:
            connection.execute(insert(schema.service_changes), changes)
        events = [
            {
                "at": schema.to_micros(e.at),
                "type": e.type.value,
                "severity": e.severity.value,
                "agent_name": e.agent_name,
                "message": e.message,
                "data": encode_json(e.data).decode(),
            }
            for e in record.events
        ]
        if events:
            connection.execute(insert(schema.events), events)

    def _write_fleet(self, connection: Connection, record: DecisionRecord) -> None:
        digest = record.snapshot.fleet.digest
        if digest in self._fleets:
            return
        table = schema.fleets
        known = select(func.count()).select_from(table).where(table.c.digest == digest)
        if not connection.scalar(known):
            fleet = pack_fleet(record.snapshot.fleet)
            connection.execute(insert(table).values(digest=digest, document=fleet))
        self._fleets.add(digest)

    def _prune_sometimes(self) -> None:
        now = self._monotonic()
        if self._pruned_at is not None and now - self._pruned_at < PRUNE_EVERY:
            return
        self._pruned_at = now
        oldest = self._oldest_kept(self._clock())
        if oldest is not None:
            self._insist(lambda: self._prune(schema.to_micros(oldest)))

    def _prune(self, oldest: int) -> None:
        """Drop older rows, but keep what was true when the kept time began."""
        changes, decisions = schema.service_changes, schema.decisions
        newest = (
            select(func.max(changes.c.id))
            .where(changes.c.at <= oldest)
            .group_by(changes.c.agent_name)
        )
        last = select(func.max(decisions.c.id)).where(decisions.c.at <= oldest).scalar_subquery()
        with self._engine.begin() as connection:
            connection.execute(
                delete(changes).where(changes.c.at <= oldest, changes.c.id.not_in(newest))
            )
            connection.execute(delete(decisions).where(decisions.c.id < last))
            minute, at = schema.minutes.c.minute, schema.events.c.at
            connection.execute(delete(schema.minutes).where(minute <= oldest - MINUTE_MICROS))
            connection.execute(delete(schema.events).where(at < oldest))


def _write_minute(connection: Connection, record: MinuteRecord) -> None:
    """Write a minute, added to what another process or an earlier start counted in it."""
    table, minute = schema.minutes, schema.to_micros(record.minute)
    counts = {name: list(pair) for name, pair in record.counts.items()}
    known = connection.scalar(select(table.c.counts).where(table.c.minute == minute))
    if known is not None:
        connection.execute(delete(table).where(table.c.minute == minute))
        for name, (asked, obtained) in unpack(known).items():
            more = counts.setdefault(name, [0, 0])
            counts[name] = [more[0] + asked, more[1] + obtained]
    connection.execute(insert(table).values(minute=minute, counts=pack(counts)))


def _describe(error: Exception) -> str:
    """Say what is wrong, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else ''}"[:300]
