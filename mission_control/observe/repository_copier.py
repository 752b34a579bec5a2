"""Observe: files of the fleet's repository, copied redacted; no link is followed, none changed."""

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from mission_control.model.reading import Seen, Unseen
from mission_control.model.repository import CopiedFile, RepositoryCopy, RepositoryHead
from mission_control.observe.manifest_redaction import redact_manifest, why_secret
from mission_control.observe.redaction import printable, redact_text
from mission_control.observe.repository import RepositoryReader

MAX_FILES = 1_000
MAX_FILE_BYTES = 512 * 1024
MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 12
MOST_PARTS = 4
"""A run's folders go four deep (`record.run_draft`), and the copies lie in one of them."""
_STORABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SECRET_SUFFIXES = frozenset({".pem", ".key", ".p12", ".pfx", ".jks", ".keystore"})
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RepositoryCopier:
    """Copies of one working tree what is wanted; satisfies its port."""

    def __init__(self, path: Path, reader: RepositoryReader) -> None:
        """Copy from this tree, whose commit the reader tells."""
        self._path = path
        self._reader = reader

    async def head(self) -> Seen[RepositoryHead] | Unseen:
        """Say which commit the working tree stands on."""
        return await self._reader.head()

    async def copy(self, wanted: Sequence[str]) -> RepositoryCopy:
        """Copy these files and all below these folders, as far as limits and secrets allow."""
        return await asyncio.to_thread(copy_files, self._path, wanted)


def copy_files(root: Path, wanted: Sequence[str]) -> RepositoryCopy:
    """
    Copy what is wanted of a folder, redacted.

    A link anywhere on the way is not followed but listed. What is wholly secret is listed and
    not copied. What lies beyond a limit on files or bytes is named as missing.
    """
    files, missing = list[CopiedFile](), list[tuple[str, str]]()
    left = MAX_BYTES
    for name in wanted:
        found = sorted(_below(root, PurePosixPath(name), missing))
        if not found and not any(what == name for what, _ in missing):
            missing.append((name, "it holds no file"))
        for path in found:
            if len(files) >= MAX_FILES or left <= 0:
                missing.append((path, f"beyond {MAX_FILES} files or {MAX_BYTES} bytes"))
                continue
            copied = _copy(root, path)
            left -= len(copied.content or b"")
            files.append(copied)
    return RepositoryCopy(tuple(sorted(files, key=lambda f: f.path)), tuple(sorted(missing)))


def _below(root: Path, name: PurePosixPath, missing: list[tuple[str, str]]) -> Iterator[str]:
    """Give the files at or below a name that are reached without any link."""
    place = root
    for part in name.parts:
        place = place / part
        try:
            mode = place.lstat().st_mode
        except OSError as error:
            missing.append((str(name), _why(error)))
            return
        if stat.S_ISLNK(mode):
            missing.append((str(name), "it is a link, which is not followed"))
            return
    if not place.is_dir():
        yield str(name)
        return
    errors = list[OSError]()
    for folder, folders, names in os.walk(place, followlinks=False, onerror=errors.append):
        here = PurePosixPath(folder).relative_to(root)
        if len(here.parts) > MAX_DEPTH:
            missing.append((str(here), f"deeper than {MAX_DEPTH} folders"))
            folders.clear()
        links = [f for f in folders if (Path(folder) / f).is_symlink()]
        folders[:] = sorted(f for f in folders if f not in links and f != ".git")
        yield from (str(here / each) for each in (*names, *links))
    missing.extend((_relative(error.filename, root), _why(error)) for error in errors)


def _relative(path: str, root: Path) -> str:
    with suppress(ValueError):
        return str(Path(path).relative_to(root))
    return path


def _copy(root: Path, name: str) -> CopiedFile:
    shown = printable(redact_text(name))
    why = _why_not_by_name(name)
    content: bytes | None = None
    try:
        content = None if why else read_plain_file(root, name)
    except OSError as error:
        why = _why(error)
    if content is None:
        return CopiedFile(
            shown, why_not=why or "it is no plain file, or a link, which is not followed"
        )
    if len(content) > MAX_FILE_BYTES:
        return CopiedFile(shown, why_not=f"it has more than {MAX_FILE_BYTES} bytes")
    return _redacted(shown, content)


def _why_not_by_name(name: str) -> str:
    path = PurePosixPath(name)
    if path.suffix.lower() in _SECRET_SUFFIXES or any(p.startswith(".env") for p in path.parts):
        return "its name says that it is secret"
    storable = len(path.parts) <= MOST_PARTS and all(_STORABLE.fullmatch(p) for p in path.parts)
    return "" if storable else "no artifact can bear its name, or lie so deep"


def _redacted(shown: str, content: bytes) -> CopiedFile:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    why = "it is no text" if "\0" in text else why_secret(text)
    # Not even the digest of a secret is kept: a short one could be found by trying.
    if why:
        return CopiedFile(shown, why_not=why)
    digest, size = hashlib.sha256(content).hexdigest(), len(content)
    return CopiedFile(shown, redact_manifest(text).encode(), "", digest, size)


def read_plain_file(root: Path, name: str) -> bytes | None:
    """Read a file, refusing a link at every step; None for what is no plain file."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *parents, last = PurePosixPath(name).parts
        for part in parents:
            inner = os.open(part, _READ | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        if stat.S_ISLNK(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        with os.fdopen(os.open(last, _READ, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return file.read(MAX_FILE_BYTES + 1)
    finally:
        os.close(folder)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


async def copy_one(path: Path) -> CopiedFile:
    """Copy one file from wherever it is, redacted; a link to it is followed, as for its reader."""
    real = await asyncio.to_thread(path.resolve)
    return await asyncio.to_thread(_copy, real.parent, real.name)
