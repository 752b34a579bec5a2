"""The ledger, an append-only chain of lines: what was recorded, and in what order."""

import fcntl
import hashlib
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date, datetime

import orjson
from msgspec.json import Decoder

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.errors import StorageError
from mission_control.records.folder import Folder, storing
from mission_control.records.model import GENESIS, ArtifactFile, LedgerEntry, LedgerHead


def write_line(entry: LedgerEntry) -> bytes:
    """Write an entry as its line; equal entries have equal bytes."""
    return encode_json(line_fields(entry)) + b"\n"


def line_fields(entry: LedgerEntry, *without: str) -> dict[str, object]:
    """Return a line's fields; `once` is omitted where it names nothing."""
    left_out = without if entry.once else (*without, "once")
    return {
        name: [_file_fields(f) for f in entry.files] if name == "files" else getattr(entry, name)
        for name in _ENTRY_FIELDS
        if name not in left_out
    }


def _file_fields(file: ArtifactFile) -> dict[str, object]:
    return {name: getattr(file, name) for name in _FILE_FIELDS}


_ENTRY_FIELDS = tuple(f.name for f in fields(LedgerEntry))
_FILE_FIELDS = tuple(f.name for f in fields(ArtifactFile))


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
    """Return the entry that follows the head of the chain."""
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
    return replace(unhashed, hash=hash_of(unhashed))


def hash_of(entry: LedgerEntry) -> str:
    """Reckon the hash that an entry must bear: the SHA-256 of all its other fields."""
    return hashlib.sha256(encode_json(line_fields(entry, "hash"))).hexdigest()


def read_line(line: bytes) -> LedgerEntry | None:
    """Read a line; None for one that is not, byte for byte, what we write."""
    try:
        entry = _LINE.decode(line)
        ours = write_line(entry) == line
    except (ValueError, RecursionError, orjson.JSONEncodeError):  # not JSON, text or a line
        return None
    return entry if ours and _hash_in(line, entry) == entry.hash else None


def read_own_line(line: bytes) -> LedgerEntry:
    """Return what a line says that was read, and found to be ours, before."""
    return _LINE.decode(line)


def _hash_in(line: bytes, entry: LedgerEntry) -> str:
    """Reckon an entry's hash from its line; no text in it can look like a field, quotes escaped."""
    borne = f'"hash":"{entry.hash}",'.encode()
    return hashlib.sha256(line.removesuffix(b"\n").replace(borne, b"", 1)).hexdigest()


_LINE = Decoder(LedgerEntry)


FOLDER = "audit_artifacts"
NAME = "ledger.jsonl"
PATH = f"{FOLDER}/{NAME}"
LOCK = ".ledger.lock"
CLAIMS = "run_claims"
"""Who runs which planned run; beside the ledger, and no artifact."""
TORN = "ledger.torn-"
"""A line that its writer did not finish is moved aside under a name that begins so."""

LOCK_SECONDS = 20.0
"""A healthy process never holds the lock for longer: recording takes milliseconds."""
_TRY_EVERY = 0.02

MAX_LINE_BYTES = 16 * 1024 * 1024
_STEP = 64 * 1024
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    The ledger below a root, in the folder `audit_artifacts`.

    Appending needs the lock (`locked`), which processes share through a file; reading needs
    nothing. Each line is one write, synced before it is reported as there.
    """

    folder: Folder

    @contextmanager
    def locked(self) -> Generator["LockedLedger"]:
        """
        Hold the lock between processes for the time of the block; raises StorageError.

        A process that hangs and holds the lock is waited for so long and no longer: else every
        process that records would hang with it.
        """
        with storing(f"{FOLDER}/{LOCK}"):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = os.open(LOCK, flags, 0o600, dir_fd=self.folder.descriptor)
        try:
            _lock(lock)
            yield LockedLedger(self.folder)
        finally:
            os.close(lock)

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """Return every line from a byte offset on, with its end; the last may be torn."""
        if not self.folder.exists(NAME):
            return
        with os.fdopen(self.folder.open_file(NAME), "rb") as file, storing(PATH):
            file.seek(start)
            while line := file.readline(MAX_LINE_BYTES):
                yield line

    def newest(self) -> LedgerHead:
        """Return the head of the chain without touching anything; a line being written is none."""
        return _head_of(self.newest_bytes())

    def newest_bytes(self) -> bytes:
        """Return the newest whole line as it stands there, whatever it is; empty for none."""
        if not self.folder.exists(NAME):
            return b""
        with os.fdopen(self.folder.open_file(NAME), "rb", buffering=0) as file, storing(PATH):
            end = file.seek(0, os.SEEK_END)
            tail = _last_line(file.fileno(), end)
            if tail and not tail.endswith(b"\n"):
                tail = _last_line(file.fileno(), end - len(tail))
        return tail

    def mentions(self, sought: bytes) -> bool:
        """
        Return whether a line holds this field, written as lines have it.

        Looked for in the bytes of the whole file, piece by piece: no other text of a line
        can look like this, for there its quotes would be escaped.
        """
        if not self.folder.exists(NAME):
            return False
        with os.fdopen(self.folder.open_file(NAME), "rb") as file, storing(PATH):
            kept = b""
            while piece := file.read(_PIECE):
                if sought in kept + piece:
                    return True
                kept = (kept + piece)[-len(sought) :]
        return False

    def inode(self) -> int:
        """Return the file's inode; 0 where there is none yet."""
        if not self.folder.exists(NAME):
            return 0
        with storing(PATH):
            return os.stat(NAME, dir_fd=self.folder.descriptor, follow_symlinks=False).st_ino


@dataclass(frozen=True, slots=True)
class LockedLedger:
    """The ledger while we hold its lock."""

    folder: Folder

    def head(self) -> LedgerHead:
        """
        Return the head of the chain, after a torn tail was moved aside.

        Raises StorageError when the last line is not one of ours: nothing may be chained to it.
        """
        if not self.folder.exists(NAME):
            return GENESIS
        with os.fdopen(self._open(os.O_RDWR), "r+b", buffering=0) as file, storing(PATH):
            end = file.seek(0, os.SEEK_END)
            tail = b"" if end == 0 else _last_line(file.fileno(), end)
            if tail and not tail.endswith(b"\n"):
                self._move_aside(file.fileno(), tail, end - len(tail))
                end -= len(tail)
                tail = b"" if end == 0 else _last_line(file.fileno(), end)
        return _head_of(tail)

    def holds(self, once: str) -> bool:
        """Return whether a line names this, which may be recorded only once."""
        return Ledger(self.folder).mentions(b'"once":' + encode_json(once))

    def append(self, recorded: Recorded, head: LedgerHead) -> LedgerEntry:
        """Chain a line to the head and make it durable; nothing is left of one that fails."""
        entry = chain(recorded, head)
        line = write_line(entry)
        with storing(PATH):
            new = not self.folder.exists(NAME)
            descriptor = self._open(os.O_WRONLY | os.O_CREAT)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                try:
                    if os.write(descriptor, line) != len(line):
                        raise OSError(28, "No space left on device")  # noqa: TRY301
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, end)
                    if new:
                        os.unlink(NAME, dir_fd=self.folder.descriptor)
                    raise
            finally:
                os.close(descriptor)
            if new:
                os.fsync(self.folder.descriptor)
        return entry

    def _open(self, how: int) -> int:
        flags = how | os.O_NOFOLLOW | os.O_CLOEXEC
        with storing(PATH):
            return os.open(NAME, flags, 0o644, dir_fd=self.folder.descriptor)

    def _move_aside(self, descriptor: int, tail: bytes, end: int) -> None:
        number = 1
        while self.folder.exists(f"{TORN}{number}"):
            number += 1
        self.folder.write_once(f"{TORN}{number}", tail)
        os.ftruncate(descriptor, end)
        os.fsync(descriptor)


def _lock(descriptor: int) -> None:
    ends = time.monotonic() + LOCK_SECONDS
    with storing(f"{FOLDER}/{LOCK}"):
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= ends:
                    raise StorageError(
                        f"another process has held the ledger's lock for {LOCK_SECONDS:g} s",
                        path=f"{FOLDER}/{LOCK}",
                        remedy="look for one that is stopped or hangs: fuser names it",
                    ) from None
                time.sleep(_TRY_EVERY)
            else:
                return


def _head_of(tail: bytes) -> LedgerHead:
    """Return the head of a chain that ends with this line; raises StorageError for none of ours."""
    if not tail:
        return GENESIS
    entry = read_line(tail)
    if entry is None:
        raise StorageError(
            "its last line is no line of ours, so nothing is chained to it",
            path=PATH,
            remedy="run `mission-control artifacts verify`, and keep the file as it is",
        )
    return entry.head


def _last_line(descriptor: int, end: int) -> bytes:
    """Read back from the end to the end of the line before."""
    read = b""
    while len(read) < end:
        begin = max(0, end - len(read) - _STEP)
        read = os.pread(descriptor, end - len(read) - begin, begin) + read
        found = read.rfind(b"\n", 0, len(read) - 1)
        if found >= 0:
            return read[found + 1 :]
    return read
