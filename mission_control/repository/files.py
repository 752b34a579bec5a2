"""Files of the fleet's repository, copied redacted or surveyed; no link is followed."""

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, cast

from mission_control.model.reading import Seen, Unseen
from mission_control.processes.own_process import in_own_thread
from mission_control.processes.plain_file import read_plain_file
from mission_control.records.model import PLACEHOLDERS
from mission_control.redaction.files import (
    UNREADABLE,
    Redacted,
    read_plain_yaml,
    redact_file,
    redact_yaml,
    strings_of,
)
from mission_control.redaction.redact import printable, redact_text
from mission_control.repository.model import (
    BuildPipeline,
    CopiedFile,
    RepositoryCopy,
    RepositoryHead,
    RepositorySurvey,
)
from mission_control.repository.read import RepositoryReader

MAX_FILES = 1_000
MAX_FILE_BYTES = 512 * 1024
MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 12
MAX_SECONDS = 60.0
"""Made to be slow, a tree must not hold up the copy."""
GIVEN_UP_SECONDS = 90.0
"""One that hangs in a single read is given up then: a mount can go away."""
MOST_PARTS = 4
"""A run's folders go four deep (`record.run_draft`), and the copies lie in one of them."""
_STORABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SECRET_SUFFIXES = frozenset({".pem", ".key", ".p12", ".pfx", ".jks", ".keystore"})


@dataclass(frozen=True, slots=True)
class RepositoryCopier:
    """Copies of one working tree what is wanted, redacted; never raises for what it finds."""

    path: Path
    reader: RepositoryReader

    async def head(self) -> Seen[RepositoryHead] | Unseen:
        """Say which commit the working tree stands on."""
        return await self.reader.head()

    async def copy(self, wanted: Sequence[str]) -> RepositoryCopy:
        """Copy these files and all below these folders, as far as limits and secrets allow."""
        try:
            return await in_own_thread(partial(copy_files, self.path, wanted), GIVEN_UP_SECONDS)
        except TimeoutError:
            why = f"not copied within {GIVEN_UP_SECONDS:.0f} seconds"
            return RepositoryCopy(missing=tuple((name, why) for name in sorted(wanted)))


def copy_files(
    root: Path, wanted: Sequence[str], monotonic: Callable[[], float] = time.monotonic
) -> RepositoryCopy:
    """
    Copy what is wanted of a folder, redacted.

    A link anywhere on the way is not followed but listed. What is wholly secret is listed and
    not copied. What lies beyond a limit on files, bytes or time is named as missing. `monotonic`
    gives seconds that never step back.
    """
    until = monotonic() + MAX_SECONDS
    files, missing = list[CopiedFile](), list[tuple[str, str]]()
    left = MAX_BYTES
    for name in wanted:
        found = sorted(_below(root, PurePosixPath(name), missing))
        if not found and not any(what == name for what, _ in missing):
            missing.append((name, "it holds no file"))
        for path in found:
            if _is_placeholder(root / path):
                continue
            if len(files) >= MAX_FILES or left <= 0:
                missing.append((path, f"beyond {MAX_FILES} files or {MAX_BYTES} bytes"))
                continue
            if monotonic() > until:
                missing.append((path, f"beyond {MAX_SECONDS:.0f} seconds"))
                continue
            copied = _copy(root, path)
            left -= len(copied.content or b"")
            files.append(copied)
    told = sorted((_shown(what), why) for what, why in missing)
    return RepositoryCopy(tuple(sorted(files, key=lambda f: f.path)), tuple(told))


def _is_placeholder(path: Path) -> bool:
    """Return whether a file is empty and only keeps its folder in git: it holds nothing to copy."""
    if path.name not in PLACEHOLDERS:
        return False
    with suppress(OSError):
        found = path.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size == 0
    return False


def _below(root: Path, name: PurePosixPath, missing: list[tuple[str, str]]) -> Iterator[str]:
    """Yield the files at or below a name that are reached without any link."""
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


def _shown(name: str) -> str:
    return printable(redact_text(name))


def _copy(root: Path, name: str, redact: Callable[[str], Redacted] | None = None) -> CopiedFile:
    shown = _shown(name)
    why = _why_not_by_name(name)
    content: bytes | None = None
    try:
        content = None if why else read_plain_file(root, name, MAX_FILE_BYTES + 1)
    except OSError as error:
        why = _why(error)
    if content is None:
        return CopiedFile(
            shown, why_not=why or "it is not a plain file, or a link, which is not followed"
        )
    if len(content) > MAX_FILE_BYTES:
        return CopiedFile(shown, why_not=f"it has more than {MAX_FILE_BYTES} bytes")
    return _redacted(shown, content, redact or partial(redact_file, name))


def _why_not_by_name(name: str) -> str:
    path = PurePosixPath(name)
    if path.suffix.lower() in _SECRET_SUFFIXES or any(p.startswith(".env") for p in path.parts):
        return "its name says that it is secret"
    if _shown(name) != name:
        return "its name cannot be shown as it is: it looks like a secret, or is not printable"
    storable = len(path.parts) <= MOST_PARTS and all(_STORABLE.fullmatch(p) for p in path.parts)
    return "" if storable else "no artifact can bear its name, or lie so deep"


def _redacted(shown: str, content: bytes, redact: Callable[[str], Redacted]) -> CopiedFile:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    found = Redacted(why_not="it is not text") if "\0" in text else redact(text)
    if found.why_not:
        return CopiedFile(shown, why_not=found.why_not)
    # Only of the copy: from an original's digest a short secret could be found by trying.
    copy = found.text.encode()
    return CopiedFile(shown, copy, "", hashlib.sha256(copy).hexdigest(), len(copy))


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


async def copy_one(path: Path) -> CopiedFile:
    """Copy a YAML file from wherever it is, redacted; a link is followed, as for its reader."""

    def copied() -> CopiedFile:
        real = path.resolve()
        return _copy(real.parent, real.name, redact_yaml)

    try:
        return await in_own_thread(copied, GIVEN_UP_SECONDS)
    except TimeoutError:
        return CopiedFile(
            _shown(path.name), why_not=f"not read within {GIVEN_UP_SECONDS:.0f} seconds"
        )


MOST_PIPELINES = 100
MOST_IMAGES = 50
MOST_DOCUMENTS = 500
MAX_PIPELINE_BYTES = 64 * 1024
SURVEY_SECONDS = 10.0
"""For all pipelines together: made to be slow, they must not hold up a blueprint."""
SURVEY_GIVEN_UP_SECONDS = 20.0
_WANTED_PIPELINES = r"(.*/)?cloudbuild[^/]*\.ya?ml"
_WANTED_DOCUMENTS = r"(docs|ops)/.+\.md|[^/]+\.md"
_PIPELINE = re.compile(_WANTED_PIPELINES, re.DOTALL)
_TAGS = frozenset({"-t", "--tag", "--destination"})


@dataclass(frozen=True, slots=True)
class RepositorySurveyor:
    """Surveys one working tree; never raises for what it finds."""

    path: Path
    reader: RepositoryReader

    async def survey(self) -> Seen[RepositorySurvey] | Unseen:
        """Look once; a tree that git cannot tell of is `Unseen`."""
        head = await self.reader.head()
        tracked = await self.reader.tracked(f"{_WANTED_PIPELINES}|{_WANTED_DOCUMENTS}")
        if isinstance(head, Unseen):
            return head
        if isinstance(tracked, Unseen):
            return tracked
        built = [f for f in tracked.value if _PIPELINE.fullmatch(f)][:MOST_PIPELINES]
        documents = [_shown_text(f) for f in tracked.value if not _PIPELINE.fullmatch(f)]
        try:
            pipelines = await in_own_thread(
                partial(read_pipelines, self.path, built), SURVEY_GIVEN_UP_SECONDS
            )
        except TimeoutError:
            problem = f"not read within {SURVEY_GIVEN_UP_SECONDS:.0f} s"
            pipelines = [BuildPipeline(_shown_text(name), problem=problem) for name in built]
        found = RepositorySurvey(head.value, tuple(pipelines), tuple(documents[:MOST_DOCUMENTS]))
        return Seen(found, head.at)


def read_pipelines(
    root: Path, names: Sequence[str], monotonic: Callable[[], float] = time.monotonic
) -> list[BuildPipeline]:
    """
    Read build pipelines; each that cannot be read, or not in time, has its problem named.

    `monotonic` gives seconds that never step back.
    """
    until = monotonic() + SURVEY_SECONDS
    late = f"it was not read within {SURVEY_SECONDS:.0f} seconds for all"
    return [
        _read_pipeline(root, name)
        if monotonic() <= until
        else BuildPipeline(_shown_text(name), problem=late)
        for name in names
    ]


def _read_pipeline(root: Path, name: str) -> BuildPipeline:
    path = _shown_text(name)
    try:
        content = read_plain_file(root, name, MAX_PIPELINE_BYTES + 1)
        if content is None or len(content) > MAX_PIPELINE_BYTES:
            return BuildPipeline(path, problem="it is not a plain file of a usual size")
        nodes = read_plain_yaml(content.decode())
    except OSError as error:
        return BuildPipeline(path, problem=error.strerror or type(error).__name__)
    except UnicodeDecodeError:
        nodes = UNREADABLE
    if isinstance(nodes, str):
        return BuildPipeline(path, problem=nodes)
    document = strings_of(nodes[0]) if len(nodes) == 1 else None
    if not isinstance(document, dict):
        return BuildPipeline(path, problem="it is not a YAML mapping")
    found = sorted({_shown_text(i) for i in _images(cast("Mapping[str, Any]", document))})
    return BuildPipeline(path, tuple(found[:MOST_IMAGES]))


def _images(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the images that a pipeline names as its own, and those that its steps tag."""
    yield from (i for i in _items(document.get("images")) if isinstance(i, str))
    for step in _items(document.get("steps")):
        if not isinstance(step, dict):
            continue
        told = _items(cast("Mapping[str, Any]", step).get("args"))
        arguments = [a for a in told if isinstance(a, str)]
        for before, after in pairwise(arguments):
            if before in _TAGS:
                yield after
        split = (a.partition("=") for a in arguments)
        yield from (image for flag, _, image in split if flag in _TAGS and image)


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _shown_text(text: str) -> str:
    return printable(redact_text(str(PurePosixPath(text)) if "://" not in text else text))[:300]
