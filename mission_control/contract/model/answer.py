"""An answer recognised as one of the shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mission_control.contract.model.claims import (
    CLAIM_PLACES,
    NO_CLAIMS,
    Claims,
    Place,
    read_claims,
)
from mission_control.contract.model.shapes import (
    ContractModel,
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
    PlainAnswer,
    RichStatus,
    is_field,
)
from mission_control.errors import ContractViolation

Status = RichStatus | MinimalStatus | HealthFreshness | LegacyTick | Liveness | PlainAnswer


class Shape(StrEnum):
    """The shapes understood (docs/semantics.md#2)."""

    RICH = "rich"
    MINIMAL = "minimal"
    HEALTH_FRESHNESS = "health_freshness"
    LEGACY_TICK = "legacy_tick"
    LIVENESS = "liveness"
    PLAIN = "plain"


SHAPE_MODELS: Mapping[Shape, type[ContractModel]] = {
    Shape.RICH: RichStatus,
    Shape.MINIMAL: MinimalStatus,
    Shape.HEALTH_FRESHNESS: HealthFreshness,
    Shape.LEGACY_TICK: LegacyTick,
    Shape.LIVENESS: Liveness,
    Shape.PLAIN: PlainAnswer,
}

STATUS_PATH = "/ops/status"

_RICH_MARKS = frozenset({"service_kind", "agent_identity", "safety", "heartbeat", "marketdata"})
_MINIMAL_MARKS = frozenset({"uptime", "data_freshness_seconds", "build_sha"})
_LEGACY_KEYS = frozenset({"ok", "last_tick_age_seconds"})

MAX_PROBLEMS = 32
"""Broken fields that are named one by one; a hostile answer has no say in how many."""

SAID_TWICE = "is there more than once"
"""What is wrong with a key that an object has twice."""

_NAMED_IN_MESSAGE = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A recognised answer.

    `http_status` may be 503 for a freshness contract, whose refusal is an answer too.
    `document` is the redacted JSON document for people; no decision reads it.
    """

    shape: Shape
    http_status: int
    status: Status
    claims: Claims = NO_CLAIMS
    document: bytes = b"{}"

    @property
    def refused(self) -> bool:
        """Return whether its status is no success: whatever it says, the service is not alive."""
        return not is_success(self.http_status)


def is_success(http_status: int) -> bool:
    """Return whether an HTTP status is a 2xx, the only ones that say that something is well."""
    return 200 <= http_status < 300  # noqa: PLR2004


def recognise_shape(document: object, *, path: str) -> Shape:
    """
    Say which shape a JSON document is trying to be, by the keys that only this shape has.

    The two status contracts live on `/ops/status`; elsewhere their keys are only extra keys,
    unless the whole minimal contract is there. On `/ops/status` a document with none of the
    marks is taken for a broken rich contract.

    Raises ContractViolation when the document is no JSON object or resembles nothing we know.
    """
    if not isinstance(document, dict):
        raise ContractViolation("the answer is not a JSON object")
    keys = frozenset(cast("Mapping[str, object]", document))
    on_status = path == STATUS_PATH
    tests = (
        (Shape.RICH, on_status and bool(keys & _RICH_MARKS)),
        (Shape.LEGACY_TICK, keys >= _LEGACY_KEYS),
        (Shape.HEALTH_FRESHNESS, "ok" in keys and not on_status),
        (Shape.MINIMAL, keys >= set(MinimalStatus.model_fields)),
        (Shape.MINIMAL, on_status and bool(keys & _MINIMAL_MARKS)),
        (Shape.RICH, on_status),
        (Shape.LIVENESS, "status" in keys),
    )
    for shape, matches in tests:
        if matches:
            return shape
    raise ContractViolation("the answer has none of the keys of any known shape")


def read_answer(
    body: bytes,
    document: object,
    *,
    path: str,
    http_status: int,
    shown: bytes,
    claims: Claims | None = None,
    doubled: Sequence[Place] = (),
) -> Answer:
    """
    Validate an answer strictly against the shape it resembles.

    `body` is the JSON text as received and `document` the same parsed; the caller has capped
    both. `shown` is its redacted JSON text; `claims` are the document's, where already read, and
    `doubled` the places that it holds twice: which of two values is meant is not known, so that a
    field of the contract said twice breaks it, and so does a claim.

    Raises ContractViolation that names each offending field and never repeats its value.
    """
    shape = recognise_shape(document, path=path)
    model = SHAPE_MODELS[shape]
    twice = [p for p in doubled if p in CLAIM_PLACES or is_field(model, p)] if doubled else ()
    if twice:
        problems = [(".".join(place), SAID_TWICE) for place in twice]
        raise _violation(shape, problems)
    try:
        status = cast("Status", model.model_validate_json(body))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False)
        problems = [(".".join(map(str, e["loc"])), _describe(e)) for e in errors]
        raise _violation(shape, problems) from None
    claimed = read_claims(document) if claims is None else claims
    return Answer(shape, http_status, status, claimed, shown)


def _violation(shape: Shape, problems: Sequence[tuple[str, str]]) -> ContractViolation:
    named = [f"{field or '(top)'}: {text}" for field, text in problems[:_NAMED_IN_MESSAGE]]
    unnamed = len(problems) - len(named)
    more = f"; and {unnamed} more" if unnamed else ""
    return ContractViolation(
        f"not a valid {shape.value} answer: " + "; ".join(named) + more,
        problems=tuple(problems[:MAX_PROBLEMS]),
    )


def _describe(error: ErrorDetails) -> str:
    """Say what is wrong with a field, naming the kind of value found but not the value."""
    match error["type"]:
        case "missing":
            return "is missing"
        case "json_invalid":
            return error["msg"]
        case _:
            message = error["msg"].removeprefix("Value error, ")
            return f"{message}; found {_kind_of(error['input'])}"


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return ("text" if value.strip() else "blanks") if value else "empty text"
        case int() | float():
            return "a number"
        case dict():
            return "an object"
        case _:
            return "a list"
