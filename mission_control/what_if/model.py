"""What is changed in the evidence of a decision, and how two decisions differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mission_control.contract.model.claims import Place
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.model.finding import Reason

LABEL = "WHAT IF"
"""Stands on everything that is shown of a decision which was never made."""
MOST_TEXT = 512
"""Characters of a value that is said instead."""


class ImpossibleChange(ValueError):  # noqa: N818  (it says what the change is)
    """What was asked for cannot be changed; the message says why, and what can be."""


@dataclass(frozen=True, slots=True)
class ChangesAsked:
    """What is to be changed, as it was written: names, `AGENT.FIELD=VALUE`, the switch's text."""

    silence: Sequence[str] = ()
    say: Sequence[str] = ()
    switch: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A service answers nothing, and did not when it was asked once more."""

    agent_name: str


@dataclass(frozen=True, slots=True)
class Say:
    """A service says another value at a place of its answers."""

    agent_name: str
    place: Place
    value: object


@dataclass(frozen=True, slots=True)
class SwitchReads:
    """Every configured source of the kill switch reads so; services say what they said."""

    text: str


Change = Silence | Say | SwitchReads


@dataclass(frozen=True, slots=True)
class ServiceDifference:
    """One service that two decisions judge otherwise: state, and whether it is expected."""

    agent_name: str
    before: tuple[ServiceState, bool]
    after: tuple[ServiceState, bool]


@dataclass(frozen=True, slots=True)
class PostureDifference:
    """
    What is otherwise in the later of two postures.

    `came` and `went` are reasons by code and subject, worst first; `changed` those that both have
    and that say, halt or weigh otherwise.
    """

    verdicts: tuple[Verdict, Verdict]
    came: tuple[Reason, ...]
    went: tuple[Reason, ...]
    changed: tuple[tuple[Reason, Reason], ...]

    @property
    def nothing(self) -> bool:
        """Return whether nothing is otherwise."""
        same = self.verdicts[0] is self.verdicts[1]
        return same and not (self.came or self.went or self.changed)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A floor as it was decided, what was changed, and as it would be decided then."""

    at: datetime
    changes: tuple[Change, ...]
    before: FloorSnapshot
    after: FloorSnapshot
    difference: PostureDifference
    services: tuple[ServiceDifference, ...]
