"""History: the database: SQLite beside the artifacts, or PostgreSQL by its URL."""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_NAME = "history.sqlite3"
BUSY_SECONDS = 5
BUSY_PAUSE_SECONDS = 0.02
CONNECT_SECONDS = 5
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {"40001", "40P01", "55P03"}
"""PostgreSQL: not in one order with others, a deadlock, a lock that was not had in time."""
_MIGRATING = threading.Lock()
_WRITES = "mission_control_writes"


def open_engine(root: Path, database_url: str | None) -> Engine:
    """
    Make an engine; nothing is connected before it is used.

    Without a URL history is an SQLite file below the root, in write-ahead mode and synced at
    every commit.
    """
    if database_url is None:
        return _open_sqlite(make_url(f"sqlite:///{root / SQLITE_NAME}"))
    url = make_url(database_url)
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url)
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=3,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": "-c statement_timeout=30000 -c lock_timeout=5000",
        },
    )


@contextmanager
def writing(engine: Engine) -> Generator[Connection]:
    """
    Hold a transaction that may write; it is committed at the end of the block, or undone.

    SQLite lets one in at a time, from its first statement on: nobody changes what was read here
    before it is written. Who only reads connects to the engine, and takes no lock.
    """
    with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


def met_another(error: Exception) -> bool:
    """Tell whether a write failed for what another wrote or held: begun anew it may succeed."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _LOCKED
    return isinstance(error, IntegrityError) or getattr(cause, "sqlstate", None) in _REFUSED


def migrate(engine: Engine) -> None:
    """
    Bring the tables to what this version needs, wholly or not at all.

    Safe to run again, and beside another: whoever comes second waits. In one process that holds
    for different databases too, because Alembic keeps what it works on in its modules.
    """
    # Imported here: who only reads history needs none of it, and it takes a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with _MIGRATING, writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7135001)")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _open_sqlite(url: URL) -> Engine:
    """
    Make an engine whose transactions are begun by us.

    Python's driver begins one only before a statement that changes rows: two could read the same
    row before either wrote it, and what changes tables would be committed statement by statement.
    """
    engine = create_engine(url, pool_pre_ping=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # it leaves transactions to us
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Choose write-ahead mode; SQLite itself waits for no other that is in a fresh file."""
    until = monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _LOCKED or monotonic() > until:
                raise
        else:
            return
        sleep(BUSY_PAUSE_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
