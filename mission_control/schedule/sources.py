"""What the day's runs read and write, whether a server watches or a command looks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mission_control.floor.model import FloorSnapshot
from mission_control.history.past_floor import PastFloor
from mission_control.model.reading import Unseen
from mission_control.readiness import run as readiness
from mission_control.readiness.model import PollCoverage
from mission_control.records.artifact_store import RunWriter
from mission_control.repository.model import Repository

Look = Callable[[], Awaitable[tuple[FloorSnapshot, PollCoverage | Unseen]]]


@dataclass(frozen=True, slots=True)
class FloorLook:
    """What a look at the floor brought: the snapshot, poll coverage, and the repository before."""

    snapshot: FloorSnapshot
    coverage: PollCoverage | Unseen
    repository: Repository | Unseen | None


@dataclass(frozen=True, slots=True)
class DaySources:
    """
    What the day's runs read and write: how the floor is looked at, what readiness reads, the past.

    `past` is None where no history is kept. `redact` masks secrets in a text.
    """

    look: Look
    readiness: readiness.ReadinessSources
    writer: RunWriter
    redact: Callable[[str], str]
    past: PastFloor | None = None

    async def see(self, *, skip_preflight: bool = False) -> FloorLook:
        """Look at the floor; the repository is read first, for its own checks take their time."""
        read = await readiness.read_repository(self.readiness, skip_preflight=skip_preflight)
        snapshot, coverage = await self.look()
        return FloorLook(snapshot, coverage, read)
