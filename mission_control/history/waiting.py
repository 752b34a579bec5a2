"""The records that wait to be written, between two threads; no loss is hidden."""

import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress

from mission_control.history.ports import HistoryRecord

MOST_WAITING = 10_000
MOST_TOGETHER = 200
LOOK_UP_SECONDS = 1.0

log = logging.getLogger(__name__)


class WaitingRecords:
    """
    Hands records from an event loop to the thread that writes them, in their order.

    Putting and losing exclude each other, so that nothing is lost that was told kept after the
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
        Take a record; gives False where it is lost.

        It is lost when too many wait. So is the first after a batch that was dropped: whoever
        puts it has to tell everything anew, for nobody knows what the batch said.
        """
        with self._guard:
            if not self._dropped:
                with suppress(queue.Full):
                    self._records.put_nowait(record)
                    return True
            self._lost, self._dropped = self._lost + 1, False
            return False

    def take(self) -> list[HistoryRecord]:
        """Wait a while for a record, and take with it what waits already; may give none."""
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
        """Let nobody wait for these any more: they are written, or lost."""
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
        """Let who waits for a record look up, for instance because it shall stop."""
        with suppress(queue.Full):  # then it has enough to wake it
            self._records.put_nowait(None)

    def is_empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._records.empty()

    def is_settled(self) -> bool:
        """Tell whether everything that was put is written or lost, and nothing is in hand."""
        return not self._records.unfinished_tasks

    def told_losses(self) -> str:
        """Say how many were lost, as the end of a sentence; nothing where none was."""
        return f"; {self._lost} records were lost" if self._lost else ""
