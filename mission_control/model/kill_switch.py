"""Model: the kill switch as its witnesses tell it (semantics, section 4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

KILL_SWITCH_MAP, KILL_SWITCH_KEY = "agenttrader-kill-switch", "EXECUTION_HALTED"
"""The ConfigMap that holds the switch, and its key (status contract; facts, c)."""
SAFETY_MAP = "agenttrader-safety"
"""The fleet's second ConfigMap of safety settings."""


class KillSwitchState(StrEnum):
    """Three values; UNKNOWN is never read as either of the others."""

    ENGAGED = "ENGAGED"
    DISENGAGED = "DISENGAGED"
    UNKNOWN = "UNKNOWN"


class WitnessKind(StrEnum):
    """Where a witness stands; only the ConfigMap and its live mount can confirm."""

    CONFIG_MAP = "config_map"
    FILE = "file"
    ENVIRONMENT = "environment"
    SERVICE = "service"

    @property
    def confirms(self) -> bool:
        """Tell whether this kind of witness can confirm that the switch is engaged."""
        return self in {WitnessKind.CONFIG_MAP, WitnessKind.FILE}


@dataclass(frozen=True, slots=True)
class Witness:
    """
    One witness: `source` is its path, variable or service name; `at` when it was heard.

    `value` is what a configured one holds, trimmed; empty where it was not read.
    """

    kind: WitnessKind
    source: str
    state: KillSwitchState
    at: datetime
    detail: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """
    The verdict over all witnesses.

    `confirmed` means: a confirming witness was seen ENGAGED within its maximum age, and no
    witness says DISENGAGED. `conflicting` means that witnesses contradict each other.
    """

    state: KillSwitchState
    confirmed: bool
    conflicting: bool
    witnesses: tuple[Witness, ...]
    detail: str = ""
