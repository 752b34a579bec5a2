"""History: a file that is no database names the remedy, and is opened by itself once it is one."""

import asyncio

import pytest

from mission_control.errors import StorageError
from mission_control.history.database import SQLITE_NAME
from mission_control.history.model import EventQuery
from mission_control.model.reading import Seen, Unseen
from tests.history.conftest import Keeper

pytestmark = pytest.mark.anyio


async def test_a_file_that_is_no_database_is_told_and_heals(tmp_path):
    """Writer and reader say what to do; with the file moved aside a new one is begun at once."""
    spoilt = tmp_path / SQLITE_NAME
    spoilt.write_bytes(b"this is no database\n" * 500)
    kept = Keeper(tmp_path, None)
    kept.writer.start()
    try:
        async with asyncio.timeout(60):
            while not isinstance(told := await kept.writer.check(), Unseen):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            with pytest.raises(StorageError) as unread:
                await kept.reader.events(EventQuery(10))
            spoilt.rename(tmp_path / "aside")
            while not isinstance(await kept.writer.check(), Seen):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        page = await kept.reader.events(EventQuery(10))
    finally:
        kept.stop()

    for text in (told.detail, unread.value.problem):
        assert "file is not a database" in text
        assert "move history.sqlite3 aside" in text
    assert () == page.events
