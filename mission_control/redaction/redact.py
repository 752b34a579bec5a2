"""Redaction, before anything that others wrote is stored, logged, shown or exported."""

from collections.abc import Mapping, Sequence
from typing import cast

from mission_control.redaction.decide.names import NAMED, NAMING, refers
from mission_control.redaction.decide.secrecy import (
    MASK,
    is_secret_key,
    looks_harmless,
    redact_text,
    secret_words,
)

__all__ = [
    "MASK",
    "excerpt",
    "is_secret_key",
    "looks_harmless",
    "printable",
    "redact_document",
    "redact_text",
]

MAX_EXCERPT = 200
_EXCERPT_SOURCE = 2_048
"""An excerpt is redacted in this much text before it is cut, so that no cut bares half a secret."""


def redact_document(value: object) -> object:
    """
    Return a copy of a JSON document without secrets: masked by key name and by form of value.

    The caller has capped the document's depth. What is no JSON is shown as its text.
    """
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode(errors="replace"))
    if isinstance(value, Mapping):
        return _redact_mapping(cast("Mapping[object, object]", value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _redact_list(cast("Sequence[object]", value))
    return redact_text(str(value))


def _redact_mapping(held: Mapping[object, object]) -> dict[str, object]:
    named = any(isinstance(name := held.get(key), str) and is_secret_key(name) for key in NAMING)
    return {
        redact_text(str(k)): _redact_value(
            str(k), v, told=named and k in NAMED and isinstance(v, str)
        )
        for k, v in held.items()
    }


def _redact_value(key: str, value: object, *, told: bool) -> object:
    """Mask what its name or its neighbour says to be secret; null and booleans are no secrets."""
    hides = value is not None and not isinstance(value, bool) and (told or is_secret_key(key))
    return MASK if hides and not refers(key, value) else redact_document(value)


def _redact_list(held: Sequence[object]) -> list[object]:
    """Mask what only the words before it say to be secret as a whole, and all else by itself."""
    secret = secret_words(held)
    shown = [redact_document(each) for each in held]
    return [MASK if n in secret and held[n] == each else each for n, each in enumerate(shown)]


def excerpt(body: bytes) -> str:
    """Return at most 200 redacted, printable characters of a body."""
    text = body[:_EXCERPT_SOURCE].decode("utf-8", errors="replace")
    if not looks_harmless(body[:_EXCERPT_SOURCE]):
        text = redact_text(text)
    return printable(text)[:MAX_EXCERPT]


def printable(text: str) -> str:
    """Replace what could act on a terminal or reorder a page: control and bidi characters."""
    flat = " ".join(text.split())
    if flat.isprintable():
        return flat
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in flat)
