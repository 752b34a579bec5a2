"""The JSON documents in a line: the whole of it, or from a brace on; nested texts as well."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from mission_control.replay.decide.marks import is_rest_of_event

DEEPEST = 64
"""Objects, lists and texts within each other, together."""
_MOST_TRIES = 200
"""Braces of a text that are tried as the beginning of a document."""
_DECODER = json.JSONDecoder(strict=False)

Document = Mapping[str, Any]


class TooDeepError(Exception):
    """A document is nested deeper than is read."""


@dataclass(slots=True)
class Within:
    """
    What was found within a line: documents with the text before each, and what could not be read.

    `broken` says that a text within looks like an event, or what is left of one, and is none.
    """

    broken: bool = False
    too_deep: bool = False
    found: list[tuple[object, str]] = field(default_factory=list[tuple[object, str]])


def read_line(line: bytes, within: Within) -> None:
    """Read a line as JSON, as a whole or in part."""
    try:
        document: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        read_text(line.decode(errors="replace"), within)
    else:
        read_value(document, within)


def read_value(document: object, within: Within) -> None:
    """Take a whole document; a text is read in turn, and anything else but a container ignored."""
    if isinstance(document, str):
        read_text(document, within)
    elif isinstance(document, dict | list):
        within.found.append((cast("object", document), ""))


def read_text(text: str, within: Within) -> None:
    """Read every document within a text; what only looks like one is noted."""
    before = len(within.found)
    if text.startswith("{"):
        with suppress(orjson.JSONDecodeError):
            within.found.append((orjson.loads(text), ""))
            return
    try:
        within.found += _embedded(text)
    except RecursionError:
        within.too_deep = True
    else:
        if len(within.found) == before and is_rest_of_event(text.encode(errors="replace")):
            within.broken = True


def _embedded(text: str) -> Iterator[tuple[object, str]]:
    at = told = 0
    for _ in range(_MOST_TRIES):
        at = text.find("{", at)
        if at < 0:
            return
        try:
            document, end = _DECODER.raw_decode(text, at)
        except ValueError:
            at += 1
            continue
        yield _whole(document, text), text[told:at]
        at = told = end


def _whole(document: object, text: str) -> object:
    """Return a document without halves of surrogate pairs, which no UTF-8 can hold."""
    if "\\ud" not in text and "\\uD" not in text:
        return document
    return json.loads(json.dumps(document, ensure_ascii=False).encode(errors="replace"))
