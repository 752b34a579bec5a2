"""The database: SQLite beside the artifacts, or PostgreSQL by its URL."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from mission_control.errors import ConfigurationError, StorageError
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.records.folder import PRIVATE
from mission_control.records.marker import OLDER_REMEDY

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "0004"
"""The newest revision among them: tables that are there already are not looked at again."""
SQLITE_NAME = "history.sqlite3"
BUSY_SECONDS = 5
BUSY_PAUSE_SECONDS = 0.02
CHECK_SECONDS = 8.0
LONG_SECONDS = 35.0
"""So long a server may take to change tables, or to drop many old rows."""
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SPOILT = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
_SPOILT_REMEDY = (
    f"move {SQLITE_NAME} aside and put back a copy of it, or see the runbook HISTORY_FAILING"
)
_REFUSED = {"40001", "40P01", "55P03"}
"""PostgreSQL: not in one order with others, a deadlock, a lock that was not granted in time."""
_SPEAK_PLAINLY = ("sqlite3", "builtins", "alembic", "mission_control")
"""Errors from these modules say nothing of a server."""
_MEANT = {
    "08": "the connection failed",
    "25006": "the database can only be read: is it a standby?",
    "28": "the user or the password was refused",
    "3D": "there is no database of that name",
    "42501": "the user may not do that",
    "42": "a table or column is not as this version needs it",
    "53": "the server has no space, memory or connections left",
    "55": "what was needed is locked by another",
    "57014": "the server gave the statement up: it took too long",
    "57": "the server is stopping or starting",
}
"""What the SQLSTATEs that matter here mean, by their beginnings."""
_SERVER_SAYS = {
    "ConnectionTimeout": "the server was not reached in time",
    "SilentServerError": "the server did not answer in time; a new connection is made",
}
_UNREACHED = "the server was not reached, or the connection was lost"
_NO_SERVER = object()
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
    if database_url.startswith("sqlite"):
        return _open_sqlite(make_url(database_url))
    # Imported here: it takes a while, and SQLite needs none of it.
    from mission_control.history.postgresql import open_postgresql  # noqa: PLC0415

    return open_postgresql(database_url)


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file that history is kept in; None where a server keeps it, or memory."""
    name = engine.url.database
    there = engine.dialect.name == "sqlite" and name and name != ":memory:"
    return Path(name) if there and name else None


@contextmanager
def writing(engine: Engine, patience: float | None = None) -> Generator[Connection]:
    """
    Hold a transaction that may write; it is committed at the end of the block, or undone.

    With `patience` a server's answers are waited for that many seconds, not the usual few.

    SQLite lets one in at a time, from its first statement on: what was read here is not changed
    before it is written. A reader connects to the engine, and takes no lock.
    """
    with engine.connect().execution_options(**{_WRITES: True}) as connection:
        raw = connection.connection.dbapi_connection
        if patience is not None and hasattr(raw, "patience"):
            setattr(raw, "patience", patience)  # noqa: B010  (a server's connection alone has one)
        with connection.begin():
            yield connection


def met_another(error: Exception) -> bool:
    """Return whether a write failed for what another wrote or held: begun again it may succeed."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _LOCKED
    return isinstance(error, IntegrityError) or getattr(cause, "sqlstate", None) in _REFUSED


def describe(error: Exception) -> str:
    """
    Say what is wrong with a database in words of ours.

    A server's driver writes hosts and users into its sentences, and for a URL that was misread a
    part of the password; so of those only the class and the SQLSTATE are shown. SQLite, the
    system and Alembic know none of that.
    """
    cause: object = getattr(error, "orig", None) or error
    name = type(cause).__name__
    state = getattr(cause, "sqlstate", _NO_SERVER)
    if state is not _NO_SERVER:
        state = str(state or "")
        meant = next((m for begin, m in _MEANT.items() if state.startswith(begin)), "")
        told = f"{name} (SQLSTATE {state})" if state else name
        return f"{told}: {meant or _SERVER_SAYS.get(name, _UNREACHED)}"
    plainly = type(cause).__module__.partition(".")[0] in _SPEAK_PLAINLY
    text = str(cause) if plainly else ""
    told = f"{name}: {text.splitlines()[0] if text else ''}"[:300].removesuffix(": ")
    spoilt = getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SPOILT
    return f"{told}; {_SPOILT_REMEDY}" if spoilt else told


def migrate(engine: Engine) -> None:
    """
    Bring the tables to what this version needs, wholly or not at all.

    Safe to run again, and beside another: the second one waits. In one process that holds
    for different databases too, because Alembic keeps what it works on in its modules. Raises
    StorageError for tables of a version that this one does not know.
    """
    if _is_newest(engine):
        return
    # Imported here: it takes a tenth of a second, and most starts find all tables there.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with _MIGRATING, writing(engine, LONG_SECONDS) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7135001)")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageError(
                f"its tables are of another version: {error}",
                path=str(engine.url.database or ""),
                remedy="run the version that wrote them, or see the runbook HISTORY_FAILING",
            ) from error


def refuse_newer_tables(engine: Engine) -> None:
    """
    Refuse a history whose tables a newer version made: this one could misread them.

    Raises ConfigurationError that names both versions. A database that cannot be asked is not
    refused: that is told where it is used.
    """
    newer = list[str]()
    with suppress(SQLAlchemyError, OSError):
        newer += (told for told in _revisions(engine) if told > NEWEST)
    if newer:
        raise ConfigurationError(
            f"its tables are of version {newer[0]}, which a newer Mission Control made;"
            f" this one is {version('mission-control')} and knows them up to {NEWEST}",
            where=f"history {engine.url.database or ''}".rstrip(),
            remedy=OLDER_REMEDY,
        )


def _is_newest(engine: Engine) -> bool:
    return _revisions(engine) == [NEWEST]


def _revisions(engine: Engine) -> list[str]:
    """Return the versions that a history's tables are of; none where it has none yet."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return []
        return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


async def check_history(root: Path, database_url: str | None, clock: Clock) -> Seen[str] | Unseen:
    """Say what history is kept in; `Unseen` where that cannot be opened in time."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            told = await asyncio.to_thread(_look, root, database_url)
    except TimeoutError:
        detail = f"no answer within {CHECK_SECONDS:g} s"
        return Unseen(UnseenReason.TIMEOUT, clock(), CHECK_SECONDS, detail)
    except (SQLAlchemyError, OSError) as error:
        return Unseen(UnseenReason.UNREADABLE, clock(), detail=describe(error))
    except ConfigurationError as error:
        return Unseen(UnseenReason.UNREADABLE, clock(), detail=str(error))
    return Seen(told, clock())


def _look(root: Path, database_url: str | None) -> str:
    if database_url is None and not (root / SQLITE_NAME).exists():
        return f"{SQLITE_NAME} below the root, which is made at the first start"
    engine = open_engine(root, database_url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        refuse_newer_tables(engine)
        return f"{engine.dialect.name} {engine.url.database or ''}".rstrip()
    finally:
        engine.dispose()


def _open_sqlite(url: URL) -> Engine:
    """
    Make an engine whose transactions are begun by us.

    Python's driver begins one only before a statement that changes rows: two could read the same
    row before either wrote it, and what changes tables would be committed statement by statement.
    """
    engine = create_engine(url, pool_pre_ping=True)
    event.listen(engine, "do_connect", _keep_private)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _keep_private(_dialect: object, _record: object, where: Sequence[str], _how: object) -> None:
    """
    Let only this user read the database, before SQLite opens or makes it.

    It is never opened here: to close it would end the locks that this process holds on it. What
    SQLite makes beside it has its mode.
    """
    if not where or not where[0] or where[0] == ":memory:":
        return
    with suppress(OSError):  # where it cannot be made, SQLite says why
        os.mknod(where[0], stat.S_IFREG | PRIVATE)
    for beside in ("", "-wal", "-shm"):
        with suppress(OSError):
            path = Path(f"{where[0]}{beside}")
            if path.stat().st_mode & 0o077:
                path.chmod(PRIVATE)


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
