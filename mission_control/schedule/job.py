"""What a job reads and writes, whether a server watches, a command looks, or the demo runs it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mission_control.alerts.store import AlertStore
from mission_control.floor.model import FloorSnapshot
from mission_control.history.past_floor import PastFloor
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.clock import Clock
from mission_control.model.reading import Unseen
from mission_control.readiness.model import PollCoverage
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import RunWriter
from mission_control.records.root_check import StoreCheck
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.repository.read import RepositoryReader
from mission_control.schedule.claims import RunClaims

if TYPE_CHECKING:
    from mission_control.brief.run import BriefSources
    from mission_control.cluster.read.objects import ObjectReader

READING_SECONDS = 15.0
"""All that a job reads of the cluster beyond a round takes no longer than this."""

Look = Callable[[], Awaitable[tuple[FloorSnapshot, PollCoverage | Unseen]]]


@dataclass(frozen=True, slots=True)
class JobParts:
    """
    What the jobs over the floor read and write.

    `look` looks at the floor, and says how it was watched lately. `store` tries whether anything
    could be recorded. `further` reads of the cluster what a look does not show, and `repository`
    the fleet's repository: each is None where it is not configured. `past` and `alerts` are None
    where no history is kept. `brief` is what the brief is read from, None where none is made.
    """

    clock: Clock
    look: Look
    writer: RunWriter
    artifacts: ArtifactReader
    calendar: CalendarReader
    store: StoreCheck
    further: "ObjectReader | None" = None
    repository: RepositoryReader | None = None
    past: PastFloor | None = None
    alerts: AlertStore | None = None
    brief: "BriefSources | None" = None

    def reading_once(self, seconds: float | None = None) -> "JobParts":
        """
        Return the parts for one run: whatever its steps read of the cluster is read once.

        With `seconds` all of it ends within so many from now.
        """
        if self.further is None:
            return self
        once = self.further.once()
        return replace(self, further=once if seconds is None else once.within(seconds))


@dataclass(frozen=True, slots=True)
class RunSources:
    """
    What running a planned run leans on.

    `ground` describes session and fleet for a run that broke before it saw anything.
    """

    clock: Clock
    claims: RunClaims
    writer: RunWriter
    origin: RunOrigin
    ground: Callable[[datetime], Ground]
