"""Deviations from the status contract, and the answers in which they are found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar, cast

import orjson

from mission_control.contract.model.answer import Answer, Status
from mission_control.contract.model.shapes import clean_text
from mission_control.model.fleet import Kind
from mission_control.model.reading import Seen


class Gravity(StrEnum):
    """Whether a deviation breaks the contract, or works and should still be put right."""

    VIOLATION = "violation"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Deviation:
    """
    One place where an answer is not what the contract says.

    `path` is the endpoint and `field` the place in its answer (`status.state`), empty for the
    answer as a whole. `rule` cites the contract, `problem` says what is wrong, `found` is what
    was there (redacted, short, empty when nothing can be shown) and `remedy` what to do.
    `sev0` marks evidence of possible live execution.
    """

    gravity: Gravity
    path: str
    field: str
    rule: str
    problem: str
    remedy: str
    found: str = ""
    sev0: bool = False

    @property
    def order(self) -> tuple[bool, bool, str, str, str, str]:
        """Sort key: Sev-0 evidence, then violations, then by place and rule."""
        advice = self.gravity is Gravity.ADVICE
        return (not self.sev0, advice, self.path, self.field, self.rule, self.problem)


@dataclass(frozen=True, slots=True)
class EndpointOutcome:
    """
    What one endpoint brought: a shape (`rich`) or the reason it was not seen (`TIMEOUT`).

    `took` is in seconds; `excerpt` is at most 200 redacted characters of an answer that was
    not understood.
    """

    path: str
    seen: bool
    outcome: str
    http_status: int | None
    took: float
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """Whether a service keeps the contract at one instant `at`, and each way it does not."""

    at: datetime
    conforms: bool
    endpoints: tuple[EndpointOutcome, ...]
    deviations: tuple[Deviation, ...]

    @property
    def violations(self) -> tuple[Deviation, ...]:
        """Return the deviations that break the contract."""
        return tuple(d for d in self.deviations if d.gravity is Gravity.VIOLATION)

    @property
    def advice(self) -> tuple[Deviation, ...]:
        """Return the deviations that work and should still be put right."""
        return tuple(d for d in self.deviations if d.gravity is Gravity.ADVICE)


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
