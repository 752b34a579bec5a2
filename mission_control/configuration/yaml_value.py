"""One value of a YAML file, which knows its place and is read strictly."""

import difflib
import hashlib
import re
import stat
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, cast

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
        """Note every problem that an error stands for."""
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


Choice = TypeVar("Choice", bound=StrEnum)

DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
"""YAML 1.1 also reads `1_0`, `0x10` and `22:30` as numbers; nobody means those here."""

KINDS = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "null": "empty",
    "str": "text",
    "timestamp": "a date",
    "seq": "a list",
    "map": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a YAML file: `path` is as `agents[2].kind`, empty for the whole document."""

    node: yaml.Node
    file: str
    path: str

    @property
    def line(self) -> int:
        """Give the line on which the value begins, counted from 1."""
        return self.node.start_mark.line + 1

    @property
    def where(self) -> str:
        """Give the place as people and editors read it: `file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def kind(self) -> str:
        """Name what YAML takes the value for: `str`, `bool`, `int`, `map`, ..."""
        return self.node.tag.rpartition(":")[2]

    @property
    def scalar(self) -> str:
        """Give a scalar as it is written; empty for a list or a mapping."""
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def refuse(self, problems: Problems, problem: str, remedy: str = "") -> None:
        """Note a problem with this value."""
        problems.add(problem, where=self.where, key=self.path, remedy=remedy)

    def fields(self, known: Collection[str], problems: Problems) -> "dict[str, Value]":
        """Give the fields of a mapping; an unknown key and a repeated one are problems."""
        if not isinstance(self.node, yaml.MappingNode):
            self._refuse_kind(problems, "a mapping")
            return {}
        found: dict[str, Value] = {}
        for key_node, node in cast("list[tuple[yaml.Node, yaml.Node]]", self.node.value):
            name = Value(key_node, self.file, "").scalar
            path = f"{self.path}.{name}" if self.path else name
            key = Value(key_node, self.file, path if name in known else self.path)
            if name not in known:
                key.refuse(problems, f"unknown key {quoted(name)}", did_you_mean(name, known))
            elif name in found:
                key.refuse(problems, f"given twice, first on line {found[name].line}")
            else:
                found[name] = Value(node, self.file, path)
        return found

    def items(self, problems: Problems, *, at_most: int) -> "list[Value]":
        """Give the items of a list, numbered from 0 in their paths."""
        if not isinstance(self.node, yaml.SequenceNode):
            self._refuse_kind(problems, "a list")
            return []
        nodes = cast("list[yaml.Node]", self.node.value)
        if len(nodes) > at_most:
            self.refuse(problems, f"lists {len(nodes)}, and at most {at_most} are allowed")
            return []
        return [Value(node, self.file, f"{self.path}[{i}]") for i, node in enumerate(nodes)]

    def text(self, problems: Problems, *, at_most: int = 1024) -> str:
        """
        Give a text, empty after noting a problem.

        What YAML takes for something else is refused: a service called `no` must say `"no"`.
        """
        if self.kind != "str":
            is_scalar = isinstance(self.node, yaml.ScalarNode) and self.kind != "null"
            self._refuse_kind(problems, "text", "put it in quotes" if is_scalar else "")
            return ""
        text = self.scalar
        if not text or len(text) > at_most or not text.isprintable() or text != text.strip():
            self.refuse(
                problems,
                "is no usable text",
                f"write 1 to {at_most} printable characters without spaces around them",
            )
            return ""
        return text

    def number(self, problems: Problems) -> float | None:
        """Give a plain decimal number, None after noting a problem."""
        if self.kind not in {"int", "float"}:
            self._refuse_kind(
                problems, "a number", "write it without quotes" * (self.kind == "str")
            )
            return None
        if DECIMAL.fullmatch(self.scalar) is None:
            self.refuse(
                problems, f"{quoted(self.scalar)} is no plain number", "write decimal digits"
            )
            return None
        return float(self.scalar)

    def choice(self, choices: type[Choice], problems: Problems) -> Choice | None:
        """Give one of the named choices, spelled exactly; None after noting a problem."""
        before = len(problems)
        text = self.text(problems)
        if len(problems) > before:
            return None
        names = [choice.value for choice in choices]
        if text not in names:
            close = did_you_mean(text, names)
            self.refuse(problems, f"{quoted(text)} is none of {', '.join(names)}", close)
            return None
        return choices(text)

    def _refuse_kind(self, problems: Problems, wanted: str, remedy: str = "") -> None:
        is_now = KINDS.get(self.kind, "of an unknown kind")
        shown = f" ({quoted(self.scalar)})" if self.scalar and self.kind != "str" else ""
        self.refuse(problems, f"must be {wanted}, and is {is_now}{shown}", remedy)


MAX_BYTES = 1024 * 1024
MAX_DEPTH = 16
"""
Deeper nesting is refused while the parser's events go by.

libyaml composes by recursion in C: a file of brackets would end the process, not raise.
"""


@dataclass(frozen=True, slots=True)
class YamlSource:
    """A YAML file as it was read once: its name, the SHA-256 of its bytes in hex, its content."""

    name: str
    digest: str
    root: Value


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
    return YamlSource(name, hashlib.sha256(content).hexdigest(), Value(root, name, ""))


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
