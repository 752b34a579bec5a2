"""What the fleet's repository builds and documents; nothing in it is run or changed."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, cast

from mission_control.model.reading import Seen, Unseen
from mission_control.processes.own_process import in_own_thread
from mission_control.processes.plain_file import read_plain_file
from mission_control.redaction.files import UNREADABLE, read_plain_yaml, strings_of
from mission_control.redaction.redact import printable, redact_text
from mission_control.repository.model import BuildPipeline, RepositorySurvey
from mission_control.repository.read import RepositoryReader

MOST_PIPELINES = 100
MOST_IMAGES = 50
MOST_DOCUMENTS = 500
MAX_PIPELINE_BYTES = 64 * 1024
MAX_SECONDS = 10.0
"""For all pipelines together: made to be slow, they must not hold up a blueprint."""
GIVEN_UP_SECONDS = 20.0
_WANTED_PIPELINES = r"(.*/)?cloudbuild[^/]*\.ya?ml"
_WANTED_DOCUMENTS = r"(docs|ops)/.+\.md|[^/]+\.md"
_PIPELINE = re.compile(_WANTED_PIPELINES, re.DOTALL)
_TAGS = frozenset({"-t", "--tag", "--destination"})


class RepositorySurveyor:
    """Surveys one working tree; satisfies its port."""

    def __init__(self, path: Path, reader: RepositoryReader) -> None:
        """Survey this tree, whose files the reader lists."""
        self._path = path
        self._reader = reader

    async def survey(self) -> Seen[RepositorySurvey] | Unseen:
        """Look once; a tree that git cannot tell of is `Unseen`."""
        head = await self._reader.head()
        tracked = await self._reader.tracked(f"{_WANTED_PIPELINES}|{_WANTED_DOCUMENTS}")
        if isinstance(head, Unseen):
            return head
        if isinstance(tracked, Unseen):
            return tracked
        built = [f for f in tracked.value if _PIPELINE.fullmatch(f)][:MOST_PIPELINES]
        documents = [_shown(f) for f in tracked.value if not _PIPELINE.fullmatch(f)]
        try:
            pipelines = await in_own_thread(
                partial(read_pipelines, self._path, built), GIVEN_UP_SECONDS
            )
        except TimeoutError:
            problem = f"not read within {GIVEN_UP_SECONDS:.0f} s"
            pipelines = [BuildPipeline(_shown(name), problem=problem) for name in built]
        found = RepositorySurvey(head.value, tuple(pipelines), tuple(documents[:MOST_DOCUMENTS]))
        return Seen(found, head.at)


def read_pipelines(
    root: Path, names: Sequence[str], monotonic: Callable[[], float] = time.monotonic
) -> list[BuildPipeline]:
    """
    Read build pipelines; each that cannot be read, or not in time, has its problem named.

    `monotonic` gives seconds that never step back.
    """
    until = monotonic() + MAX_SECONDS
    late = f"it was not read within {MAX_SECONDS:.0f} seconds for all"
    return [
        _read(root, name) if monotonic() <= until else BuildPipeline(_shown(name), problem=late)
        for name in names
    ]


def _read(root: Path, name: str) -> BuildPipeline:
    path = _shown(name)
    try:
        content = read_plain_file(root, name, MAX_PIPELINE_BYTES + 1)
        if content is None or len(content) > MAX_PIPELINE_BYTES:
            return BuildPipeline(path, problem="it is no plain file of a usual size")
        nodes = read_plain_yaml(content.decode())
    except OSError as error:
        return BuildPipeline(path, problem=error.strerror or type(error).__name__)
    except UnicodeDecodeError:
        nodes = UNREADABLE
    if isinstance(nodes, str):
        return BuildPipeline(path, problem=nodes)
    document = strings_of(nodes[0]) if len(nodes) == 1 else None
    if not isinstance(document, dict):
        return BuildPipeline(path, problem="it is no YAML mapping")
    found = sorted({_shown(i) for i in _images(cast("Mapping[str, Any]", document))})
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


def _shown(text: str) -> str:
    return printable(redact_text(str(PurePosixPath(text)) if "://" not in text else text))[:300]
