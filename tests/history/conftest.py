"""Fixtures: history on SQLite and on a real PostgreSQL, with the same tests for both."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime  # noqa: TC003  (pytest reads it)
from pathlib import Path

import pytest

from mission_control.history.database import migrate, open_engine
from mission_control.history.reader import HistoryReader
from mission_control.history.writer import HistoryWriter
from tests.floor.floor_of_values import NOW
from tests.ports import free_ports
from tests.real_parts import lacking

DATABASES = ["sqlite", "postgresql"]


def find_programs() -> Path | None:
    """Find where PostgreSQL's own programs are; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class RealPostgres:
    """A PostgreSQL on loopback that can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        """Make a cluster of databases in a folder; PostgreSQL refuses to run as root."""
        self.programs, self.folder = programs, folder
        self.port = free_ports(1)
        self.run("initdb", "-D", str(folder), "-A", "trust", "-U", "mission", "--no-sync")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as its own user where we are root."""
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            self.folder.mkdir(exist_ok=True)
            shutil.chown(self.folder, "postgres")
            command = ["setpriv", "--reuid=postgres", "--clear-groups", "--", *command]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60)

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k '' -F"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder), "-w", "-o", options, "-l", log, "start")

    def stop(self) -> None:
        """Stop at once, as a database that dies."""
        self.run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "-w", "stop")

    @contextmanager
    def dead(self) -> Iterator[None]:
        """Be stopped for the time of the block, and no longer: others need it after a failure."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def new_database(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mission", name)
        return f"postgresql://mission@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> Iterator[RealPostgres]:
    """Return a real PostgreSQL for the session."""
    programs = find_programs()
    if programs is None:
        lacking("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    # Its user must reach it. Each who uses this fixture elsewhere starts one more beside it.
    folder = Path(tempfile.mkdtemp(prefix="mission-control-postgres-", dir="/tmp"))
    real = RealPostgres(programs, folder)
    real.start()
    yield real
    real.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=DATABASES)
def database_url(request, tmp_path) -> str | None:
    """Return an empty database of each kind: None is SQLite below the root."""
    if request.param == "sqlite":
        return None
    real = request.getfixturevalue("postgres")
    return real.new_database(f"test{time.monotonic_ns()}")


class Keeper:
    """A writer and a reader of one database, and ways to wait for what was put."""

    def __init__(self, root: Path, url: str | None) -> None:
        """Open both."""
        self.engine = open_engine(root, url)
        self.clock = lambda: NOW
        self.oldest: list[datetime | None] = [None]
        self.writer = HistoryWriter(
            self.engine, self.clock, time.monotonic, lambda _now: self.oldest[0]
        )
        self.reader = HistoryReader(self.engine)

    def start(self) -> None:
        """Make the tables and begin to write."""
        migrate(self.engine)
        self.writer.start()

    def stop(self) -> None:
        """Write what waits."""
        self.writer.stop(60)
        self.engine.dispose()


@contextmanager
def keeping(root: Path, url: str | None) -> Iterator[Keeper]:
    """Keep history for the time of the block."""
    keeper = Keeper(root, url)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()


@pytest.fixture
def keeper(tmp_path, database_url) -> Callable[[], AbstractContextManager[Keeper]]:
    """Return a way to keep history in a database of each kind."""
    return lambda: keeping(tmp_path, database_url)
