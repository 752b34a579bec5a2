"""Whether the fleet file on disk is still the one that we started with."""

from datetime import datetime
from pathlib import Path

from mission_control.floor.decide.events import Happening, fleet_file_changed
from mission_control.model.fleet import Fleet
from mission_control.model.reload import RestartNeeded
from mission_control.processes.followed_file import FollowedFile
from mission_control.redaction.redact import redact_text

MOST_TOLD = 300


class FleetOnDisk:
    """
    Follows the fleet file and applies nothing of it (docs/semantics.md#R13.3).

    `restart` says what a restart is needed for, None while the file is the one that we started
    with. Belongs to one event loop.
    """

    def __init__(self, file: FollowedFile[Fleet], started_with: str) -> None:
        """Follow a file of which this SHA-256 is in force."""
        self.restart: RestartNeeded | None = None
        self._file = file
        self._started_with = started_with
        self._on_disk = started_with

    async def look(self, now: datetime) -> Happening | None:
        """Look once; gives what there is to tell, None for no news."""
        taken = await self._file.look()
        if taken is None:
            return None
        before, self._on_disk = self._on_disk, taken.after
        if taken.after == self._started_with and not taken.trouble:
            self.restart = None
        else:
            since = self.restart.since if self.restart else now
            digests = self._started_with, taken.after
            self.restart = RestartNeeded(since, self._name, *digests, self._told(taken.trouble))
        return fleet_file_changed(self.restart, before, taken.after)

    @property
    def _name(self) -> str:
        return Path(self._file.name).name

    def _told(self, trouble: str) -> str:
        """Say what is wrong with it, without the folder that it lies in."""
        return redact_text(trouble.replace(self._file.name, self._name))[:MOST_TOLD]
