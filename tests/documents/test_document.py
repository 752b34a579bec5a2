"""Documents derived from values: one form for every type, and an error for any other."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum
from typing import NamedTuple

import pytest
from pydantic import BaseModel

from mission_control.documents.document import document


class Colour(StrEnum):
    """An enumeration of texts."""

    RED = "red"


class Rank(Enum):
    """An enumeration of numbers."""

    FIRST = 1


class Pair(NamedTuple):
    """A named tuple."""

    left: str
    right: tuple[int, ...]


class Head(BaseModel):
    """A validated model."""

    seq: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A dataclass with a duration, an instant and what is not for showing."""

    age_seconds: float | None
    ratio: float
    at: datetime
    pair: Pair
    inner: str = "hidden"


AT = datetime(2026, 11, 18, 15, 15, 3, 250_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param(Colour.RED, "red", id="an enumeration is its value"),
        pytest.param(Rank.FIRST, 1, id="also of numbers"),
        pytest.param(AT, "2026-11-18T15:15:03.250Z", id="an instant is UTC text"),
        pytest.param(date(2026, 12, 24), "2026-12-24", id="a day"),
        pytest.param(timedelta(seconds=1.23456), 1.235, id="a duration is seconds"),
        pytest.param(frozenset({"b", "a"}), ["a", "b"], id="a set is sorted"),
        pytest.param({"k": (Colour.RED,)}, {"k": ["red"]}, id="a mapping, entry by entry"),
        pytest.param(Pair("l", (1, 2)), {"left": "l", "right": [1, 2]}, id="a named tuple"),
        pytest.param(Head(seq=3), {"seq": 3, "at": None}, id="a model"),
        pytest.param((Pair("l", ()),), [{"left": "l", "right": []}], id="a tuple is a list"),
    ],
)
def test_every_type_has_one_form(value, expected):
    """Each type of a value has one form in every document."""
    assert expected == document(value)


def test_a_dataclass_is_its_fields():
    """A dataclass becomes its fields by name, seconds to the millisecond, without what is left."""
    reading = Reading(1.23456, 1.23456, AT, Pair("l", ()))

    assert {
        "age_seconds": 1.235,
        "ratio": 1.23456,
        "at": "2026-11-18T15:15:03.250Z",
        "pair": {"left": "l", "right": []},
    } == document(reading, "inner")


def test_a_type_without_a_form_is_an_error():
    """What has no form is refused, so that nothing is shown by mistake."""
    with pytest.raises(TypeError, match="object has no form"):
        document({"k": object()})
