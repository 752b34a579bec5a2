"""
Notes below the root of what no database holds yet, kept for a start after any end.

Each server has a file of fixed size, made before it is needed, so that a full disk takes nothing
from it. A note is written over the older of two slots and synced: one that was torn is seen.
"""

import fcntl
import hashlib
import logging
import os
import re
import stat
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep

from mission_control.errors import StorageError
from mission_control.floor.model import Alarm, Latched
from mission_control.history.codec import pack, pack_latched, unpack, unpack_latched
from mission_control.history.decide.loss import HistoryPin
from mission_control.records.folder import Folder, storing
from mission_control.records.ledger import FOLDER
from mission_control.records.marker import open_records
from mission_control.records.verification import NOTES

SLOT_BYTES = 32 * 1024
AGAIN_SECONDS = 1.0
_HEAD_BYTES = 32 + 8 + 4

log = logging.getLogger(__name__)

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Note:
    """
    What a server noted last.

    `alarms` are latched and in no database that it knows of; `cut` says that there were more than
    fit. `pin` is what it wrote last. `server_ran` is what the ledger of a root without a marker
    said before this server's own runs were in it. `damaged` says that a note was torn.
    """

    alarms: tuple[Alarm, ...] = ()
    pin: HistoryPin | None = None
    server_ran: bool = False
    cut: bool = False
    damaged: bool = False

    def as_bytes(self) -> bytes:
        """Write it so that it fits into a slot; where alarms had to go it says so (`cut`)."""
        alarms = list(self.alarms)
        while len(content := self._packed(alarms)) > SLOT_BYTES - _HEAD_BYTES:
            alarms = alarms[: len(alarms) // 2]
        return content

    def _packed(self, alarms: list[Alarm]) -> bytes:
        pin = self.pin
        return pack(
            {
                "alarms": pack_latched(Latched(tuple(alarms))).hex(),
                "cut": self.cut or len(alarms) < len(self.alarms),
                "pin": None if pin is None else [pin.database_id, pin.decision, pin.at],
                "server_ran": self.server_ran,
            }
        )


def carry(notes: Iterable[Note]) -> Note:
    """Return one note that says all that several do, so that they need not be kept."""
    told = tuple(notes)
    alarms = {a.key: a for note in told for a in note.alarms}
    pins = sorted((n.pin for n in told if n.pin is not None), key=lambda pin: pin.decision)
    return Note(
        tuple(alarms.values()),
        pins[-1] if pins else None,
        any(n.server_ran for n in told),
        any(n.cut or n.damaged for n in told),
    )


def newest_of(slots: Sequence[bytes]) -> tuple[int, Note]:
    """Return the newest note and its number; a slot that is not whole may have held a newer one."""
    read = [_content(slot) for slot in slots]
    torn = any(slot.strip(b"\0") and each is None for slot, each in zip(slots, read, strict=True))
    sequence, content = max((each for each in read if each is not None), default=(0, b""))
    note = _understand(content) if content else Note()
    return sequence, replace(note, damaged=note.damaged or torn)


def slot_of(sequence: int, note: Note) -> bytes:
    """Write a note with its number so that one that is torn does not pass for whole."""
    content = note.as_bytes()
    told = sequence.to_bytes(8, "big") + len(content).to_bytes(4, "big") + content
    return hashlib.sha256(told).digest() + told


def _content(slot: bytes) -> tuple[int, bytes] | None:
    size = int.from_bytes(slot[40:44], "big")
    told = slot[32 : _HEAD_BYTES + size]
    if size == 0 or hashlib.sha256(told).digest() != slot[:32]:
        return None
    return int.from_bytes(told[:8], "big"), told[12:]


def _understand(content: bytes) -> Note:
    try:
        document = unpack(content)
        alarms = unpack_latched(bytes.fromhex(document["alarms"])).alarms
        pin = HistoryPin(*document["pin"]) if document["pin"] else None
        return Note(alarms, pin, document["server_ran"], document["cut"])
    except (ValueError, LookupError, TypeError):
        return Note(damaged=True)


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
                raise FileNotFoundError(2, "the notes are gone, or others are in their place")
            sequence = self._sequence + 1
            offset = sequence % 2 * SLOT_BYTES
            os.pwrite(self._descriptor, slot_of(sequence, note), offset)
            os.fsync(self._descriptor)
            self._sequence = sequence

    def read(self) -> Note:
        """Return what was noted last."""
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

    What dead servers noted stays until it was taken over; the first file is empty.
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
    """Return the newest note and its number; a slot that is not whole may have held a newer one."""
    slots = [os.pread(descriptor, SLOT_BYTES, at * SLOT_BYTES) for at in (0, 1)]
    return newest_of(slots)


class AlarmNotes:
    """
    Notes alarms that are latched and not written yet, beside the thread that writes them.

    That one may hang in a database for long; a note is on the disk a moment after its alarm was
    raised. Only a stop waits for it.
    """

    def __init__(self) -> None:
        """Begin with no alarm, and no file yet."""
        self._guard = threading.Condition()
        self._file: NotesFile | None = None
        self._base = Note()
        self._latched: tuple[Alarm, ...] = ()
        self._held = frozenset[Key]()
        self._noted: Note | None = None
        self._failing = ""
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="history-notes", daemon=True)

    def start(self) -> None:
        """Begin to note, once there is a file."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Note what is not noted yet, for at most so long; returns whether that was done."""
        with self._guard:
            self._ends = True
            self._guard.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive() and not self._failing

    def use(self, file: NotesFile | None, base: Note) -> None:
        """Note into this file from now on, beside what `base` holds."""
        with self._guard:
            self._file, self._base, self._noted = file, base, None
            self._guard.notify()

    def latch(self, latched: Latched) -> None:
        """Take what is latched now, before it is written."""
        with self._guard:
            self._latched = latched.alarms
            if any(a.key not in self._held for a in self._latched):
                self._guard.notify()

    def written(self, latched: Latched, pin: HistoryPin | None) -> None:
        """Take what the database holds now; with a pin that is where its newest decision is."""
        with self._guard:
            self._held = frozenset(a.key for a in latched.alarms)
            if pin is not None:
                self._base = Note(pin=pin)
            self._guard.notify()

    def unwritten(self) -> tuple[Alarm, ...]:
        """Return alarms that are latched and in no database yet."""
        with self._guard:
            return self._unwritten()

    def failing(self) -> str:
        """Say why alarms that are not written are not noted either; nothing where they are."""
        return self._failing

    def _unwritten(self) -> tuple[Alarm, ...]:
        return tuple(a for a in self._latched if a.key not in self._held)

    def _run(self) -> None:
        while True:
            with self._guard:
                while (file := self._file) is None or self._wanted() == self._noted:
                    if self._ends:
                        return
                    self._guard.wait()
                wanted = self._wanted()
            if not self._write(file, wanted):
                with self._guard:
                    if self._ends:
                        return
                    self._guard.wait(AGAIN_SECONDS)

    def _wanted(self) -> Note:
        base = Note(self._unwritten())
        return carry((self._base, base))

    def _write(self, file: NotesFile, wanted: Note) -> bool:
        try:
            file.write(wanted)
        except StorageError as error:
            if not self._failing:
                log.error("history: alarms cannot be noted below the root: %s", error)  # noqa: TRY400
            self._failing = str(error)
            return False
        self._failing = ""
        with self._guard:
            if file is self._file:
                self._noted = wanted
        return True
