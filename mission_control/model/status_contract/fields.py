"""Status contract: the field types that all shapes share; strict, capped and cleaned."""

import re
from datetime import UTC, datetime
from typing import Annotated

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

_INSTANT = re.compile(RFC_3339.strip("^$"), re.ASCII)


def clean_text(text: str) -> str:
    """Replace what could act on a terminal or reorder a page: control and bidi characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


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
Name = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(clean_text)]
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
