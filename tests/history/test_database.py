"""History: a database is opened beside others that open it, and beside other databases."""

import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import event, inspect
from sqlalchemy.exc import OperationalError

from mission_control.history import database, schema
from mission_control.history.database import SQLITE_NAME, migrate, open_engine


def test_a_fresh_file_that_another_opens_is_waited_for(tmp_path, monkeypatch):
    """SQLite refuses write-ahead mode at once while another is in the file: we ask again."""
    pauses = list[float]()

    with closing(sqlite3.connect(tmp_path / SQLITE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def pause(seconds):
            pauses.append(seconds)
            if len(pauses) > 2:
                other.rollback()

        monkeypatch.setattr(database, "sleep", pause)
        engine = open_engine(tmp_path, None)
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        engine.dispose()

    assert 3 == len(pauses)
    assert "wal" == mode


def test_a_file_that_another_never_leaves_is_refused(tmp_path, monkeypatch):
    """We wait as long as for any lock, and then say that it is locked."""
    passed = iter(range(100))
    monkeypatch.setattr(database, "monotonic", lambda: next(passed))
    monkeypatch.setattr(database, "sleep", lambda _: None)
    engine = open_engine(tmp_path, None)
    with closing(sqlite3.connect(tmp_path / SQLITE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="database is locked"):
            engine.connect()
    engine.dispose()

    assert database.BUSY_SECONDS < next(passed) < 2 * database.BUSY_SECONDS


def test_what_is_no_database_is_refused_at_once(tmp_path, monkeypatch):
    """Only a lock is waited for: a file of something else is said to be that."""
    pauses = list[float]()
    monkeypatch.setattr(database, "sleep", pauses.append)
    (tmp_path / SQLITE_NAME).write_bytes(b"something else" * 100)
    engine = open_engine(tmp_path, None)
    with pytest.raises(Exception, match="not a database"):
        engine.connect()
    engine.dispose()

    assert [] == pauses


def test_two_databases_are_brought_up_to_date_beside_each_other(tmp_path):
    """Alembic has one place for all it does: the second in a process waits for it."""
    problems, threads = list[BaseException](), list[threading.Thread]()
    engines = {name: open_engine(tmp_path / name, None) for name in ("first", "second")}
    for name in engines:
        (tmp_path / name).mkdir()

    def begin(name):
        try:
            migrate(engines[name])
        except Exception as error:  # noqa: BLE001  (told by the test)
            problems.append(error)

    def meet(_connection, _cursor, statement, *_more):
        if "CREATE TABLE" in statement and not threads:
            threads.append(threading.Thread(target=begin, args=("second",)))
            threads[0].start()
            threads[0].join(0.5)  # it ends in the middle of us, or waits

    event.listen(engines["first"], "before_cursor_execute", meet)
    begin("first")
    threads[0].join()
    tables = [set(inspect(engine).get_table_names()) for engine in engines.values()]
    for engine in engines.values():
        engine.dispose()

    assert [] == problems
    assert [{*schema.metadata.tables, "alembic_version"}] * 2 == tables
