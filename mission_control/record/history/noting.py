"""History: a thread that notes, below the root, which alarms no database holds yet."""

import logging
import threading

from mission_control.errors import StorageError
from mission_control.model.record_memory import HistoryPin
from mission_control.model.standing import Accusation, Standing
from mission_control.record.history.note import Note, carry
from mission_control.record.history.notes import NotesFile

AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)

Key = tuple[str, str, str, str]


class AlarmNotes:
    """
    Notes what stands and is not written yet, beside the thread that writes it.

    That one may hang in a database for long; a note is on the disk a moment after its alarm was
    raised. Nobody waits for it but a stop.
    """

    def __init__(self) -> None:
        """Begin with nothing that stands, and no file yet."""
        self._guard = threading.Condition()
        self._file: NotesFile | None = None
        self._base = Note()
        self._stands: tuple[Accusation, ...] = ()
        self._held = frozenset[Key]()
        self._noted: Note | None = None
        self._failing = ""
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="history-notes", daemon=True)

    def start(self) -> None:
        """Begin to note, once there is a file."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Note what is not noted yet, for at most so long; tells whether that was done."""
        with self._guard:
            self._ends = True
            self._guard.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive() and not self._failing

    def use(self, file: NotesFile | None, base: Note) -> None:
        """Note into this file from now on, beside what `base` tells."""
        with self._guard:
            self._file, self._base, self._noted = file, base, None
            self._guard.notify()

    def stands(self, standing: Standing) -> None:
        """Hear what stands now, before it is written."""
        with self._guard:
            self._stands = standing.accusations
            if any(a.key not in self._held for a in self._stands):
                self._guard.notify()

    def written(self, standing: Standing, pin: HistoryPin | None) -> None:
        """Hear what the database holds now; with a pin that is where its newest decision is."""
        with self._guard:
            self._held = frozenset(a.key for a in standing.accusations)
            if pin is not None:
                self._base = Note(pin=pin)
            self._guard.notify()

    def unwritten(self) -> tuple[Accusation, ...]:
        """Give what stands and is in no database yet."""
        with self._guard:
            return self._unwritten()

    def failing(self) -> str:
        """Say why alarms that are not written are not noted either; nothing where they are."""
        return self._failing

    def _unwritten(self) -> tuple[Accusation, ...]:
        return tuple(a for a in self._stands if a.key not in self._held)

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
