"""The closures file, in which people enter what the exchange announced."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from mission_control.configuration.yaml_value import Problems, Value, quoted, read_yaml
from mission_control.errors import ConfigurationError
from mission_control.market_calendar.closures import Closure, ClosureKind, objection_to

MAX_BYTES = 256 * 1024
MAX_CLOSURES = 1000
MAX_TEXT = 300
FILE_KEYS = ("closures",)
REQUIRED_KEYS = ("date", "kind", "source", "announced", "entered_by")
CLOSURE_KEYS = (*REQUIRED_KEYS, "close")

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"\d{2}:\d{2}", re.ASCII)
"""YAML reads an unquoted 13:00 as the number 780; what counts here is what stands in the file."""

KEY_OF_PART = {"on": "date", "close": "close"}
REMEDIES = {
    "date": "check the date against the announcement",
    "close": "early_close needs one such as 13:00, before the day's own; closed takes none",
}


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
    root = source.root
    problems = Problems()
    listed = root.fields(FILE_KEYS, problems).get("closures")
    if listed is None:
        root.refuse(problems, "there is no list of closures", "write `closures: []` for none")
    entries = listed.items(problems, at_most=MAX_CLOSURES) if listed is not None else []
    closures: dict[date, Closure] = {}
    for entry in entries:
        closure = _read_closure(entry, problems)
        if closure is None:
            continue
        if closure.on in closures:
            entry.refuse(problems, f"a second closure on {closure.on}", "keep one of them")
        closures.setdefault(closure.on, closure)
    problems.raise_if_any()
    return ClosuresRead(tuple(closures[on] for on in sorted(closures)), source.digest)


def _refuse_large(path: Path) -> None:
    with suppress(OSError, ValueError):  # the reader names what is wrong with such a path
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(
                "the closures file is larger than 256 KiB",
                where=str(path),
                remedy="remove closures of years gone by",
            )


def _read_closure(entry: Value, problems: Problems) -> Closure | None:
    before = len(problems)
    fields = entry.fields(CLOSURE_KEYS, problems)
    if len(problems) > before:
        return None
    for key in REQUIRED_KEYS:
        if key not in fields:
            entry.refuse(
                problems, f"{key} is missing", f"a closure needs {', '.join(REQUIRED_KEYS)}"
            )
    if len(problems) > before:
        return None
    on, announced = (_read_date(fields[key], problems) for key in ("date", "announced"))
    kind = fields["kind"].choice(ClosureKind, problems)
    close = _read_time(fields.get("close"), problems)
    source, entered_by = (
        fields[key].text(problems, at_most=MAX_TEXT) for key in ("source", "entered_by")
    )
    if len(problems) > before or on is None or announced is None or kind is None:
        return None
    closure = Closure(on, kind, close, source, announced, entered_by)
    return closure if _applies(closure, entry, fields, problems) else None


def _applies(closure: Closure, entry: Value, fields: dict[str, Value], problems: Problems) -> bool:
    objection = objection_to(closure)
    if objection is None:
        return True
    key = KEY_OF_PART[objection.part]
    fields.get(key, entry).refuse(problems, objection.problem, REMEDIES[key])
    return False


def _read_date(value: Value, problems: Problems) -> date | None:
    with suppress(ValueError):
        if DATE.fullmatch(value.scalar):
            return date.fromisoformat(value.scalar)
    value.refuse(problems, f"{quoted(value.scalar)} is no date", "write it as 2026-12-24")
    return None


def _read_time(value: Value | None, problems: Problems) -> time | None:
    if value is None or value.kind == "null":
        return None
    with suppress(ValueError):
        if TIME.fullmatch(value.scalar):
            return time.fromisoformat(value.scalar)
    value.refuse(problems, f"{quoted(value.scalar)} is no time", "write it as 13:00, in New York")
    return None
