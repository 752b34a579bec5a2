"""The TLS context that certificate files make, made again when they change."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mission_control.model.fleet import TlsFiles
from mission_control.model.reload import Reload
from mission_control.probe.failure import UnreadableFileError
from mission_control.processes.threads import DaemonWork

LOOK_SECONDS = 1.0
"""Files in use are looked at no more often than this."""
SETTLED_SECONDS = 2.0
"""Changed files are read when they have not changed for so long: they may be half written."""
MOST_READS = 64
"""So many sets of files may be read at once; what hangs on a dead mount holds one of these."""

HANGS_AFTER_SECONDS = 30.0
"""A look at files that has not ended after so long is said to hang."""
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


def state_of(path: str) -> tuple[int, ...] | None:
    """Return what changes with a file, of what a link leads to; None where it cannot be had."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    changed = found.st_mtime_ns, found.st_ctime_ns
    return *changed, found.st_size, found.st_dev, found.st_ino


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
