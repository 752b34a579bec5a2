"""Status contract: an answer recognised as one of the shapes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from pydantic import ValidationError

from mission_control.errors import ContractViolation
from mission_control.model.status_contract.claims import NO_CLAIMS, Claims, read_claims
from mission_control.model.status_contract.fields import ContractModel
from mission_control.model.status_contract.rich import RichStatus
from mission_control.model.status_contract.smaller_shapes import (
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
    PlainAnswer,
)

Status = RichStatus | MinimalStatus | HealthFreshness | LegacyTick | Liveness | PlainAnswer


class Shape(StrEnum):
    """The shapes understood (semantics, section 2)."""

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

_RICH_MARKS = frozenset({"service_kind", "agent_identity", "safety", "heartbeat", "marketdata"})
_MINIMAL_MARKS = frozenset({"uptime", "data_freshness_seconds", "build_sha"})


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


def recognise_shape(document: object, *, path: str) -> Shape:
    """
    Say which shape a JSON document is trying to be, by the keys that only this shape has.

    On `/ops/status` a document with none of the marks is taken for a broken rich contract.

    Raises ContractViolation when the document is no JSON object or resembles nothing we know.
    """
    if not isinstance(document, dict):
        raise ContractViolation("the answer is not a JSON object")
    keys = frozenset(cast("Mapping[str, object]", document))
    tests: tuple[tuple[Shape, Callable[[], bool]], ...] = (
        (Shape.LEGACY_TICK, lambda: "ok" in keys and "last_tick_age_seconds" in keys),
        (Shape.HEALTH_FRESHNESS, lambda: "ok" in keys and path != "/ops/status"),
        (Shape.RICH, lambda: bool(keys & _RICH_MARKS) and path == "/ops/status"),
        (Shape.MINIMAL, lambda: bool(keys & _MINIMAL_MARKS)),
        (Shape.RICH, lambda: path == "/ops/status"),
        (Shape.LIVENESS, lambda: "status" in keys),
    )
    for shape, matches in tests:
        if matches():
            return shape
    raise ContractViolation("the answer has none of the keys of any known shape")


def read_answer(
    body: bytes, document: object, *, path: str, http_status: int, shown: bytes
) -> Answer:
    """
    Validate an answer strictly against the shape it resembles.

    `body` is the JSON text as received and `document` the same parsed; the caller has capped
    both. `shown` is its redacted JSON text.

    Raises ContractViolation that names each offending field.
    """
    shape = recognise_shape(document, path=path)
    try:
        status = cast("Status", SHAPE_MODELS[shape].model_validate_json(body))
    except ValidationError as error:
        raise ContractViolation(_explain(shape, error)) from None
    return Answer(shape, http_status, status, read_claims(document), shown)


def _explain(shape: Shape, error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    named = [f"{'.'.join(str(p) for p in e['loc']) or '(top)'}: {e['msg']}" for e in problems[:5]]
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""  # noqa: PLR2004
    return f"not a valid {shape.value} answer: " + "; ".join(named) + more
