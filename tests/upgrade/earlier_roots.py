"""Roots that earlier versions of ours wrote, with their history (fixtures/README.md)."""

import os
import sqlite3
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class Earlier:
    """
    One of them, and what its own version said of it while it served.

    `tables` is the version of its history's tables, `runs` counts the lines of its ledger, and
    `told` is what it answered (its `since` was before, and it was asked after): the verdict, and
    the codes of its reasons.
    """

    name: str
    tables: str
    runs: int
    told: tuple[tuple[datetime, str, tuple[str, ...]], ...]


def _at(text):
    return datetime.fromisoformat(f"2026-11-20T{text}").replace(tzinfo=UTC)


OFF, UNOBSERVED = "EXECUTION_NOT_PROVEN_OFF", "UNOBSERVED"
FIRST = Earlier(
    "first",
    "0001",
    1,
    (
        (_at("15:00:30"), "OK", (OFF, UNOBSERVED)),
        (_at("15:01:30"), "HALTED", ("EXECUTION_EVIDENCE", OFF, UNOBSERVED)),
    ),
)
MIDDLE = Earlier(
    "middle",
    "0003",
    6,
    (
        (_at("15:00:30"), "OK", ()),
        (_at("15:01:30"), "HALTED", ("EXECUTION_EVIDENCE", "REPLICA_SKEW")),
    ),
)
EARLIER = (FIRST, MIDDLE)


def unpack(earlier: Earlier, root: Path) -> Path:
    """Put an earlier root there, files as read-only as they were."""
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(FIXTURES / f"{earlier.name}.tar.xz") as archive:
        archive.extractall(root, filter="tar")
    return root


def rows(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, under the columns that it has."""
    connection = sqlite3.connect(f"file:{root}/history.sqlite3?mode=ro", uri=True)
    try:
        told = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {name for (name,) in told} - {"alembic_version"}
        return {n: connection.execute(f"SELECT * FROM {n}").fetchall() for n in names}  # noqa: S608
    finally:
        connection.close()


def columns(root: Path, table: str) -> tuple[str, ...]:
    """Return the names of a table's columns."""
    connection = sqlite3.connect(f"file:{root}/history.sqlite3?mode=ro", uri=True)
    try:
        return tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
    finally:
        connection.close()


def recorded_files(root: Path) -> dict[str, bytes]:
    """Return every file below the folders of records, by its path."""
    found = {}
    for folder in ("audit_artifacts", "ops"):
        for where, _, names in os.walk(root / folder):
            for name in names:
                path = Path(where, name)
                found[str(path.relative_to(root))] = path.read_bytes()
    return found
