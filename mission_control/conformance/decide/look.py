"""One answer as the rules of conformance look at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

import orjson

from mission_control.conformance.model import Deviation, Gravity
from mission_control.contract.model.answer import Answer, Status
from mission_control.contract.model.shapes import clean_text
from mission_control.model.fleet import Kind
from mission_control.model.reading import Seen

S = TypeVar("S", bound=Status)
S_co = TypeVar("S_co", bound=Status, covariant=True)

MAX_FOUND = 80
"""Characters shown of a value that was found."""


@dataclass(frozen=True, slots=True)
class Look(Generic[S_co]):
    """
    One seen answer: its status, when it was taken, and the redacted text that may be shown.

    `kind` is what the service is expected to be, else what it calls itself, else None.
    """

    path: str
    status: S_co
    http_status: int
    at: datetime
    shown: Mapping[str, object]
    kind: Kind | None = None

    def found(self, field: str) -> str:
        """Return the redacted value of a field, cut short; `absent` where there is none."""
        value: object = self.shown
        for part in field.split("."):
            if not isinstance(value, dict) or part not in value:
                return "absent"
            value = cast("Mapping[str, object]", value)[part]
        text = clean_text(orjson.dumps(value).decode())
        return text if len(text) <= MAX_FOUND else text[: MAX_FOUND - 1] + "…"

    def violation(self, field: str, rule: str, problem: str, remedy: str) -> Deviation:
        """Say that a field breaks the contract."""
        found = self.found(field) if field else ""
        return Deviation(Gravity.VIOLATION, self.path, field, rule, problem, remedy, found)

    def advice(self, field: str, rule: str, problem: str, remedy: str) -> Deviation:
        """Say that a field works and should still be put right."""
        found = self.found(field) if field else ""
        return Deviation(Gravity.ADVICE, self.path, field, rule, problem, remedy, found)


def look_at(path: str, reading: Seen[Answer], status: S, kind: Kind | None) -> Look[S]:
    """Look at a seen answer, whose `status` is the one in it, narrowed to its shape."""
    answer = reading.value
    return Look(path, status, answer.http_status, reading.at, _shown(answer.document), kind)


def _shown(document: bytes) -> Mapping[str, object]:
    try:
        shown: object = orjson.loads(document)
    except orjson.JSONDecodeError:
        return {}
    return cast("Mapping[str, object]", shown) if isinstance(shown, dict) else {}
