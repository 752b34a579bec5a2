"""What a setting is, where its text was found, and how plain texts are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mission_control.configuration.yaml_file import quoted
from mission_control.errors import ConfigurationError

OWN_PREFIX = "MISSION_CONTROL_"


class Origin(StrEnum):
    """Where a setting was given; earlier ones win."""

    FLAG = "flag"
    VARIABLE = "variable"
    FILE = "file"
    PREDECESSOR = "predecessor's variable"


@dataclass(frozen=True, slots=True)
class Found:
    """
    A setting's text as it was found.

    `where` names the flag, the variable or `file:line`; relative paths start at `folder`. The
    items of a list are separated by commas.
    """

    text: str
    origin: Origin
    where: str
    folder: Path
    key: str = ""

    @property
    def stripped(self) -> str:
        """Return the text without spaces around it."""
        return self.text.strip()

    def refused(self, problem: str, remedy: str) -> ConfigurationError:
        """Return the error with which a reader refuses the text."""
        return ConfigurationError(problem, where=self.where, key=self.key, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting; `name`, after which all its names go, is its key in the YAML file.

    `read` turns a text into the value, or raises `ConfigurationError`. With a `metavar` commands
    have a flag for it. `predecessors` are the variables that gave it to the predecessor.
    """

    read: Callable[[Found], object]
    help: str
    metavar: str = ""
    predecessors: tuple[str, ...] = ()
    name: str = ""
    default: object = None

    @property
    def variable(self) -> str:
        """Return the variable of ours that gives it."""
        return OWN_PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Return the flag that gives it, where a command has one."""
        return "--" + self.name.replace("_", "-")


def matching(pattern: str, what: str, remedy: str) -> Callable[[Found], str]:
    """Return a reader of texts of this form."""
    form = re.compile(pattern)

    def read(found: Found) -> str:
        if form.fullmatch(found.stripped) is None:
            raise found.refused(f"{quoted(found.text)} is no {what}", remedy)
        return found.stripped

    return read


def whole_number(what: str, remedy: str, least: int, most: int) -> Callable[[Found], int]:
    """Return a reader of whole numbers from the least to the most."""

    def read(found: Found) -> int:
        digits = re.fullmatch(r"[0-9]{1,5}", found.stripped)
        if digits is None or not least <= int(found.stripped) <= most:
            raise found.refused(f"{quoted(found.text)} is no {what}", remedy)
        return int(found.stripped)

    return read
