"""The marker that says whose record a root holds, and what its ledger says of servers."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.errors import ConfigurationError, StorageError
from mission_control.records.folder import Folder
from mission_control.records.ledger import FOLDER, NAME, Ledger
from mission_control.records.model import LedgerHead, RecordMarker
from mission_control.records.recovery import read_whole

MARKER = "record.json"
RECORD_FORMAT = 1
"""The form of marker, ledger and runs that this version writes; its own marks name none."""
OLDER_REMEDY = (
    "run the newer version, or put back the backup from before the upgrade (docs/backup.md)"
)
_MAX_BYTES = 4_096
_SERVER_RAN = b'"job":"session_plan"'
"""Only servers plan their day, and every server keeps history."""


@contextmanager
def open_records(root: Path) -> Generator[Folder | None]:
    """Open the folder of a root's records to read in it; None where it is not there."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(Folder.open_existing(root))
            records = stack.enter_context(folder.descend(FOLDER))
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            records = None
        yield records


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    record_id: str = Field(pattern="^[0-9a-f]{16}$")
    began: datetime
    continues: bool


def read_marker(root: Path) -> RecordMarker | None:
    """Return a root's marker; None where it has none. Raises StorageError if it is unreadable."""
    with open_records(root) as records:
        if records is None or not records.exists(MARKER):
            return None
        try:
            written = _Written.model_validate_json(read_whole(records, MARKER, _MAX_BYTES))
        except ValidationError:
            problem, remedy = "this is no marker of ours", "put back the one that was there"
            raise StorageError(problem, path=f"{FOLDER}/{MARKER}", remedy=remedy) from None
    return RecordMarker(written.record_id, written.began, written.continues)


def write_marker(root: Path, marker: RecordMarker) -> None:
    """Write a root's marker, unless another server of the same record was quicker."""
    content = encode_json(
        {
            "record_id": marker.record_id,
            "began": utc_text(marker.began),
            "continues": marker.continues,
        }
    )
    with Folder.open(root) as folder, folder.descend(FOLDER, create=True) as records:
        try:
            records.write_once(MARKER, content)
        except StorageError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise


class _Formed(BaseModel):
    """As much of a marker, or of a ledger's line, as every later version keeps."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = RECORD_FORMAT


def refuse_newer_record(root: Path) -> None:
    """
    Refuse a root that a newer version has recorded in: this one would take it for altered.

    A form later than the first is told by `format`, in the marker and in each line of the ledger.
    Raises ConfigurationError that names both versions. What cannot be read, or is none of ours, is
    not refused here: that is told where it is used.
    """
    newer, name = RECORD_FORMAT, ""
    with suppress(StorageError), open_records(root) as records:
        if records is None:
            return
        for file, content in _marks(records):
            with suppress(ValidationError):
                told = _Formed.model_validate_json(content).format
                newer, name = max((newer, name), (told, file))
    if newer > RECORD_FORMAT:
        raise ConfigurationError(
            f"the record is of format {newer}, which a newer Mission Control wrote;"
            f" this one is {version('mission-control')} and knows format {RECORD_FORMAT}",
            where=str(root / FOLDER / name),
            remedy=OLDER_REMEDY,
        )


def _marks(records: Folder) -> Iterator[tuple[str, bytes]]:
    """Return what tells of a root's form: its marker, and the newest line of its ledger."""
    if records.exists(MARKER):
        with suppress(StorageError):
            yield MARKER, read_whole(records, MARKER, _MAX_BYTES)
    with suppress(StorageError):
        yield NAME, Ledger(records).newest_bytes()


def server_ran(root: Path) -> bool:
    """Return whether the ledger shows that a server has run on this root."""
    with open_records(root) as records:
        return records is not None and Ledger(records).mentions(_SERVER_RAN)


def newest_line(root: Path) -> LedgerHead | None:
    """Return the head of a root's ledger; None where it has no records at all."""
    with open_records(root) as records:
        return None if records is None else Ledger(records).newest()


def holds_line(root: Path, head: LedgerHead) -> bool:
    """Return whether a root's ledger holds a line that was its head once."""
    sought = b'"hash":' + encode_json(head.hash)
    with open_records(root) as records:
        return not head.seq or (records is not None and Ledger(records).mentions(sought))
