"""Values as JSON documents: one rule for every document, so that a value is declared once."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, cast

from pydantic import BaseModel

from mission_control.documents.instants import rounded, utc_text


def document(value: object, *without: str) -> Any:  # noqa: ANN401  (a JSON document)
    """
    Return a value as a document; of a dataclass, named tuple or model its fields, but `without`.

    Enumerations are their values, instants UTC text with milliseconds, durations and fields that
    end in `seconds` are seconds to the millisecond, sets are sorted. Raises TypeError for a type
    that has no form here: a document never holds what its author did not mean to show.
    """
    if names := _field_names(type(value)):
        return {name: _field(value, name) for name in names if name not in without}
    match value:
        case Mapping():
            entries = cast("Mapping[str, object]", value)
            return {key: document(entry) for key, entry in entries.items()}
        case AbstractSet():
            return [document(entry) for entry in sorted(cast("AbstractSet[str]", value))]
        case list() | tuple():
            return [document(entry) for entry in cast("Sequence[object]", value)]
        case _:
            return _scalar(value)


def _field(value: object, name: str) -> object:
    held = getattr(value, name)
    return rounded(held) if name.endswith("seconds") and type(held) is float else document(held)


def _scalar(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case datetime():
            return utc_text(value)
        case date():
            return value.isoformat()
        case timedelta():
            return rounded(value.total_seconds())
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} has no form in a document")


@cache
def _field_names(kind: type[object]) -> tuple[str, ...]:
    if is_dataclass(kind):
        return tuple(f.name for f in fields(kind))
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    return getattr(kind, "_fields", ())
