"""What is known of the floors that other Mission Controls watch."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.contract.model.shapes import FloorPosture
from mission_control.model.fleet import OtherFloor


class FloorState(StrEnum):
    """What a floor is shown as: its own posture, or UNKNOWN where that is not evidence."""

    OK = "OK"
    MARKET_CLOSED = "MARKET_CLOSED"
    HALTED = "HALTED"
    UNKNOWN = "UNKNOWN"


class WhyUnknown(StrEnum):
    """Why an answer says nothing of its floor, beside the reasons of a reading (R2.10)."""

    EXPIRED = "EXPIRED"
    """The newest answer is too old."""
    NOT_MISSION_CONTROL = "NOT_MISSION_CONTROL"
    """A valid answer of something else, or of a Mission Control that tells no posture."""
    FLOOR_LABELLED = "FLOOR_LABELLED"
    """A simulated floor, or one of the past, among real ones."""
    FLOOR_ASKED_TWICE = "FLOOR_ASKED_TWICE"
    """The same process answers as another of the listed floors."""
    CLOCK_SKEW = "CLOCK_SKEW"
    """Its posture was decided in our future, or it says so of what was before."""
    FLOOR_DECISION_OLD = "FLOOR_DECISION_OLD"
    """Its posture was not decided lately."""
    FLOOR_DEGRADED = "FLOOR_DEGRADED"
    """It says of itself that it does not work as it should: its posture is no verdict."""
    FLOOR_EVIDENCE_OLD = "FLOOR_EVIDENCE_OLD"
    """What its posture was decided from is too old, or of an unknown age."""
    CONTRADICTION = "CONTRADICTION"
    """Its posture and what it says beside it cannot both be so."""


@dataclass(frozen=True, slots=True)
class FloorReport:
    """
    One floor as it is shown.

    `since` (UTC) is since when its posture is so, as it says itself; of one that is UNKNOWN since
    when we do not know. `code` and `sentence` are its leading reason, or why it is UNKNOWN.
    `evidence_age_seconds` is that of its oldest evidence by our clock. `said` is its newest posture
    that was evidence, heard at `heard_at`; None where there was none since our start.
    """

    floor: OtherFloor
    state: FloorState
    expected: bool
    severity: str | None
    since: datetime
    code: str
    sentence: str
    evidence_age_seconds: float | None = None
    said: FloorPosture | None = None
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FloorsSeen:
    """All floors at one instant, the worst first; nothing of them is summed into one posture."""

    at: datetime
    reports: tuple[FloorReport, ...]
