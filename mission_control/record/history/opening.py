"""History: opened for the time of a process: one thread that writes, and whoever reads."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from mission_control.errors import StorageError
from mission_control.jobs.ports import Clock
from mission_control.model.standing import NOTHING_STANDS, Standing
from mission_control.record.history.database import migrate, open_engine
from mission_control.record.history.reader import HistoryReaderSql
from mission_control.record.history.writer import HistoryWriterThread

OPENING_SECONDS = 10.0
STOPPING_SECONDS = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenHistory:
    """History while it is open; `standing` is what stood when the process before ended."""

    writer: HistoryWriterThread
    reader: HistoryReaderSql
    standing: Standing


@asynccontextmanager
async def open_history(
    root: Path,
    database_url: str | None,
    clock: Clock,
    monotonic: Callable[[], float],
    oldest_kept: Callable[[datetime], datetime | None],
) -> AsyncGenerator[OpenHistory]:
    """
    Open history for the time of the block; what still waits at its end is written.

    A database that cannot be opened stops nobody: the writer keeps trying, and says so.
    """
    engine = open_engine(root, database_url)
    reader = HistoryReaderSql(engine)
    standing = await _remember(root, engine, reader)
    writer = HistoryWriterThread(engine, clock, monotonic, oldest_kept)
    writer.start()
    try:
        yield OpenHistory(writer, reader, standing)
    finally:
        await asyncio.to_thread(writer.stop, STOPPING_SECONDS)
        engine.dispose()


async def _remember(root: Path, engine: Engine, reader: HistoryReaderSql) -> Standing:
    """Bring the tables up to date and give what stood; nothing where that cannot be known."""
    try:
        async with asyncio.timeout(OPENING_SECONDS):
            await asyncio.to_thread(_prepare, root, engine)
            return await reader.standing() or NOTHING_STANDS
    except (SQLAlchemyError, CommandError, OSError, StorageError, TimeoutError) as error:
        log.warning("what stood before is not known: %s: %s", type(error).__name__, error)
        return NOTHING_STANDS


def _prepare(root: Path, engine: Engine) -> None:
    root.mkdir(parents=True, exist_ok=True)
    migrate(engine)
