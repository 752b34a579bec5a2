"""Present: lines of the ledger as bytes, here and in every copy of it."""

from mission_control.model.artifact import LedgerEntry
from mission_control.present.canonical_json import encode_json


def write_line(entry: LedgerEntry) -> bytes:
    """Write an entry as its line; equal entries give equal bytes."""
    return encode_json(line_fields(entry)) + b"\n"


def line_fields(entry: LedgerEntry, *without: str) -> dict[str, object]:
    """Give a line's fields; one that names nothing that may stand only once lacks that field."""
    left_out = {*without, *(() if entry.once else ("once",))}
    return entry.model_dump(exclude=left_out)
