"""API: what the server tells of itself, and what it hands to every resource."""

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
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
    PublishedFloor,
    RunbookReader,
)
from mission_control.model.question import Answered, Unanswered
from mission_control.present.own_status import OwnProcess

AskQuestion = Callable[
    [str, bytes, tuple[tuple[bytes, bytes], ...]], Awaitable[Answered | Unanswered]
]
"""Path, query and headers of a GET, put to the process that answers readers."""


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """
    Settings of the API, fixed at start.

    `allowed_hosts` are names as in a `Host` header without its port. `label` is `DEMO` for a
    simulated floor and marks every answer; empty otherwise. `durable_copy` names where what was
    recorded is copied to, empty for nowhere. `safety` says in a line what the fleet file needs of
    it, and goes with every answer.
    """

    version: str
    git_sha: str | None
    started_at: datetime
    label: str = ""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    poll_interval_seconds: float = 10.0
    max_streams: int = 256
    durable_copy: str = ""
    safety: str = ""


@dataclass(frozen=True, slots=True)
class ReadingParts:
    """What is read to answer for the past, the record and the runbooks; nothing can write."""

    floor: PublishedFloor
    calendar: CalendarReader
    runbooks: RunbookReader
    artifacts: ArtifactsReader
    past: PastFloor | None
    clock: Clock
    options: ApiOptions
    cache: SnapshotCache = field(default_factory=SnapshotCache, kw_only=True)

    @property
    def renders(self) -> bool:
        """Tell whether a text may be rendered here."""
        return True


@dataclass(frozen=True, slots=True)
class ApiParts(ReadingParts):
    """
    Everything that a resource may read; nothing of it can write.

    `ask` puts a reader's question to the process that answers it; without one, as where an answer
    is made once for the command line, everything is answered here.
    """

    floor: FloorReader
    _: KW_ONLY
    attestation: AttestationReader
    day: DayReader
    ask: AskQuestion | None = None

    @property
    def renders(self) -> bool:
        """Tell whether a text may be rendered here: not where the floor is decided meanwhile."""
        return self.ask is None

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
