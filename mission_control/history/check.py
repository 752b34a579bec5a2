"""Tries, once and without changing anything, whether history could be opened."""

import asyncio
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mission_control.floor.ports import Clock
from mission_control.history.database import SQLITE_NAME, describe, open_engine
from mission_control.model.reading import Seen, Unseen, UnseenReason

DEADLINE_SECONDS = 8.0


async def check_history(root: Path, database_url: str | None, clock: Clock) -> Seen[str] | Unseen:
    """Say what history is kept in; `Unseen` where that cannot be opened in time."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            told = await asyncio.to_thread(_look, root, database_url)
    except TimeoutError:
        detail = f"no answer within {DEADLINE_SECONDS:g} s"
        return Unseen(UnseenReason.TIMEOUT, clock(), DEADLINE_SECONDS, detail)
    except (SQLAlchemyError, OSError) as error:
        return Unseen(UnseenReason.UNREADABLE, clock(), detail=describe(error))
    return Seen(told, clock())


def _look(root: Path, database_url: str | None) -> str:
    if database_url is None and not (root / SQLITE_NAME).exists():
        return f"{SQLITE_NAME} below the root, which is made at the first start"
    engine = open_engine(root, database_url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return f"{engine.dialect.name} {engine.url.database or ''}".rstrip()
    finally:
        engine.dispose()
