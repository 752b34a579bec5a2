"""History: whether the file that is written to is still the one that its path names."""

from pathlib import Path

from mission_control.errors import StorageError
from mission_control.record.folder import storing

_REMEDY = "put back the file that was there and restart, or see the runbook HISTORY_FAILING"


class HistoryFile:
    """
    An SQLite file as it was when it was opened; satisfies `Tried`.

    One that is deleted, or whose mount is lost, can be written to for as long as it is open: it
    is only never found again.
    """

    def __init__(self, path: Path) -> None:
        """Watch this path, once it was opened."""
        self.root = path
        self._opened: tuple[int, int] | None = None

    def remember(self) -> None:
        """Take what the path names now for what was opened."""
        self._opened = self._named()

    def check(self) -> None:
        """Raise StorageError where the path names nothing, or something else, by now."""
        if self._opened is not None and self._named() != self._opened:
            problem = "it was replaced: what is written would be lost"
            raise StorageError(problem, path=str(self.root), remedy=_REMEDY)

    def _named(self) -> tuple[int, int]:
        with storing(str(self.root)):
            told = self.root.stat()
        return told.st_dev, told.st_ino
