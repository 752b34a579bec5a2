"""History: the database: SQLite beside the artifacts, or PostgreSQL by its URL."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_NAME = "history.sqlite3"
BUSY_SECONDS = 5
CONNECT_SECONDS = 5


def open_engine(root: Path, database_url: str | None) -> Engine:
    """
    Make an engine; nothing is connected before it is used.

    Without a URL history is an SQLite file below the root, in write-ahead mode and synced at
    every commit.
    """
    if database_url is None:
        engine = create_engine(f"sqlite:///{root / SQLITE_NAME}", pool_pre_ping=True)
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    url = make_url(database_url)
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, pool_pre_ping=True)
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=3,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": "-c statement_timeout=30000 -c lock_timeout=5000",
        },
    )


def migrate(engine: Engine) -> None:
    """
    Bring the tables to what this version needs, wholly or not at all.

    Safe to run again, and beside another: whoever comes second waits.
    """
    # Imported here: who only reads history needs none of it, and it takes a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        with _alone(connection):
            command.upgrade(config, "head")


@contextmanager
def _alone(connection: Connection) -> Generator[None]:
    """
    Hold a transaction that no other may migrate beside; what changes tables is undone with it.

    Python's driver of SQLite begins none before such a statement, so that each would be
    committed by itself: it is told to leave transactions to us.
    """
    if connection.dialect.name == "sqlite":
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        begin = "BEGIN IMMEDIATE"
    else:
        begin = "SELECT pg_advisory_xact_lock(7135001)"
    with connection.begin():
        connection.exec_driver_sql(begin)
        yield


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
