"""Model: what history holds: decisions with their inputs, changes of services, watched minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mission_control.model.snapshot import FloorEvidence
from mission_control.model.standing import Standing
from mission_control.model.status_contract.rich import ServiceState


@dataclass(frozen=True, slots=True)
class PastDecision:
    """
    A decision as it was made at `at`: its inputs, and the digest of what it said then.

    `result` is the SHA-256 in hex of what was decided (`present.decision_result`), so that a
    decision made again from the same inputs can be compared with it.
    """

    at: datetime
    sequence: int
    evidence: FloorEvidence
    standing: Standing
    result: str


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """From `at` on a service was like this."""

    at: datetime
    agent_name: str
    state: ServiceState
    expected: bool
    reason_code: str


@dataclass(frozen=True, slots=True)
class WatchedMinute:
    """A minute (its beginning, UTC) in which services were asked: asked and obtained, by name."""

    minute: datetime
    counts: Mapping[str, tuple[int, int]]
