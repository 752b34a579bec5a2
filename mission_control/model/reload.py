"""Files that changed while we ran, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """
    What a look at a file that changed brought: `value`, or why the earlier one stays.

    `before` is the SHA-256, in hex, of the bytes in force until now, and `after` of those that
    are there now, empty where they cannot be read.
    """

    before: str
    after: str
    value: T | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Reload:
    """
    That files changed: what they are for, their names, both digests as `Taken` has them.

    `trouble` says why they are not in force; empty where they are.
    """

    what: str
    files: str
    before: str
    after: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class RestartNeeded:
    """
    That the fleet file is not what we started with; only a restart takes it.

    `since` is when that was noticed first (UTC), `file` its name without a folder, and the digests
    are as `Taken` has them. `trouble` says why a start would refuse it, redacted; empty where none
    would.
    """

    since: datetime
    file: str
    before: str
    after: str
    trouble: str = ""
