"""A floor of values with a twin, and what the twin says."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mission_control.floor.decide.twin import floor_digest
from mission_control.floor.model import FloorSnapshot
from mission_control.model.fleet import Agent, Criticality, Kind
from tests.floor.floor_of_values import FLEET, NOW, FloorOfValues, rich, stamp

TWIN = Agent(
    "mc-b", Kind.OPS, "http://mc-b", Criticality.OPTIONAL, gating_interval_seconds=2.0, twin=True
)
WATCHED_BY_TWO = replace(
    FLEET, agents=tuple(sorted((*FLEET.agents, TWIN), key=lambda a: a.agent_name))
)
RECORD = "5f0c5f0c5f0c5f0c"
EXECUTION = {
    "code": "EXECUTION_EVIDENCE",
    "subject": "strategy-engine",
    "detail": "strategy-engine /ops/status: says agent_mode EXECUTE",
}


def line(number: int, digit: str = "a") -> dict[str, object]:
    """Return a line of a ledger."""
    return {"number": number, "digest": digit * 64}


def word(at: datetime, **said: object) -> dict[str, Any]:
    """Return what the twin answers at an instant, where it sees what we see: a calm floor."""
    document: dict[str, Any] = rich(TWIN, at)
    document["status"] = {
        "state": "OK",
        "summary": "Healthy",
        "reason_codes": [],
        "last_updated_utc": stamp(at),
    }
    document["mission_control"] = {
        "version": 1,
        "replica": "mc-b",
        "floor": "trading-floor",
        "floor_digest": floor_digest(WATCHED_BY_TWO),
        "started_utc": stamp(NOW - timedelta(hours=1)),
        "posture": "OK",
        "leading_code": "",
        "remembers": True,
        "alarms": [],
        "alerts": [],
        "record_id": RECORD,
        "ledger": [line(7), line(6, "9")],
        **said,
    }
    return document


class TwoOnAFloor(FloorOfValues):
    """A healthy floor, watched by us and by a twin that says what a test gives it."""

    def __init__(self) -> None:
        """Begin with a twin that agrees."""
        super().__init__(fleet=WATCHED_BY_TWO)
        self.hear()

    def decide(self, at: datetime | None = None) -> Any:
        """Decide the floor, and keep what is latched."""
        return super().decide(at)

    def hear(self, **said: object) -> None:
        """Let the twin say this now, beside that it is well."""
        self.answer(TWIN, "/ops/status", word(self.now, **said))

    def later(self, seconds: float, **said: object) -> Any:
        """Ask everyone again so many seconds later, and decide."""
        self.refresh(self.now + timedelta(seconds=seconds))
        self.hear(**said)
        return self.decide()

    def silent(self, seconds: float = 2.0) -> Any:
        """Ask everyone again, and hear nothing of the twin."""
        self.refresh(self.now + timedelta(seconds=seconds))
        return self.decide()


def about(snapshot: FloorSnapshot, code: str) -> Any:
    """Return the posture's reason with a code; None where there is none."""
    return next((r for r in snapshot.posture.reasons if r.code == code), None)
