"""The kill switch as its sources say it is (docs/semantics.md#4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

KILL_SWITCH_MAP, KILL_SWITCH_KEY = "agenttrader-kill-switch", "EXECUTION_HALTED"
"""The ConfigMap that holds the switch, and its key (docs/status_contract.md)."""
SAFETY_MAP = "agenttrader-safety"
"""The fleet's second ConfigMap of safety settings."""


class KillSwitchState(StrEnum):
    """Three values; UNKNOWN is never read as either of the others."""

    ENGAGED = "ENGAGED"
    DISENGAGED = "DISENGAGED"
    UNKNOWN = "UNKNOWN"


class SourceKind(StrEnum):
    """Where a source is: the ConfigMap is read through the API, the file where we run."""

    CONFIG_MAP = "config_map"
    FILE = "file"
    ENVIRONMENT = "environment"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class SwitchSource:
    """
    One source: `source` is its path, variable or service name; `at` when it was read.

    `value` is what a configured one holds, trimmed; empty where it was not read. One that
    `confirms` can confirm the switch's state alone; any other contradicts at most.
    """

    kind: SourceKind
    source: str
    state: KillSwitchState
    at: datetime
    detail: str = ""
    value: str = ""
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """
    The verdict over all sources.

    `confirmed` means: a confirming source was seen to say `state` within its maximum age, and no
    other contradicts it. `conflicting` means that sources contradict each other. `normal` is the
    state in which this fleet runs.
    """

    state: KillSwitchState
    confirmed: bool
    conflicting: bool
    sources: tuple[SwitchSource, ...]
    detail: str = ""
    normal: KillSwitchState = KillSwitchState.ENGAGED

    @property
    def confirmed_engaged(self) -> bool:
        """Return whether execution is known to be halted."""
        return self.confirmed and self.state is KillSwitchState.ENGAGED

    @property
    def as_normal(self) -> bool:
        """Return whether the switch is known to be as this fleet runs."""
        return self.confirmed and self.state is self.normal


TRUTHY = frozenset({"1", "true", "yes", "on"})
FALSY = frozenset({"0", "false", "no", "off"})


class SwitchText(StrEnum):
    """What a switch's text means; anything that is not exact is UNCLEAR, never a default."""

    TRUTHY = "truthy"
    FALSY = "falsy"
    UNCLEAR = "unclear"


def read_switch_text(text: str) -> SwitchText:
    """
    Read a switch: first line only, trimmed of spaces and tabs, case folded, exact words only.

    A byte-order mark, an empty first line, `HALTED`, `2` or `y` are UNCLEAR: the fleet reads
    each of them as "not halted", which is the very mistake this project exists to prevent.
    """
    first_line = text.split("\n", 1)[0]
    word = first_line.strip(" \t\r").casefold()
    if word in TRUTHY:
        return SwitchText.TRUTHY
    if word in FALSY:
        return SwitchText.FALSY
    return SwitchText.UNCLEAR
