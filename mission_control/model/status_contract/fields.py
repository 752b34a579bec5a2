"""Status contract: the field types that all shapes share; strict, capped and cleaned."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_TEXT = 512
MAX_LIST = 64


def _clean(text: str) -> str:
    """Replace what could act on a terminal or reorder a page: control and bidi characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _as_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_clean)]
Name = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_clean)]
Codes = Annotated[tuple[Text, ...], Field(max_length=MAX_LIST, strict=False)]
UtcInstant = Annotated[AwareDatetime, AfterValidator(_as_utc)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ContractModel(BaseModel):
    """
    A contract shape: strict types, frozen, unknown keys ignored.

    Unknown keys are kept in the answer's redacted text for people and never reach a decision.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")
