"""API: what the server tells of itself, and what it hands to every resource."""

from dataclasses import dataclass, field
from datetime import datetime

from mission_control.api.snapshot_cache import SnapshotCache
from mission_control.jobs.artifact_ports import ArtifactsReader
from mission_control.jobs.day_ports import DayReader
from mission_control.jobs.past_floor import PastFloor
from mission_control.jobs.ports import (
    AttestationReader,
    CalendarReader,
    Clock,
    FloorReader,
    RunbookReader,
)
from mission_control.present.own_status import OwnProcess


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """
    Settings of the API, fixed at start.

    `allowed_hosts` are names as in a `Host` header without its port. `label` is `DEMO` for a
    simulated floor and marks every answer; empty otherwise.
    """

    version: str
    git_sha: str | None
    started_at: datetime
    label: str = ""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    poll_interval_seconds: float = 10.0
    max_streams: int = 256


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Everything that a resource may read; nothing of it can write."""

    floor: FloorReader
    calendar: CalendarReader
    runbooks: RunbookReader
    attestation: AttestationReader
    artifacts: ArtifactsReader
    past: PastFloor | None
    day: DayReader
    clock: Clock
    options: ApiOptions
    cache: SnapshotCache = field(default_factory=SnapshotCache)

    def own_process(self) -> OwnProcess:
        """Say how we ourselves are at this moment."""
        beat = self.floor.beat()
        return OwnProcess(
            now=self.clock(),
            stalled=beat.stalled,
            scheduler_stalled=bool(self.day.stalled()),
            beat_age_seconds=beat.seconds_since_beat,
            started_at=self.options.started_at,
            version=self.options.version,
            git_sha=self.options.git_sha,
            poll_interval_seconds=self.options.poll_interval_seconds,
        )
