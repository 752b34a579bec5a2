"""Decide: what to send in a field, told by the contract's own descriptions."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mission_control.model.status_contract.answer import STATUS_PATH
from mission_control.model.status_contract.fields import models_in
from mission_control.model.status_contract.rich import RichStatus
from mission_control.model.status_contract.smaller_shapes import (
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
)

_ON_STATUS: tuple[tuple[type[BaseModel], str], ...] = (
    (RichStatus, "a.1"),
    (MinimalStatus, "a.5"),
    (LegacyTick, "a.5"),
)
_ELSEWHERE: tuple[tuple[type[BaseModel], str], ...] = (
    (HealthFreshness, "b.2"),
    (LegacyTick, "a.5"),
    (Liveness, "b.2"),
    (MinimalStatus, "a.5"),
)


def section_of(path: str, field: str) -> str:
    """Name the section of the contract that a field of an endpoint's answer belongs to."""
    return _home_of(path, field)[1]


def remedy_for(path: str, field: str) -> str:
    """Say what belongs in a field, in the words of the contract's own description of it."""
    model, _ = _home_of(path, field)
    told = [info.description for info in _walk(model, field.split(".")) if info.description]
    if not told:
        return "Send what the contract's JSON Schema describes."
    return f"Send it as the contract describes it: {told[-1]}"


def _home_of(path: str, field: str) -> tuple[type[BaseModel], str]:
    homes = _ON_STATUS if path == STATUS_PATH else _ELSEWHERE
    top = field.split(".", maxsplit=1)[0]
    return next((home for home in homes if top in home[0].model_fields), homes[0])


def _walk(model: type[BaseModel], parts: list[str]) -> Iterator[FieldInfo]:
    """Give the fields that a path leads through, from the outermost to the innermost."""
    for part in parts:
        info = model.model_fields.get(part)
        if info is None:
            return
        yield info
        inner = models_in(info.annotation)
        if not inner:
            return
        model = inner[0]
