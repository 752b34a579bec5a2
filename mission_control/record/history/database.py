"""History: the database: SQLite beside the artifacts, or PostgreSQL by its URL."""

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
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
    """Bring the tables to what this version needs; safe to run again, and beside another."""
    # Imported here: who only reads history needs none of it, and it takes a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7135001)")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
