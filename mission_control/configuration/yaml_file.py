"""YAML files: read within limits, and every problem named by file, line, key and remedy."""

import difflib
import hashlib
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import yaml

from mission_control.errors import ConfigurationError, ConfigurationErrors

SHOWN_TEXT = 60
"""No more of an offending text than this is repeated in a message."""


class Problems:
    """What has been found wrong so far, in the order of finding."""

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._found: list[ConfigurationError] = []

    def __len__(self) -> int:
        """Count the problems found so far."""
        return len(self._found)

    def add(self, problem: str, *, where: str, key: str = "", remedy: str = "") -> None:
        """Note one problem."""
        self.take(ConfigurationError(problem, where=where, key=key, remedy=remedy))

    def take(self, error: ConfigurationError) -> None:
        """Note every problem of an error."""
        self._found.extend(error.problems)

    @contextmanager
    def gathering(self) -> Generator[None]:
        """Note the configuration errors of a part, and go on with what comes after it."""
        try:
            yield
        except ConfigurationError as error:
            self.take(error)

    def raise_if_any(self) -> None:
        """Raise what was found, if anything was: as found, but a file's problems by line."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            sources = list(dict.fromkeys(_source_and_line(p.where)[0] for p in self._found))

            def order(problem: ConfigurationError) -> tuple[int, int]:
                source, line = _source_and_line(problem.where)
                return sources.index(source), line

            raise ConfigurationErrors(sorted(self._found, key=order))


def _source_and_line(where: str) -> tuple[str, int]:
    source, _, line = where.rpartition(":")
    return (source, int(line)) if source and line.isdecimal() else (where, 0)


def quoted(text: str) -> str:
    """Repeat an offending text safely: on one line, escaped, and not at length."""
    return repr(text if len(text) <= SHOWN_TEXT else text[: SHOWN_TEXT - 3] + "...")


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Name the choice that was probably meant; otherwise name all, when there are few."""
    known = sorted(choices)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    if close:
        # Two letters changed places is the likeliest slip, and difflib does not know that.
        swapped = [choice for choice in close if sorted(choice) == sorted(word)]
        return f"did you mean {[*swapped, *close][0]!r}?"
    few = 20
    return f"known are: {', '.join(known)}" if known and len(known) <= few else ""


MAX_BYTES = 1024 * 1024
MAX_DEPTH = 16
"""
Deeper nesting is refused while the parser's events go by.

libyaml composes by recursion in C: a file of brackets would end the process, not raise.
"""


@dataclass(frozen=True)
class YamlSource:
    """A YAML file as it was read once: its name, the SHA-256 of its bytes in hex, its content."""

    name: str
    digest: str
    root: yaml.Node

    def where(self, node: yaml.Node) -> str:
        """Return a node's place as people and editors read it: `file:line`."""
        return f"{self.name}:{node.start_mark.line + 1}"

    def key(self, node: yaml.Node) -> str:
        """Return a node's path, such as `agents[2].kind`; empty for the whole document."""
        return self._keys[id(node)]

    @cached_property
    def _keys(self) -> dict[int, str]:
        keys = dict[int, str]()
        left = [(self.root, "")]
        while left:
            node, key = left.pop()
            keys[id(node)] = key
            if isinstance(node, yaml.MappingNode):
                pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
                left += [(each, below(key, scalar(name))) for name, each in pairs]
            elif isinstance(node, yaml.SequenceNode):
                items = cast("list[yaml.Node]", node.value)
                left += [(each, f"{key}[{n}]") for n, each in enumerate(items)]
        return keys


def below(key: str, name: str) -> str:
    """Return the path of a field below the path of its mapping."""
    return f"{key}.{name}" if key else name


def scalar(node: yaml.Node) -> str:
    """Return a scalar as it is written; empty for a list or a mapping."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def read_yaml(path: Path, *, what: str) -> YamlSource:
    """
    Read one YAML document, or say what is wrong with the file.

    Refused are a file that is missing, unreadable, not a regular file, over 1 MiB or not UTF-8;
    anything but one document; anchors, aliases and tags (they make a file say what it does not
    show); nesting deeper than a configuration has a use for. `what` names the file's purpose.
    """
    name = str(path)
    content = _read_bytes(path, what)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"the {what} is not UTF-8", where=f"{name}:{line}", remedy="save it as UTF-8"
        ) from error
    root = _compose(text, name, what)
    return YamlSource(name, hashlib.sha256(content).hexdigest(), root)


def _read_bytes(path: Path, what: str) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(f"the {what} is not a regular file", where=str(path))
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        # An embedded NUL is a ValueError; its text could hold anything, so it is not repeated.
        said = (error.strerror or type(error).__name__) if isinstance(error, OSError) else "a NUL"
        raise ConfigurationError(
            f"the {what} cannot be read: {said}",
            where=str(path),
            remedy="name a file that exists and that this user may read",
        ) from error
    if len(content) > MAX_BYTES:
        raise ConfigurationError(
            f"the {what} is larger than 1 MiB", where=str(path), remedy="split or shorten it"
        )
    return content


def _compose(text: str, name: str, what: str) -> yaml.Node:
    try:
        _refuse_cleverness(text, name)
        root: yaml.Node | None = yaml.compose(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error, name, what) from error
    if root is None:
        raise ConfigurationError(f"the {what} is empty", where=f"{name}:1")
    return root


def _refuse_cleverness(text: str, name: str) -> None:
    depth = 0
    event: Any  # the stubs leave the parser's events untyped
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            fault, remedy = f"nested deeper than {MAX_DEPTH} levels", "flatten it"
        elif getattr(event, "anchor", None) is not None:
            fault = "YAML anchors and aliases are refused"
            remedy = "write the value out where it is used"
        elif getattr(event, "tag", None) is not None:
            fault, remedy = "YAML tags are refused", "leave the tag out"
        else:
            continue
        where = f"{name}:{event.start_mark.line + 1}"
        raise ConfigurationError(fault, where=where, remedy=remedy)


def _not_yaml(error: yaml.YAMLError, name: str, what: str) -> ConfigurationError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    where = f"{name}:{mark.line + 1}" if mark is not None else name
    return ConfigurationError(
        f"the {what} is not YAML: {said}", where=where, remedy="mend the YAML at or above this line"
    )
