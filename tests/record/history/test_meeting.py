"""History: two servers that keep one history lose nothing of each other's."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from mission_control.jobs.history_ports import MinuteRecord
from mission_control.record.history import schema
from tests.decide.floor_of_values import NOW
from tests.record.history.conftest import keeping
from tests.record.history.test_history import written

pytestmark = pytest.mark.anyio
SECONDS = [NOW + timedelta(seconds=s) for s in range(60)]


def minute(count, began, ended):
    """Give what was counted in a stretch of the one minute."""
    return MinuteRecord(
        NOW, {"strategy-engine": (count, count)}, ((SECONDS[began], SECONDS[ended]),)
    )


@contextmanager
def meeting(first, second):
    """Let the first change the minute only when the second has looked at it, or waits to."""
    looked, changing = threading.Event(), ["once"]

    def change(_connection, _cursor, statement, *_more):
        if statement.startswith(("DELETE FROM minutes", "INSERT INTO minutes")) and changing:
            changing.clear()
            looked.wait()

    def wait(_connection, _cursor, statement, *_more):
        if statement.startswith("BEGIN"):
            looked.set()

    def look(_connection, _cursor, statement, *_more):
        if statement.startswith("SELECT minutes"):
            looked.set()

    event.listen(first.engine, "before_cursor_execute", change)
    event.listen(second.engine, "before_cursor_execute", wait)
    event.listen(second.engine, "after_cursor_execute", look)
    try:
        yield changing
    finally:
        looked.set()


@pytest.mark.parametrize("known", [True, False], ids=["known", "turn of the minute"])
async def test_two_that_add_to_one_minute_at_once_both_count(tmp_path, database_url, caplog, known):
    """What both counted and both decided is there, and neither calls it trouble."""
    with keeping(tmp_path, database_url) as first, keeping(tmp_path, database_url) as second:
        if known:
            first.writer.put(minute(1, 0, 1))
            await written(first)
        await written(second)
        with meeting(first, second) as changing:
            first.writer.put(minute(10, 2, 3))
            async with asyncio.timeout(60):
                while changing:  # noqa: ASYNC110  (a thread of its own has no event)
                    await asyncio.sleep(0.01)
            second.writer.put(minute(100, 4, 5))
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
