"""Configuration: reads a YAML file so that everything in it can be named by file and line."""

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mission_control.configuration.yaml_value import Value
from mission_control.errors import ConfigurationError

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
