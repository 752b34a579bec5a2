"""Runs that were whole on disk when their writer died before the ledger's line."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from msgspec.json import Decoder

from mission_control.errors import StorageError
from mission_control.records.folder import TEMPORARY, Folder, check_name, storing
from mission_control.records.ledger import Ledger, Recorded, read_line
from mission_control.records.model import (
    GENESIS,
    RUN_FILE,
    SUMS_FILE,
    ArtifactFile,
    Collection,
    LedgerHead,
    sums_text,
)

MAX_ACCOUNT_BYTES = 16 * 1024 * 1024
_STEP = 64 * 1024
"""Bytes read at once: room for more costs more than to read them, and most files are small."""


@dataclass(frozen=True, slots=True)
class RunAccount:
    """What of a run's own account says how it belongs into the record."""

    job: str
    session_date: date | None
    corrects: str | None
    outputs: tuple[ArtifactFile, ...]
    ledger_head: LedgerHead
    once: str | None = None


def read_account(run: Folder, name: str = RUN_FILE) -> tuple[RunAccount, bytes]:
    """
    Read a run's own account, and its bytes.

    Raises StorageError where there is none, or none that says what it has to.
    """
    content = read_whole(run, name, MAX_ACCOUNT_BYTES)
    try:
        return _ACCOUNT.decode(content), content
    except (ValueError, RecursionError) as error:  # not JSON, text or an account
        raise StorageError("it is no account of a run", path=f"{run.path}/{name}") from error


_ACCOUNT = Decoder(RunAccount)


def recover_runs(root: Folder, ledger: Ledger, now: datetime) -> Iterator[Recorded]:
    """
    Return a record for every unrecorded run that is just what its own account says it is.

    Its account must follow a line that is in this ledger, and its files must be those that it
    lists. Anything else is left for `artifacts verify` to name.
    """
    entries = [e for e in map(read_line, ledger.lines()) if e is not None]
    recorded = {e.path for e in entries}
    heads = {GENESIS.hash, *(e.hash for e in entries)}
    for collection in Collection:
        try:
            within = root.descend(collection.value)
        except StorageError:
            continue
        with within:
            for name, kind in within.entries():
                path = f"{collection.value}/{name}"
                orphan = kind == stat.S_IFDIR and not name.startswith(TEMPORARY)
                if orphan and path not in recorded:
                    found = _read_run(within, name, path, heads, now)
                    if found is not None:
                        yield found


def finish_files(root: Folder, ledger: Ledger) -> None:
    """Return recorded files without a folder their names, where their writer died before that."""
    for entry in filter(None, map(read_line, ledger.lines())):
        folder, _, _ = entry.path.rpartition("/")
        for file in entry.files:
            if file.path.rpartition("/")[0] == folder:
                with root.descend(folder, create=True) as within:
                    _finish(within, file.path.rpartition("/")[2], file.sha256)


def _finish(within: Folder, name: str, sha256: str) -> None:
    if within.exists(name):
        return
    for hidden, kind in within.entries():
        left = hidden.startswith(TEMPORARY) and kind == stat.S_IFREG
        if left and hash_file(within, hidden)[0] == sha256:
            within.name(hidden, name)
            return


def _read_run(
    within: Folder, name: str, path: str, heads: set[str], now: datetime
) -> Recorded | None:
    try:
        with within.child(check_name(name)) as run:
            account, content = read_account(run)
            found = {f.path: f for f in files_of(run) if f.path != RUN_FILE}
            sums = found.pop(SUMS_FILE, None)
    except StorageError:
        return None
    if account.ledger_head.hash not in heads or found != {f.path: f for f in account.outputs}:
        return None
    sha256 = hashlib.sha256(content).hexdigest()
    own = ArtifactFile(path=RUN_FILE, sha256=sha256, size=len(content))
    if sums is not None and sums != _sums_of((own, *account.outputs)):
        return None
    files = tuple(place(f, path) for f in (own, *([sums] if sums else []), *account.outputs))
    session, corrects = account.session_date, account.corrects
    return Recorded(
        now, account.job, path, session, files, corrects, recovered=True, once=account.once
    )


def _sums_of(files: tuple[ArtifactFile, ...]) -> ArtifactFile:
    """Return the file of digests as it is where it was not changed."""
    content = sums_text(files).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return ArtifactFile(path=SUMS_FILE, sha256=sha256, size=len(content))


def place(file: ArtifactFile, below: str) -> ArtifactFile:
    """Return a file of a run with its path below the root, as the ledger names it."""
    return replace(file, path=f"{below}/{file.path}")


def read_whole(folder: Folder, name: str, limit: int) -> bytes:
    """Read a file up to a limit; raises StorageError when it is larger."""
    content = bytearray()
    for piece in _pieces(folder, name):
        content += piece
        if len(content) > limit:
            raise StorageError(f"it is larger than {limit} bytes", path=f"{folder.path}/{name}")
    return bytes(content)


def files_of(folder: Folder, below: str = "") -> Iterator[ArtifactFile]:
    """
    Return every file below a folder with its digest, read piece by piece, sorted by path.

    Raises StorageError at what is neither a regular file nor a folder.
    """
    for name, kind in folder.entries():
        path = f"{below}{name}"
        if kind == stat.S_IFDIR:
            with folder.child(name) as inner:
                yield from files_of(inner, f"{path}/")
        else:
            sha256, size = hash_file(folder, name)
            yield ArtifactFile(path=path, sha256=sha256, size=size)


def hash_file(folder: Folder, name: str) -> tuple[str, int]:
    """Return the SHA-256 in hex and the size of a regular file, without holding it in memory."""
    hashed, size = hashlib.sha256(), 0
    for piece in _pieces(folder, name):
        hashed.update(piece)
        size += len(piece)
    return hashed.hexdigest(), size


def _pieces(folder: Folder, name: str) -> Iterator[bytes]:
    descriptor = folder.open_file(name)
    try:
        with storing(f"{folder.path}/{name}"):
            while piece := os.read(descriptor, _STEP):
                yield piece
    finally:
        os.close(descriptor)
