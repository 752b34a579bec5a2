"""History: at the end nothing is written that claims more than what was written before it."""

import asyncio
import queue
import sqlite3
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.history import database, writer
from mission_control.history.model import DecisionRecord, MinuteRecord
from mission_control.model.reading import Unseen
from tests.floor.floor_of_values import NOW, FloorOfValues, session_at
from tests.history.conftest import Keeper
from tests.history.test_history import trouble, written

pytestmark = pytest.mark.anyio
SPAN = (NOW, NOW + timedelta(seconds=50))
MINUTE = MinuteRecord(NOW, {"strategy-engine": (6, 6)}, (SPAN,))
FULL = OSError(28, "No space left on device")
TAKEN = IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed"))


def decision(at=NOW):
    """Return a decision."""
    floor = FloorOfValues()
    floor.refresh(at)
    evidence = floor.evidence()
    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, at)
    return DecisionRecord("change", evidence, NOTHING_LATCHED, snapshot, (), ())


@contextmanager
def failing(kept, *errors):
    """Let the database refuse decisions with these; returns an event for it, and what awaits it."""
    refused, may, left = threading.Event(), threading.Event(), [*errors]

    def refuse(_connection, _cursor, statement, *_more):
        if statement.startswith("INSERT INTO decisions") and left:
            refused.set()
            may.wait(60)
            raise left.pop(0)

    event.listen(kept.engine, "before_cursor_execute", refuse)
    try:
        yield refused, may
    finally:
        event.remove(kept.engine, "before_cursor_execute", refuse)


async def kept_of(tmp_path, database_url):
    """Return how many decisions and minutes are kept."""
    again = Keeper(tmp_path, database_url)
    since, until = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    found = [d async for d in again.reader.decisions(since, until)]
    minutes = await again.reader.minutes(since, until)
    again.engine.dispose()
    return len(found), len(minutes)


async def test_no_minute_covers_a_decision_that_was_not_written(
    tmp_path, database_url, monkeypatch
):
    """Refused before the stop and once more after it: the minute behind it is lost as well."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", (60.0,))  # only the stop wakes it
    kept = Keeper(tmp_path, database_url)
    kept.start()
    with failing(kept, FULL, FULL) as (refused, may):
        kept.writer.put(decision())
        assert refused.wait(60)
        kept.writer.put(MINUTE)
        may.set()
        kept.stop()
        said = await kept.writer.check()

    assert (0, 0) == await kept_of(tmp_path, database_url)
    assert isinstance(said, Unseen)
    assert said.detail.endswith("; 2 records were lost")


async def test_what_can_be_written_at_the_stop_is(tmp_path, database_url, monkeypatch):
    """Refused only before the stop: then the decision is written, and the minute after it."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", (60.0,))
    kept = Keeper(tmp_path, database_url)
    kept.start()
    with failing(kept, FULL) as (refused, may):
        kept.writer.put(decision())
        assert refused.wait(60)
        kept.writer.put(MINUTE)
        may.set()
        kept.stop()

    assert (1, 1) == await kept_of(tmp_path, database_url)


@pytest.mark.parametrize("times", [1, 3])
async def test_meeting_another_at_the_stop_loses_nothing(
    tmp_path, database_url, monkeypatch, times
):
    """Where others write the same row first as we stop, we try again, and all is written."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", (60.0,))
    kept = Keeper(tmp_path, database_url)
    kept.start()
    with failing(kept, FULL, *[TAKEN] * times) as (refused, may):
        kept.writer.put(decision())
        assert refused.wait(60)
        kept.writer.put(MINUTE)
        may.set()
        kept.stop()

    assert (1, 1) == await kept_of(tmp_path, database_url)


async def test_meeting_others_for_ever_is_no_reason_not_to_stop(
    tmp_path, database_url, monkeypatch
):
    """Who always finds the row taken gives up at the stop, and says what was lost and why."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", (60.0,))
    kept = Keeper(tmp_path, database_url)
    kept.start()
    with failing(kept, FULL, *[TAKEN] * 99) as (refused, may):
        kept.writer.put(decision())
        assert refused.wait(60)
        may.set()
        kept.stop()
        said = await kept.writer.check()

    assert (0, 0) == await kept_of(tmp_path, database_url)
    assert isinstance(said, Unseen)
    assert "UNIQUE constraint failed; 1 records were lost" in said.detail


async def test_a_database_that_is_locked_as_we_stop_is_tried_again(tmp_path, monkeypatch):
    """Another process holds SQLite's lock longer than we wait for it, and lets go after that."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", (60.0,))
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    kept, refusals = Keeper(tmp_path, None), list[str]()
    kept.start()
    other = sqlite3.connect(
        tmp_path / database.SQLITE_NAME, isolation_level=None, check_same_thread=False
    )

    def let_go(context):
        refusals.append(str(context.original_exception))
        if len(refusals) > 1:
            other.rollback()

    with failing(kept, FULL) as (refused, may):
        kept.writer.put(decision())
        assert refused.wait(60)
        may.set()
        await trouble(kept)
        other.execute("BEGIN IMMEDIATE")
        event.listen(kept.engine, "handle_error", let_go)
        kept.stop()
    other.close()

    assert ["database is locked"] * 2 == refusals
    assert (1, 0) == await kept_of(tmp_path, None)


async def test_what_waits_behind_a_lost_batch_is_lost_with_it(keeper):
    """While it runs too: a batch lost by a bug of ours takes the minute that covers it along."""
    with keeper() as kept:
        with failing(kept, KeyError("a bug of ours")) as (refused, may):
            kept.writer.put(decision())
            assert refused.wait(60)
            kept.writer.put(MINUTE)
            may.set()
            await written(kept)
        again = kept.writer.put(decision(NOW + timedelta(seconds=5)))
        kept.writer.put(decision(NOW + timedelta(seconds=9)))
        await written(kept)
        minutes = await kept.reader.minutes(NOW, NOW + timedelta(hours=1))
        found = await kept.reader.decision_at(NOW + timedelta(hours=1))

    assert not again
    assert [] == minutes
    assert found is not None
    assert NOW + timedelta(seconds=9) == found.at


async def test_a_record_in_hand_is_not_written_yet(tmp_path, monkeypatch):
    """The thread that took it may rest before it does anything else: it is not idle meanwhile."""
    taken, may = threading.Event(), threading.Event()

    class Resting(queue.Queue):
        def get(self, block=True, timeout=None):  # noqa: FBT002  (as it is called)
            record = super().get(block, timeout)
            taken.set()
            may.wait(60)
            return record

    monkeypatch.setattr(queue, "Queue", Resting)
    kept = Keeper(tmp_path, None)
    kept.start()
    kept.writer.put(MINUTE)
    assert taken.wait(60)
    within = kept.writer.idle()
    may.set()
    await written(kept)
    minutes = await kept.reader.minutes(NOW - timedelta(minutes=1), NOW + timedelta(minutes=1))
    kept.stop()

    assert not within
    assert 1 == len(minutes)


@pytest.mark.parametrize("lost", [False, True], ids=["written", "lost"])
async def test_nothing_is_left_in_hand(tmp_path, lost):
    """Once all is written, or lost, it is idle, however much there was."""
    kept = Keeper(tmp_path, None)
    kept.start()
    with failing(kept, *[KeyError("a bug of ours")] * lost) as (refused, may):
        kept.writer.put(decision())
        assert not lost or refused.wait(60)
        for minute in range(500):
            kept.writer.put(MinuteRecord(NOW + timedelta(minutes=minute), {"a": (1, 1)}))
        may.set()
        await written(kept)
    minutes = await kept.reader.minutes(NOW, NOW + timedelta(minutes=500))
    kept.stop()

    assert (0 if lost else 500) == len(minutes)


async def test_what_is_put_during_a_loss_is_lost_only_where_that_was_told(tmp_path, monkeypatch):
    """While what waits behind a lost batch is dropped, nothing that is told kept goes with it."""
    told, dropping, threads = list[tuple[int, bool]](), threading.Event(), list[threading.Thread]()

    def put_again(kept):
        for second in (1, 2, 3):
            told.append((second, kept.writer.put(decision(NOW + timedelta(seconds=second)))))

    class Interrupted(queue.Queue):  # the loop's thread runs while another drops
        def get_nowait(self):
            if dropping.is_set() and not threads:
                threads.append(threading.Thread(target=put_again, args=(kept,)))
                threads[0].start()
                threads[0].join(0.5)
            return super().get_nowait()

    monkeypatch.setattr(queue, "Queue", Interrupted)
    kept = Keeper(tmp_path, None)
    kept.start()
    with failing(kept, KeyError("a bug of ours")) as (refused, may):
        kept.writer.put(decision())
        assert refused.wait(60)
        kept.writer.put(MINUTE)
        dropping.set()
        may.set()
        async with asyncio.timeout(60):
            while len(told) < 3:  # noqa: ASYNC110  (a thread's own)
                await asyncio.sleep(0.01)
        await written(kept)
    since, until = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    found = [d.at async for d in kept.reader.decisions(since, until)]
    kept.stop()

    assert [(1, False), (2, True), (3, True)] == told
    assert [NOW + timedelta(seconds=second) for second, kept_ in told if kept_] == found


async def test_what_waits_for_tables_that_never_came_is_counted(tmp_path):
    """Stopped before the database could be opened, everything that was put is told as lost."""
    kept = Keeper(tmp_path / "not there" / "at all", None)
    kept.writer.start()
    kept.writer.put(decision())
    kept.writer.put(MINUTE)
    kept.stop()
    said = await kept.writer.check()

    assert isinstance(said, Unseen)
    assert said.detail.endswith("; 2 records were lost")
