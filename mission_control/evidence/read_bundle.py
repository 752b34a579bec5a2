"""Reads a bundle: what it says of itself, and each judged change with its inputs."""

import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, cast

import orjson

from mission_control.errors import ContractViolation, StorageError
from mission_control.evidence.model import (
    CHANGE_FORMAT,
    FORMAT,
    BundleAbout,
    ChangeLine,
    RecordedChange,
)
from mission_control.history.codec import read_evidence, read_fleet, read_latched
from mission_control.history.model import PastDecision
from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.model.fleet import Fleet
from mission_control.records.model import LedgerHead

ABOUT, CONFIGURATION = "data/bundle.json", "data/configuration.json"
CHANGES, FLEETS = "data/posture/changes.json", "data/posture/fleets"
MOST_BYTES = 1024**3
"""Bytes of one document of a bundle that are read at most."""
_ODD = (
    zipfile.BadZipFile, OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError,
    ContractViolation,
)  # fmt: skip
"""What files that are no bundle of ours raise; an encrypted entry is a RuntimeError."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    A bundle that is open. It reads what is there; whether that is unaltered `verify` says.

    Raises StorageError for what cannot be understood.
    """

    about: BundleAbout
    closures: tuple[Closure, ...]
    lines: tuple[ChangeLine, ...]
    _zip: zipfile.ZipFile
    _folder: str
    _fleets: dict[str, Fleet]

    def changes(self) -> Iterator[RecordedChange]:
        """Return every judged change, oldest first, one at a time."""
        for line in self.lines:
            with _understood(line.path):
                change = self._change(line)
            yield change

    def _change(self, line: ChangeLine) -> RecordedChange:
        document = self.document(line.path)
        if document["format"] != CHANGE_FORMAT:
            raise ValueError("it is of another format")
        again = document["decided_again"]
        return RecordedChange(
            line.path,
            int(document["number"]),
            str(document["why"]),
            document["decision_version"],
            PastDecision(
                datetime.fromisoformat(document["at"]),
                int(document["sequence"]),
                read_evidence(document["inputs"], self._fleet(document["fleet_digest"])),
                read_latched(orjson.dumps(document["latched"])),
                str(document["result"]),
            ),
            again["equal"] is True,
            again["posture"],
        )

    def _fleet(self, digest: str) -> Fleet:
        if digest not in self._fleets:
            self._fleets[digest] = read_fleet(self.content(f"{FLEETS}/{digest}.json"))
        return self._fleets[digest]

    def document(self, path: str) -> Any:  # noqa: ANN401  (a JSON document)
        """Return a JSON document of the bundle."""
        return orjson.loads(self.content(path))

    def content(self, path: str) -> bytes:
        """Return the bytes of a file of the bundle, by its path within the bag."""
        return _content(self._zip, f"{self._folder}/{path}")


@contextmanager
def open_bundle(path: Path) -> Generator[Bundle]:
    """Open a bundle for the time of the block; raises StorageError for what is none."""
    with _understood(str(path)):
        opened = zipfile.ZipFile(path)
    with opened:
        with _understood(str(path)):
            bundle = _read(opened)
        yield bundle


def _read(opened: zipfile.ZipFile) -> Bundle:
    folder = opened.namelist()[0].partition("/")[0]

    def document(path: str) -> Any:  # noqa: ANN401  (a JSON document)
        return orjson.loads(_content(opened, f"{folder}/{path}"))

    about = _about(document(ABOUT))
    closures = tuple(map(_closure, document(CONFIGURATION)["closures"]))
    lines = tuple(map(_line, document(CHANGES)["changes"]))
    return Bundle(about, closures, lines, opened, folder, {})


def _about(told: Document) -> BundleAbout:
    if told["format"] != FORMAT:
        raise ValueError(f"its format is {str(told['format'])[:60]!r}, and {FORMAT} is read")
    head = told["ledger_head"]
    return BundleAbout(
        told["format"],
        datetime.fromisoformat(told["from"]),
        datetime.fromisoformat(told["to"]),
        str(told["incident"]),
        str(told["decision_version"]),
        None if head is None else LedgerHead(int(head["seq"]), str(head["hash"])),
        told,
    )


def _line(told: Document) -> ChangeLine:
    return ChangeLine(
        int(told["number"]),
        str(told["path"]),
        datetime.fromisoformat(told["at"]),
        int(told["sequence"]),
        str(told["why"]),
        told["decision_version"],
        str(told["result"]),
        told["equal"] is True,
        str(told["posture"]),
        told["severity"],
        tuple(told["codes"]),
    )


def _closure(told: Document) -> Closure:
    close = told["close"]
    return Closure(
        date.fromisoformat(told["on"]),
        ClosureKind(told["kind"]),
        None if close is None else time.fromisoformat(close),
        str(told["source"]),
        date.fromisoformat(told["announced"]),
        str(told["entered_by"]),
    )


def _content(opened: zipfile.ZipFile, name: str) -> bytes:
    info = opened.getinfo(name)
    if info.file_size > MOST_BYTES or info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is too large, or deflated")
    return opened.read(info)


@contextmanager
def _understood(path: str) -> Generator[None]:
    """Turn what a file that is no bundle raises into a StorageError that names it."""
    try:
        yield
    except _ODD as error:
        problem = f"it cannot be read as a bundle of evidence: {_said(error)}"
        remedy = "`mission-control evidence verify` says what is not as it was exported"
        raise StorageError(problem, path=path, remedy=remedy) from error


def _said(error: BaseException) -> str:
    return " ".join((str(cast("object", error.args[0])) if error.args else "").split())[:200] or (
        type(error).__name__
    )
