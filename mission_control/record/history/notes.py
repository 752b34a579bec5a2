"""
History: notes below the root of what no database holds yet, kept for a start after any end.

Each server has a file of fixed size, made before it is needed, so that a full disk takes nothing
from it. A note is written over the older of two slots and synced: one that was torn is seen.
"""

import fcntl
import os
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

from mission_control.errors import StorageError
from mission_control.record.folder import Folder, storing
from mission_control.record.history.note import SLOT_BYTES, Note, newest_of, slot_of
from mission_control.record.ledger import FOLDER
from mission_control.record.record_marker import open_records
from mission_control.record.verification import NOTES

_NAMED = re.compile(rf"{NOTES}([0-9]{{1,4}})")
_MOST_FILES = 64
_READ_TIMES, _READ_PAUSE_SECONDS = 3, 0.05


class NotesFile:
    """
    One server's file of notes, locked for as long as the server lives.

    Raises StorageError where it cannot be written.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        """Use a file that is open and locked."""
        self._descriptor = descriptor
        self.path = path
        self._sequence = _newest(descriptor)[0]

    def write(self, note: Note) -> None:
        """Note this from now on, durably, in the place of what was noted before."""
        with storing(str(self.path)):
            here, there = os.fstat(self._descriptor), self.path.lstat()
            if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
                raise FileNotFoundError(2, "the notes are gone, or others stand in their place")
            sequence = self._sequence + 1
            offset = sequence % 2 * SLOT_BYTES
            os.pwrite(self._descriptor, slot_of(sequence, note), offset)
            os.fsync(self._descriptor)
            self._sequence = sequence

    def read(self) -> Note:
        """Give what was noted last."""
        with storing(str(self.path)):
            return _newest(self._descriptor)[1]

    def close(self) -> None:
        """Let go of it; it stays, for the start after this."""
        os.close(self._descriptor)


def read_notes(root: Path) -> tuple[Note, ...]:
    """
    Read the notes of all servers, living and dead. Raises StorageError.

    One that a living server is writing looks torn: it is read again.
    """
    with open_records(root) as records:
        if records is None:
            return ()
        return tuple(_read_again(records, name) for name in _names(records))


@contextmanager
def own_notes(root: Path) -> Generator[tuple[NotesFile, list[NotesFile]]]:
    """
    Hold a file of notes for the time of the block, and those of servers that died.

    What dead servers noted is theirs until somebody has seen to it; the file that is given first
    is empty.
    """
    with Folder.open(root) as folder, folder.descend(FOLDER, create=True) as records:
        held = [f for f in (_lock(records, root, name) for name in _names(records)) if f]
        try:
            own = _make(records, root)
        except BaseException:
            _close(held)
            raise
    try:
        yield own, held
    finally:
        _close([own, *held])


def remove(root: Path, notes: NotesFile) -> None:
    """Remove the notes of a server that died, which others have seen to; its lock is held."""
    with open_records(root) as records, suppress(FileNotFoundError), storing(str(notes.path)):
        if records is not None:
            os.unlink(notes.path.name, dir_fd=records.descriptor)


def _close(files: list[NotesFile]) -> None:
    for each in files:
        each.close()


def _names(records: Folder) -> Iterator[str]:
    for name, kind in records.entries():
        if kind == stat.S_IFREG and _NAMED.fullmatch(name):
            yield name


def _lock(records: Folder, root: Path, name: str) -> NotesFile | None:
    """Open and lock a file of notes; None where its server lives, or it went meanwhile."""
    try:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        with storing(f"{FOLDER}/{name}"):
            descriptor = os.open(name, flags, dir_fd=records.descriptor)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return NotesFile(descriptor, root / FOLDER / name)


def _make(records: Folder, root: Path) -> NotesFile:
    """Make a file with room for both slots, so that writing needs no more of the disk."""
    for number in range(1, _MOST_FILES + 1):
        name = f"{NOTES}{number}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with storing(f"{FOLDER}/{name}"):
                descriptor = os.open(name, flags, 0o600, dir_fd=records.descriptor)
        except StorageError as error:
            if isinstance(error.__cause__, FileExistsError):
                continue
            raise
        try:
            with storing(f"{FOLDER}/{name}"):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.pwrite(descriptor, bytes(2 * SLOT_BYTES), 0)
                os.fsync(descriptor)
                os.fsync(records.descriptor)
        except StorageError:
            os.unlink(name, dir_fd=records.descriptor)
            os.close(descriptor)
            raise
        return NotesFile(descriptor, root / FOLDER / name)
    problem, remedy = "there are too many files of notes", "look which servers use this root"
    raise StorageError(problem, path=FOLDER, remedy=remedy)


def _read_again(records: Folder, name: str) -> Note:
    note, tries = _read(records, name), 1
    while note.damaged and tries < _READ_TIMES:
        sleep(_READ_PAUSE_SECONDS)
        note, tries = _read(records, name), tries + 1
    return note


def _read(records: Folder, name: str) -> Note:
    try:
        descriptor = records.open_file(name)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return Note()
        raise
    try:
        with storing(f"{FOLDER}/{name}"):
            return _newest(descriptor)[1]
    finally:
        os.close(descriptor)


def _newest(descriptor: int) -> tuple[int, Note]:
    """Give the newest note with its number; a slot that is not whole may have held a newer one."""
    slots = [os.pread(descriptor, SLOT_BYTES, at * SLOT_BYTES) for at in (0, 1)]
    return newest_of(slots)
