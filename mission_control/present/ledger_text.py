"""Present: lines of the ledger as bytes, here and in every copy of it."""

from mission_control.model.artifact import LedgerEntry
from mission_control.present.canonical_json import encode_json


def write_line(entry: LedgerEntry) -> bytes:
    """Write an entry as its line; equal entries give equal bytes."""
    return encode_json(entry.model_dump()) + b"\n"
