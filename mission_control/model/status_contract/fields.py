"""Status contract: the field types that all shapes share; strict, capped and cleaned."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

MAX_TEXT = 512
MAX_LIST = 64

RFC_3339 = r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"
"""An instant as RFC 3339 writes it: full date, `T`, seconds, and a `Z` or an offset."""

_SHAPELESS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing: the Hangul fillers, and the Braille pattern of no dots."""

_INSTANT = re.compile(RFC_3339.strip("^$"), re.ASCII)


def clean_text(text: str) -> str:
    """Replace what could act on a terminal or reorder a page: control and bidi characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def refuse_blank(text: str) -> str:
    """
    Give the text, where there is something in it to be seen.

    Raises ValueError where it is empty or all blanks, controls and characters without a shape.
    """
    for character in text:
        if character not in _SHAPELESS and unicodedata.category(character)[0] in "LNPS":
            return text
    raise ValueError("is blank")


def read_instant(value: object) -> datetime:
    """
    Read an RFC 3339 instant as UTC; numbers, naive times and looser spellings are refused.

    An aware `datetime` passes as well, so that answers can be built as well as read.

    Raises ValueError with a sentence that says what is wrong and never repeats the value.
    """
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such instant between the years 1 and 9999") from None
    raise ValueError("an instant is text such as 2026-03-06T15:00:07Z, with its Z or offset")


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(clean_text)]
Name = Annotated[
    str,
    StringConstraints(max_length=MAX_TEXT),
    AfterValidator(refuse_blank),
    AfterValidator(clean_text),
    WithJsonSchema({"type": "string", "maxLength": MAX_TEXT, "pattern": r"\S"}),
]
"""A text that says something: what a contract requires is never blank."""
Codes = Annotated[tuple[Text, ...], Field(max_length=MAX_LIST, strict=False)]
UtcInstant = Annotated[
    datetime,
    BeforeValidator(read_instant, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": RFC_3339}),
]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class ContractModel(BaseModel):
    """
    A contract shape: strict types, frozen, unknown keys ignored.

    Unknown keys are kept in the answer's redacted text for people and never reach a decision.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def is_field(model: type[BaseModel], place: tuple[str, ...]) -> bool:
    """Tell whether the keys that lead to a value are a shape's own, and not extra ones."""
    for key in place:
        info = model.model_fields.get(key)
        if info is None:
            return False
        model = next(iter(models_in(info.annotation)), BaseModel)
    return True


def models_in(annotation: object) -> list[type[BaseModel]]:
    """Give the shapes that a field may hold."""
    parts = (annotation, *get_args(annotation))
    return [p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)]
