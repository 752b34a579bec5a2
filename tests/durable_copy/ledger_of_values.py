"""A ledger made of values: chained lines with files that were never written."""

import hashlib
from datetime import datetime, timedelta

from mission_control.durable_copy.decide import Line
from mission_control.records.ledger import Recorded, chain, write_line
from mission_control.records.model import GENESIS, ArtifactFile, LedgerEntry

NOW = datetime.fromisoformat("2026-11-20T21:00:00+00:00")
COLLECTION = "audit_artifacts/ops_runs"


def file_of(path: str, size: int = 10) -> ArtifactFile:
    """Return a file with a digest that follows from its path."""
    return ArtifactFile(path=path, sha256=hashlib.sha256(path.encode()).hexdigest(), size=size)


def ledger(
    count: int, *, first: datetime = NOW, collection: str = COLLECTION, files: int = 2
) -> list[LedgerEntry]:
    """Return so many chained lines, one a minute."""
    head, entries = GENESIS, list[LedgerEntry]()
    for number in range(1, count + 1):
        path = f"{collection}/run{number}"
        held = tuple(file_of(f"{path}/{n}.json") for n in range(files))
        at = first + timedelta(minutes=number)
        entry = chain(Recorded(at, "intraday_sample", path, None, held), head)
        head = entry.head
        entries.append(entry)
    return entries


def lines(entries: list[LedgerEntry]) -> list[Line]:
    """Return entries with their bytes."""
    return [Line(entry, write_line(entry)) for entry in entries]
