"""Opened for the time of a process: one thread that writes, and whoever reads."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mission_control.floor.model import NOTHING_LATCHED, Latched
from mission_control.floor.ports import Clock
from mission_control.history.continuity import StartingRoot
from mission_control.history.database import open_engine
from mission_control.history.reader import HistoryReaderSql
from mission_control.history.writer import HistoryWriterThread
from mission_control.records.model import LedgerHead

OPENING_SECONDS = 3.0
STOPPING_SECONDS = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenHistory:
    """History while it is open; `standing` is what stood when the process before ended."""

    writer: HistoryWriterThread
    reader: HistoryReaderSql
    latched: Latched


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

    A database that cannot be opened stops nobody: the writer keeps trying, and says so. With a
    root that starts, its record and this history are compared and bound.
    """
    engine = open_engine(root, database_url)
    reader = HistoryReaderSql(engine)
    await asyncio.to_thread(_make_room, root)
    writer = HistoryWriterThread(engine, clock, monotonic, oldest_kept, starting, ledger_head)
    writer.start()
    try:
        yield OpenHistory(writer, reader, await _recall(writer))
    finally:
        await asyncio.to_thread(writer.stop, STOPPING_SECONDS)
        engine.dispose()


async def _recall(writer: HistoryWriterThread) -> Latched:
    """Wait a little for what stood; the watch joins it later where it is not known by then."""
    try:
        async with asyncio.timeout(OPENING_SECONDS):
            while (latched := writer.recalled()) is None:  # noqa: ASYNC110  (a thread's own)
                await asyncio.sleep(0.01)
            return latched
    except TimeoutError:
        log.warning("what stood before is not known yet: the floor is HALTED until it is")
        return NOTHING_LATCHED


def _make_room(root: Path) -> None:
    with suppress(OSError):  # then opening the database fails, and says so
        root.mkdir(parents=True, exist_ok=True)
