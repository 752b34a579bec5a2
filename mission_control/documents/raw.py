"""Parts of JSON documents whose shape is not known: of another type than wanted they are empty."""

from collections.abc import Mapping, Sequence
from typing import Any, cast


def mapping(value: object, *path: str) -> Mapping[str, Any]:
    """Return the object at a path within a value, or an empty one."""
    for key in path:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def elements(value: object) -> Sequence[object]:
    """Return the elements of a list, or none."""
    return cast("list[object]", value) if isinstance(value, list) else ()


def mappings(value: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects in a list, without anything else in it."""
    return [cast("Mapping[str, Any]", v) for v in elements(value) if isinstance(v, Mapping)]


def text(value: object) -> str:
    """Return a text as it is, or an empty one."""
    return value if isinstance(value, str) else ""
