"""Which files are read: those named, all within folders, and the log tails of our own bundles."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mission_control.errors import MissionControlError
from mission_control.records.model import RUN_FILE
from mission_control.replay.tails import bundle_of

STDIN = "-"
MOST_SOURCES = 20_000
_OURS = "audit_artifacts"


class TooManyFilesError(MissionControlError):
    """There are more files than one replay reads."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to be read: what it is called, where it is, and its bundle where it holds tails."""

    label: str
    path: Path | None
    bundle: str = ""
    size: int = 0
    problem: str = ""

    def open(self) -> BinaryIO:
        """Open it for reading, without a buffer."""
        if self.path is None:
            return open(0, "rb", buffering=0, closefd=False)
        return self.path.open("rb", buffering=0)


@dataclass(frozen=True, slots=True)
class Input:
    """Every file once, in the order of its bundle and name; `unopened` counts what is no log."""

    files: tuple[InputFile, ...]
    unopened: int = 0


def find_input(names: Sequence[str]) -> Input:
    """
    Return what is named, each file once, by whatever names and links it was reached.

    A folder stands for all regular files below it; of our own record only log tails are read.
    """
    found, seen, unopened = list[InputFile](), set[tuple[int, int]](), 0
    for name in sorted(set(names)):
        for path, walked in _paths(name):
            file = _file(path, name == STDIN)
            known = _identity(path) if name != STDIN else None
            if known is not None and known in seen:
                continue
            if known is not None:
                seen.add(known)
            if walked and not file.bundle and _is_ours(path):
                unopened += 1
                continue
            found.append(file)
            if len(found) > MOST_SOURCES:
                raise TooManyFilesError(f"there are more than {MOST_SOURCES:,} files: name fewer")
    return Input(tuple(sorted(found, key=lambda f: (f.bundle, f.label))), unopened)


def _paths(name: str) -> Iterator[tuple[Path, bool]]:
    path = Path(name)
    if name == STDIN or not path.is_dir():
        yield path, False
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for each in sorted(files):
            within = Path(folder) / each
            if not within.is_symlink():
                yield within, True


def _file(path: Path, stdin: bool) -> InputFile:  # noqa: FBT001  (one of two kinds)
    if stdin:
        return InputFile("stdin", None)
    try:
        about = path.stat()
    except OSError as error:
        problem = f"it cannot be opened: {error.strerror or type(error).__name__}"
        return InputFile(_label(path), path, problem=problem)
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISFIFO(about.st_mode)):
        return InputFile(_label(path), path, problem="it is no file")
    return InputFile(_label(path), path, bundle_of(path.absolute()), about.st_size)


def _label(path: Path) -> str:
    """Name a file as text, also where its name is none."""
    return os.fsencode(path).decode(errors="replace")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def _is_ours(path: Path) -> bool:
    """Return whether a file belongs to our own record, which tells of logs, and is none."""
    return _OURS in path.absolute().parts or (path.parent / RUN_FILE).exists()
