"""History: two servers that keep one history lose nothing of each other's."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from mission_control.history import schema
from mission_control.history.model import MinuteRecord
from tests.floor.floor_of_values import NOW
from tests.history.conftest import keeping
from tests.history.test_history import written

pytestmark = pytest.mark.anyio
CHANGES = ("DELETE FROM minutes", "INSERT INTO minutes", "UPDATE minutes")
SECONDS = [NOW + timedelta(seconds=s) for s in range(60)]


def minute(count, began, ended):
    """Return what was counted in a stretch of the one minute."""
    return MinuteRecord(
        NOW, {"strategy-engine": (count, count)}, ((SECONDS[began], SECONDS[ended]),)
    )


async def until(condition):
    """Wait for a condition."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  (a thread of its own has no event)
            await asyncio.sleep(0.01)


@contextmanager
def meeting(first, second, locked):
    """Hold the first before it changes the minute; returns events for that and for the second."""
    changing, waiting, may = threading.Event(), threading.Event(), threading.Event()

    def change(_connection, _cursor, statement, *_more):
        if statement.startswith(CHANGES) and not changing.is_set():
            changing.set()
            may.wait()

    def wait(_connection, _cursor, statement, *_more):
        if locked in statement:
            waiting.set()

    event.listen(first.engine, "before_cursor_execute", change)
    event.listen(second.engine, "before_cursor_execute", wait)
    try:
        yield changing, waiting, may
    finally:
        may.set()


@pytest.mark.parametrize("known", [True, False], ids=["known", "turn of the minute"])
async def test_two_that_add_to_one_minute_at_once_both_count(tmp_path, database_url, caplog, known):
    """Whether the second waits for the first or is done before it: both count, without trouble."""
    locked = "FOR UPDATE" if known and database_url else "BEGIN IMMEDIATE"
    with keeping(tmp_path, database_url) as first, keeping(tmp_path, database_url) as second:
        if known:
            first.writer.put(minute(1, 0, 1))
        await written(first)
        await written(second)
        with meeting(first, second, locked) as (changing, waiting, may):
            first.writer.put(minute(10, 2, 3))
            await until(changing.is_set)
            second.writer.put(minute(100, 4, 5))
            await until(lambda: waiting.is_set() or second.writer.idle())
            may.set()
            await written(second)
        await written(first)
        (kept,) = await first.reader.minutes(NOW, NOW + timedelta(minutes=1))

    count = 111 if known else 110
    spans = [(0, 1), (2, 3), (4, 5)][0 if known else 1 :]
    assert {"strategy-engine": (count, count)} == kept.counts
    assert tuple((SECONDS[b], SECONDS[e]) for b, e in spans) == kept.decided
    assert [] == [r.getMessage() for r in caplog.records if "cannot be written" in r.getMessage()]


async def test_who_reads_holds_no_writer_up(tmp_path, monkeypatch):
    """On SQLite only what writes takes the one lock: a reader in mid-sentence leaves it alone."""
    with keeping(tmp_path, None) as kept, kept.engine.connect() as reading:
        before = reading.execute(schema.minutes.select()).fetchall()
        kept.writer.put(minute(1, 0, 1))
        await written(kept)
        within = reading.execute(schema.minutes.select()).fetchall()
        reading.rollback()
        after = reading.execute(schema.minutes.select()).fetchall()

    assert [] == before == within
    assert 1 == len(after)
