"""An answer that says what the answer before it said, apart from its clocks."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, cast

from mission_control.contract.model.answer import Answer, Shape, Status
from mission_control.contract.model.claims import Place
from mission_control.contract.model.shapes import ContractModel, RichStatus, read_instant

LONGEST_CLOCK = 40
"""Bytes of a clock's text: `"2026-03-06T15:00:07.123456+00:00"`, or a number."""
_TEXTS_REMEMBERED = 4_096
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_INSTANT = re.compile(rb'"[0-9TtZz:.+-]+"')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@lru_cache(_TEXTS_REMEMBERED)
def _instant(text: bytes) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError("no instant")
    return read_instant(text[1:-1].decode())


@lru_cache(_TEXTS_REMEMBERED)
def _instant_or_null(text: bytes) -> datetime | None:
    return None if text == b"null" else _instant(text)


@lru_cache(_TEXTS_REMEMBERED)
def _number_or_null(text: bytes) -> float | None:
    if text == b"null":
        return None
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        raise ValueError("no finite number")
    return number


@lru_cache(_TEXTS_REMEMBERED)
def _seconds_or_null(text: bytes) -> float | None:
    number = _number_or_null(text)
    if number is not None and number < 0:
        raise ValueError("negative seconds")
    return number


@lru_cache(_TEXTS_REMEMBERED)
def _seconds(text: bytes) -> float:
    number = _seconds_or_null(text)
    if number is None:
        raise ValueError("null")
    return number


_Read = Callable[[bytes], datetime | float | None]
_CLOCKS: Mapping[Shape, Mapping[Place, _Read]] = {
    Shape.RICH: {
        ("status", "last_updated_utc"): _instant,
        ("heartbeat", "last_heartbeat_utc"): _instant_or_null,
        ("heartbeat", "age_seconds"): _seconds_or_null,
        ("marketdata", "last_tick_utc"): _instant_or_null,
        ("marketdata", "last_bar_utc"): _instant_or_null,
    },
    Shape.MINIMAL: {
        ("uptime",): _seconds,
        ("last_heartbeat",): _instant_or_null,
        ("data_freshness_seconds",): _seconds_or_null,
    },
    Shape.HEALTH_FRESHNESS: {
        ("last_tick_epoch_seconds",): _number_or_null,
        ("age_seconds",): _number_or_null,
    },
    Shape.LEGACY_TICK: {
        ("last_tick_epoch_seconds",): _number_or_null,
        ("last_tick_age_seconds",): _number_or_null,
    },
    Shape.LIVENESS: {},
}
"""The clocks of the shapes, and how each is read: what changes though nothing happened."""


class _Part(NamedTuple):
    """A part of a status that has clocks: its name, empty for the top, and (field, clock)s."""

    name: str
    fields: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class AnswerPattern:
    """
    The text of a valid answer with its clocks left open, and the answer that it was.

    `texts` are the pieces around the clocks, one more than there are clocks, and `forms` how each
    clock was written, whatever its digits.
    """

    answer: Answer
    texts: tuple[bytes, ...]
    forms: tuple[bytes, ...]
    reads: tuple[_Read, ...]
    parts: tuple[_Part, ...]

    def read(self, body: bytes) -> tuple[Answer, bool] | None:
        """
        Return the answer in a body that differs in its clocks alone; None for any other body.

        It is what reading the body in full gives: every clock is read and checked, and all the rest
        is the same bytes, so that it is as valid and claims the same. Returned as well is whether
        no more than digits differ.
        """
        texts = self.texts
        if not body.startswith(texts[0]) or not body.endswith(texts[-1]):
            return None
        values, at = list[datetime | float | None](), len(texts[0])
        alike = True
        try:
            for read, form, following in zip(self.reads, self.forms, texts[1:], strict=True):
                end = body.find(following, at, at + LONGEST_CLOCK + len(following))
                if end < 0:
                    return None
                clock = body[at:end]
                values.append(read(clock))
                alike = alike and clock.translate(_DIGITS) == form
                at = end + len(following)
        except ValueError:
            return None
        if at != len(body):
            return None
        was = self.answer
        return Answer(was.shape, was.http_status, self._at(values), was.claims, body), alike

    def _at(self, values: list[datetime | float | None]) -> Status:
        """Return the status with its clocks set, and every other part the very same."""
        status, changed = self.answer.status, dict[str, Any]()
        for name, fields in self.parts:
            told = {field: values[clock] for field, clock in fields}
            if name:
                changed[name] = _with_values(getattr(status, name), told)
            else:
                changed.update(told)
        return cast("Status", _with_values(status, changed))


_set = object.__setattr__


def _with_values(part: ContractModel, values: dict[str, Any]) -> ContractModel:
    """Copy a part as `model_copy` does, which takes four times as long for what it also can."""
    copied = part.__class__.__new__(part.__class__)
    _set(copied, "__dict__", part.__dict__ | values)
    _set(copied, "__pydantic_fields_set__", part.__pydantic_fields_set__)
    _set(copied, "__pydantic_extra__", None)
    _set(copied, "__pydantic_private__", None)
    return copied


def pattern_of(body: bytes, answer: Answer) -> AnswerPattern | None:
    """
    Return the pattern of a valid answer, read from this body.

    None where clocks cannot be told apart from the rest by their text: with a backslash in it a
    key may be written in other ways, and one that is there twice may be another's.
    """
    clocks = _CLOCKS.get(answer.shape)
    if clocks is None or b"\\" in body or answer.document != body:
        return None
    spans = list[tuple[int, int, Place, _Read]]()
    for place, read in clocks.items():
        keys = re.findall(rb'"%s"\s*:\s*' % place[-1].encode(), body)
        if not _has(answer.status, place) or len(keys) != 1:
            if keys:
                return None
            continue
        start = body.index(keys[0]) + len(keys[0])
        end = min(e for e in (body.find(b",", start), body.find(b"}", start)) if e >= 0)
        spans.append((start, start + len(body[start:end].rstrip()), place, read))
    spans.sort(key=lambda span: span[0])
    edges = [0, *(edge for start, end, *_ in spans for edge in (start, end)), len(body)]
    parts = dict[str, list[tuple[str, int]]]()
    for clock, (_, _, place, _) in enumerate(spans):
        parts.setdefault("".join(place[:-1]), []).append((place[-1], clock))
    return AnswerPattern(
        answer,
        tuple(body[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)),
        tuple(body[start:end].translate(_DIGITS) for start, end, *_ in spans),
        tuple(read for *_, read in spans),
        tuple(_Part(name, tuple(fields)) for name, fields in parts.items()),
    )


def _has(status: ContractModel, place: Place) -> bool:
    """Return whether an answer itself gave a value at a place."""
    part: object = status
    for name in place:
        if not isinstance(part, ContractModel) or name not in part.model_fields_set:
            return False
        part = getattr(part, name)
    return True


_UNCLOCKED: Mapping[str, Callable[[object], object]] = {
    "": attrgetter(
        "service_name",
        "service_kind",
        "repo_id",
        "git_sha",
        "build_id",
        "agent_identity",
        "safety",
        "endpoints",
        "mission_control",
    ),
    "status": attrgetter("state", "summary", "reason_codes"),
    "heartbeat": attrgetter("ttl_seconds"),
    "marketdata": attrgetter("stale_threshold_seconds", "is_fresh"),
    "floor_posture": attrgetter("posture", "expected", "severity", "code", "subject"),
}
"""What a rich status says apart from its clocks, of its top and of each part with clocks."""


def says_the_same(answer: Answer, other: Answer) -> bool:
    """Return whether two answers say the same apart from their clocks, also when they are null."""
    if (answer.shape, answer.http_status, answer.claims) != (
        other.shape,
        other.http_status,
        other.claims,
    ):
        return False
    one, two = answer.status, other.status
    if not isinstance(one, RichStatus) or not isinstance(two, RichStatus):
        return _without_clocks(answer) == _without_clocks(other)
    for name, said in _UNCLOCKED.items():
        part, same = (getattr(one, name), getattr(two, name)) if name else (one, two)
        if part is same:
            continue
        if part is None or same is None or said(part) != said(same):
            return False
    return True


def _without_clocks(answer: Answer) -> dict[str, object]:
    clocks = {place[-1] for place in _CLOCKS.get(answer.shape, {})}
    return {name: said for name, said in answer.status.__dict__.items() if name not in clocks}
