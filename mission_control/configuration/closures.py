"""The closures file, in which people enter what the exchange announced."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Annotated, cast

import yaml
from pydantic import BeforeValidator, ValidationInfo

from mission_control.configuration.yaml_file import Problems, read_yaml
from mission_control.configuration.yaml_part import (
    Each,
    Part,
    Reading,
    Sentence,
    kind_of,
    listed,
    one_of,
    usable,
    written,
)
from mission_control.errors import ConfigurationError
from mission_control.market_calendar.closures import Closure, ClosureKind, objection_to

MAX_BYTES = 256 * 1024
MAX_CLOSURES = 1000
REQUIRED_KEYS = ("date", "kind", "source", "announced", "entered_by")

KEY_OF_PART = {"on": "date", "close": "close"}
REMEDIES = {
    "date": "check the date against the announcement",
    "close": "early_close needs one such as 13:00, before the day's own; closed takes none",
}

Day = Annotated[
    date,
    BeforeValidator(
        written(r"\d{4}-\d{2}-\d{2}", date.fromisoformat, "is no date", "write it as 2026-12-24")
    ),
]
_read_time = written(
    r"\d{2}:\d{2}", time.fromisoformat, "is no time", "write it as 13:00, in New York"
)


def _time(node: yaml.Node) -> time | None:
    return None if kind_of(node) == "null" else _read_time(node)


class ClosureEntry(Part):
    """One closure as people enter it."""

    date: Day
    announced: Day
    kind: Annotated[ClosureKind, one_of(ClosureKind)]
    close: Annotated[time | None, BeforeValidator(_time)] = None
    source: Sentence
    entered_by: Sentence


def _whole(node: yaml.Node, info: ValidationInfo) -> yaml.Node | None:
    """Judge an entry's values only where all its keys are there and known."""
    reading = cast("Reading", info.context)
    before = len(reading.problems)
    given = reading.fields(node, ClosureEntry.model_fields)
    if len(reading.problems) == before:
        for key in REQUIRED_KEYS:
            if key not in given:
                remedy = f"a closure needs {', '.join(REQUIRED_KEYS)}"
                reading.refuse(node, f"{key} is missing", remedy)
    return node if len(reading.problems) == before else None


class ClosuresFile(Part):
    """The whole file."""

    closures: Annotated[
        tuple[Each[Annotated[ClosureEntry | None, BeforeValidator(_whole)]], ...],
        listed(MAX_CLOSURES),
    ] = ()

    def _check(self, reading: Reading) -> None:
        """Refuse a file that says nothing, which may be an unfinished one."""
        if not self.gives("closures"):
            problem = "there is no list of closures"
            reading.refuse(self.at(), problem, "write `closures: []` for none")


@dataclass(frozen=True, slots=True)
class ClosuresRead:
    """The closures as they were read once, in the order of their dates, with the file's SHA-256."""

    closures: tuple[Closure, ...] = ()
    digest: str = ""


def load_closures(path: Path) -> ClosuresRead:
    """
    Read the closures file, in the order of its dates, or say everything that is wrong with it.

    One doubtful entry refuses the whole file: a closure on the wrong day would stop the floor
    from gating while the market trades.
    """
    _refuse_large(path)
    source = read_yaml(path, what="closures file")
    reading = Reading(source, Problems(), path.parent)
    file = ClosuresFile.model_validate(source.root, context=reading)
    closures = dict[date, Closure]()
    for entry in usable(file.closures):
        closure = Closure(on=entry.date, **entry.model_dump(exclude={"date"}))
        objection = objection_to(closure)
        if objection is not None:
            key = KEY_OF_PART[objection.part]
            reading.refuse(entry.at(key), objection.problem, REMEDIES[key])
            continue
        if closure.on in closures:
            reading.refuse(entry.at(), f"a second closure on {closure.on}", "keep one of them")
        closures.setdefault(closure.on, closure)
    reading.problems.raise_if_any()
    return ClosuresRead(tuple(closures[on] for on in sorted(closures)), source.digest)


def _refuse_large(path: Path) -> None:
    with suppress(OSError, ValueError):  # the reader names what is wrong with such a path
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(
                "the closures file is larger than 256 KiB",
                where=str(path),
                remedy="remove closures of past years",
            )
