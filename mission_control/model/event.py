"""What happened on the floor, in the order it was noticed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mission_control.model.finding import Severity


class EventType(StrEnum):
    """The kinds of event; `POLL` keeps the predecessor's name."""

    POLL = "mission_control.poll"
    STALLED = "mission_control.stalled"
    """We ourselves decided nothing for a while, which is over: `begin`, `end`, `seconds`."""
    WATCHING_BEGAN = "watching.began"
    """We began to watch, and asked everything once: `services`, `unexpected`, `kill_switch`."""
    POSTURE_CHANGED = "posture.changed"
    SERVICE_CHANGED = "agent.changed"
    SERVICE_ADDRESS = "agent.address"
    """A service answers from an address that it did not answer from before."""
    SESSION_CHANGED = "session.changed"
    KILL_SWITCH_CHANGED = "kill_switch.changed"
    ALARM_OPENED = "accusation.opened"
    ALARM_ENDED = "accusation.ended"
    FILES_RELOADED = "files.reloaded"
    """Files that changed are in force now; `data` has the SHA-256 of before and after."""
    RELOAD_FAILED = "files.reload_failed"
    """Files changed and cannot be used; what was read before stays."""
    FLEET_FILE_CHANGED = "fleet_file.changed"
    """The fleet file is not, or is again, what we started with: `before`, `after`, `restart`."""


@dataclass(frozen=True, slots=True)
class FloorEvent:
    """
    One event. `identity` grows by one per event and is what a stream resumes from.

    `data` is a flat, JSON-ready mapping of what changed (`before`, `after`, ...).
    """

    identity: int
    at: datetime
    type: EventType
    message: str
    severity: Severity = Severity.INFO
    agent_name: str | None = None
    data: Mapping[str, object] = field(default_factory=dict[str, object])
