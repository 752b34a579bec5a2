"""Bearer tokens of files, taken again when they change and have settled."""

import asyncio
import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mission_control.errors import ConfigurationError
from mission_control.model.reload import Reload
from mission_control.probe.failure import UnreadableFileError
from mission_control.processes.followed_file import FollowedFile
from mission_control.processes.threads import DaemonWork

MAX_TOKEN_BYTES = 16 * 1024
MOST_TOKEN_READS = 64
"""So many token files may be read at once; what hangs on a dead mount holds one of these."""
LOOK_SECONDS = 0.5
"""A file in use is looked at no more often than this."""


class TokenFiles:
    """
    Gives the token of each file.

    One that was rotated is sent once its file is whole and has not changed for two seconds; one
    that cannot be read any more leaves the earlier token, and `trouble` says why. Looking holds
    up no request. Belongs to one event loop.
    """

    def __init__(self) -> None:
        """Read nothing yet."""
        self._reads = DaemonWork[str, tuple[str, str]]("token-file", MOST_TOKEN_READS)
        self._held: dict[str, str] = {}
        self._files: dict[str, FollowedFile[str]] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._looked_at: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self._reloads = list[Reload]()

    async def token(self, path: str) -> str:
        """Return the token in force; raises UnreadableFileError where there never was one."""
        held = self._held.get(path)
        if held is not None:
            self._look(path)
            return held
        try:
            asked = self._reads.ask(path, partial(_first_token, path))
            digest, token = await asyncio.shield(asked)
        except OSError as error:
            raise UnreadableFileError.of(error, path) from error
        if path not in self._files:
            self._files[path] = FollowedFile(Path(path), _load_token, digest)
        return self._held.setdefault(path, token)

    def trouble(self, path: str | None) -> str:
        """Return why a file that changed does not serve; empty where it does."""
        return self._troubles.get(path, "") if path is not None else ""

    def take_reloads(self) -> Sequence[Reload]:
        """Return each file once whose token was taken again, or could not be."""
        taken, self._reloads = tuple(self._reloads), []
        return taken

    def _look(self, path: str) -> None:
        now = asyncio.get_running_loop().time()
        if path in self._looks or now - self._looked_at.get(path, 0.0) < LOOK_SECONDS:
            return
        self._looked_at[path] = now
        look = self._looks[path] = asyncio.create_task(self._look_once(path))
        look.add_done_callback(lambda _: self._looks.pop(path, None))

    async def _look_once(self, path: str) -> None:
        taken = await self._files[path].look()
        if taken is None:
            return
        if taken.value is not None:
            self._held[path] = taken.value
        self._troubles[path] = taken.trouble
        self._reloads.append(Reload("token", path, taken.before, taken.after, taken.trouble))
        del self._reloads[:-MOST_TOKEN_READS]


def _first_token(path: str) -> tuple[str, str]:
    """Read a token and its digest; runs in a thread."""
    with Path(path).open("rb") as file:
        content = file.read(MAX_TOKEN_BYTES)
    text = content.decode("ascii", errors="replace").strip()
    if not text or not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text:
        raise OSError(0, "the token file is empty or not plain text", path)
    return hashlib.sha256(content).hexdigest(), text


def _load_token(path: Path) -> tuple[str, str]:
    try:
        return _first_token(str(path))
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise ConfigurationError(said, where=str(path)) from error
