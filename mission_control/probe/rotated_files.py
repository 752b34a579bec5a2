"""Certificates and bearer tokens of files, taken again when they change and have settled."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mission_control.errors import ConfigurationError
from mission_control.model.fleet import TlsFiles
from mission_control.model.reload import Reload
from mission_control.probe.failure import UnreadableFileError
from mission_control.processes.followed_file import (
    HANGS_AFTER_SECONDS,
    SETTLED_SECONDS,
    FollowedFile,
    state_of,
)
from mission_control.processes.own_process import DaemonWork

LOOK_SECONDS = 1.0
"""Files in use are looked at no more often than this."""
MOST_READS = 64
"""So many sets of files may be read at once; what hangs on a dead mount holds one of these."""

MOST_BYTES = 8 * 1024 * 1024
"""Of each file so much goes into its digest."""
SETTLES_WITHIN = 10
"""Files that have changed so many times in a row while we waited are left to the next look."""

State = tuple[tuple[int, ...] | None, ...]
"""
Per file, of what a link leads to: times of change (ns), size, device, inode; None where absent.
"""


class _Read(NamedTuple):
    """
    What a look at the files brought; `context` is None where they are as they were.

    `digest` is the SHA-256 of all of them together, empty where one could not be read.
    """

    state: State
    context: ssl.SSLContext | None = None
    trouble: str = ""
    digest: str = ""


class TlsContexts:
    """
    Gives the TLS context of each set of files, None being the system's authorities.

    Files are read in daemon threads: a mount that hangs holds up nothing else. Those that changed
    are taken when they have settled and can be loaded; otherwise the earlier context serves on,
    and `trouble` says why. A new context is a new object.
    """

    def __init__(self) -> None:
        """Read nothing yet."""
        self._reads = DaemonWork[TlsFiles | None, _Read]("certificate-files", MOST_READS)
        self._contexts: dict[TlsFiles | None, ssl.SSLContext] = {}
        self._states: dict[TlsFiles | None, State] = {}
        self._troubles: dict[TlsFiles | None, str] = {}
        self._looked_at: dict[TlsFiles | None, float] = {}
        self._digests: dict[TlsFiles | None, str] = {}
        self._reloads = list[Reload]()

    def take_reloads(self) -> Sequence[Reload]:
        """Return what was read again, or could not be, since this was asked last."""
        taken, self._reloads = tuple(self._reloads), []
        return taken

    async def context(self, files: TlsFiles | None) -> ssl.SSLContext:
        """Return the newest context; raises UnreadableFileError where there never was one."""
        known = self._contexts.get(files)
        if known is not None:
            self._look(files)
            return known
        try:
            await asyncio.shield(self._ask(files))
        except (OSError, ValueError) as error:
            raise _trouble(files, error) from error
        return self._contexts[files]

    def trouble(self, files: TlsFiles | None) -> str:
        """Return why files that changed do not serve yet; empty where they do."""
        if files not in self._contexts:
            return ""
        now = asyncio.get_running_loop().time()
        if self._reads.is_under_way(files) and now - self._looked_at[files] > HANGS_AFTER_SECONDS:
            return f"{_named(files)}: reading hangs"
        return self._troubles.get(files, "")

    def _look(self, files: TlsFiles | None) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._looked_at[files] >= LOOK_SECONDS and not self._reads.is_under_way(files):
            self._ask(files)

    def _ask(self, files: TlsFiles | None) -> "asyncio.Future[_Read]":
        under_way = self._reads.is_under_way(files)
        known = self._states.get(files)
        asked = self._reads.ask(files, partial(_read, files, known))
        if not under_way:
            self._looked_at[files] = asyncio.get_running_loop().time()
            asked.add_done_callback(partial(self._keep, files))
        return asked

    def _keep(self, files: TlsFiles | None, asked: "asyncio.Future[_Read]") -> None:
        self._looked_at[files] = asyncio.get_running_loop().time()
        if asked.exception() is not None:
            return
        read = asked.result()
        self._note(files, read)
        self._states[files] = read.state
        if read.context is not None:
            self._contexts[files] = read.context
            self._digests[files] = read.digest
        self._troubles[files] = read.trouble

    def _note(self, files: TlsFiles | None, read: _Read) -> None:
        """Note what is news: other bytes that serve, or a trouble that begins or ends."""
        known, before = self._troubles.get(files), self._digests.get(files, "")
        if known is None or (known == read.trouble and read.context is None):
            return
        after = read.digest if read.context is not None or read.trouble else before
        if known != read.trouble or after != before:
            self._reloads.append(Reload("certificates", _named(files), before, after, read.trouble))
            del self._reloads[:-MOST_READS]


def _read(files: TlsFiles | None, known: State | None) -> _Read:
    """
    Look at the files, and load them where they are not as `known`; runs in a thread.

    Files that changed are waited for until they have settled. Raises OSError or ValueError for
    what cannot be loaded the first time; later that is a trouble.
    """
    paths = _paths(files)
    state = _state(paths)
    if known is None:
        return _Read(state, _load(files), digest=_digest_of(paths))
    if state == known:
        return _Read(known)
    for _ in range(SETTLES_WITHIN):
        time.sleep(SETTLED_SECONDS)
        before, state = state, _state(paths)
        if state == before:
            break
    else:
        return _Read(known, None, f"{_named(files)}: keeps changing")
    try:
        # What changes while it is read is seen by the next look: this state is of before.
        return _Read(state, _load(files), digest=_digest_of(paths))
    except (OSError, ValueError) as error:
        return _Read(known, None, str(_trouble(files, error)), _digest_of(paths))


def _paths(files: TlsFiles | None) -> Sequence[str]:
    if files is not None:
        named = (files.ca_file, files.cert_file, files.key_file)
        return [path for path in named if path is not None]
    places = ssl.get_default_verify_paths()
    return [places.cafile or places.openssl_cafile, places.capath or places.openssl_capath]


def _named(files: TlsFiles | None) -> str:
    return "the system's authorities" if files is None else ", ".join(_paths(files))


def _state(paths: Sequence[str]) -> State:
    return tuple(state_of(path) for path in paths)


def _digest_of(paths: Sequence[str]) -> str:
    """Return the SHA-256 of the files' own bytes, one after another; folders are passed over."""
    digest = hashlib.sha256()
    try:
        for path in paths:
            if Path(path).is_file():
                with Path(path).open("rb") as file:
                    digest.update(file.read(MOST_BYTES))
            elif not Path(path).exists():
                return ""
    except OSError:
        return ""
    return digest.hexdigest()


def _load(files: TlsFiles | None) -> ssl.SSLContext:
    if files is None:
        return ssl.create_default_context()
    context = ssl.create_default_context(cafile=files.ca_file)
    if files.cert_file is not None:
        # A key that wants a password is an error here; without this it would ask the terminal.
        context.load_cert_chain(files.cert_file, files.key_file, password="")
    return context


def _trouble(files: TlsFiles | None, error: Exception) -> UnreadableFileError:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return UnreadableFileError.of(error, _named(files))
    return UnreadableFileError(f"{_named(files)}: {getattr(error, 'reason', None) or error}")


MAX_TOKEN_BYTES = 16 * 1024
MOST_TOKEN_READS = 64
"""So many token files may be read at once; what hangs on a dead mount holds one of these."""
TOKEN_LOOK_SECONDS = 0.5
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
        if path in self._looks or now - self._looked_at.get(path, 0.0) < TOKEN_LOOK_SECONDS:
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
