"""Record: a line of the ledger as bytes. Pure; equal entries give equal bytes."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import ValidationError

from mission_control.model.artifact import ArtifactFile, LedgerEntry, LedgerHead
from mission_control.present.canonical_json import encode_json
from mission_control.present.instants import utc_text
from mission_control.present.ledger_text import line_fields, write_line


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a line is to say, before it is chained."""

    at: datetime
    job: str
    path: str
    session_date: date | None
    files: tuple[ArtifactFile, ...]
    corrects: str | None = None
    recovered: bool = False
    once: str | None = None


def chain(recorded: Recorded, head: LedgerHead) -> LedgerEntry:
    """Give the entry that follows the head of the chain."""
    unhashed = LedgerEntry(
        seq=head.seq + 1,
        at=utc_text(recorded.at),
        job=recorded.job,
        path=recorded.path,
        session_date=recorded.session_date.isoformat() if recorded.session_date else None,
        files=tuple(sorted(recorded.files, key=lambda f: f.path)),
        corrects=recorded.corrects,
        recovered=recorded.recovered,
        once=recorded.once,
        previous=head.hash,
        hash="0" * 64,
    )
    return unhashed.model_copy(update={"hash": hash_of(unhashed)})


def hash_of(entry: LedgerEntry) -> str:
    """Reckon the hash that an entry must bear: the SHA-256 of all its other fields."""
    return hashlib.sha256(encode_json(line_fields(entry, "hash"))).hexdigest()


def read_line(line: bytes) -> LedgerEntry | None:
    """Read a line; None for one that is not, byte for byte, what we write."""
    try:
        entry = LedgerEntry.model_validate_json(line)
    except ValidationError:
        return None
    return entry if write_line(entry) == line and hash_of(entry) == entry.hash else None
