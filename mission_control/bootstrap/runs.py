"""Jobs run once from the command line, with everything they read and write."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mission_control.bootstrap.connect import Edges, reading
from mission_control.bootstrap.record import require_record
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.floor import observe as floor_sources
from mission_control.floor.board import FloorBoard
from mission_control.floor.model import NOTHING_LATCHED, FloorSnapshot, Latched
from mission_control.floor.observe import Looking, observe_rounds
from mission_control.floor.ports import Clock
from mission_control.history.continuity import recall_latched
from mission_control.history.database import SQLITE_NAME, open_engine
from mission_control.history.past_floor import PastFloor
from mission_control.history.reader import HistoryReader
from mission_control.last_known_good.run import BuildFacts
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.reading import Seen, Unseen
from mission_control.readiness.model import PollCoverage
from mission_control.readiness.run import ReadinessSources
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.root_check import StoreCheck
from mission_control.redaction.redact import redact_text
from mission_control.repository.read import RepositoryReader
from mission_control.schedule.sources import DaySources

BUILD_VARIABLES = ("BUILD_ID", "CLOUD_BUILD_ID", "CLOUDBUILD_BUILD_ID", "GCB_BUILD_ID")
"""Where builders say which build this is (facts, g)."""
MOST_OF_A_BUILD, _BEYOND = 200, 2_048


@dataclass(frozen=True, slots=True)
class RunParts:
    """What a job from the command line works with: the floor, what else is read, the record."""

    edges: Edges
    sources: ReadinessSources
    writer: RunWriter
    past: PastFloor | None = None

    async def look(
        self, settings: Settings, looking: Looking
    ) -> tuple[FloorSnapshot, PollCoverage | Unseen]:
        """Look at the floor, starting from what stood when a server decided last."""
        latched, known = await recall(settings)
        return await observe_rounds(
            settings.fleet, self.edges.sources, looking, latched, alarms_known=known
        )

    def day_sources(self, settings: Settings, looking: Looking) -> DaySources:
        """Give what a bundle is made from, where no server watches."""
        look = partial(self.look, settings, looking)
        return DaySources(look, self.sources, self.writer, redact_text, self.past)


@asynccontextmanager
async def ready_to_run(settings: Settings, clock: Clock) -> AsyncGenerator[RunParts]:
    """Connect everything that jobs need, for the time of the block."""
    require_record(settings)
    store = ArtifactStore(settings.root)
    async with reading(settings, clock) as edges:
        await edges.find_cluster()
        path, lints = settings.repository, settings.fleet.repository_lints
        repository = RepositoryReader(path, clock, lints) if path else None
        sources = ReadinessSources(
            clock,
            StoreCheck(store, clock),
            edges.further,
            repository,
            ArtifactReader(settings.root, clock),
        )
        with _open_history(settings) as history:
            first = floor_sources.first_snapshot(settings.fleet, edges.sources, "")
            board = FloorBoard(first, clock, time.monotonic)
            past = PastFloor(history, None, edges.calendar, board) if history else None
            yield RunParts(edges, sources, RunWriter(store), past)


async def find_build(settings: Settings, environ: Mapping[str, str], clock: Clock) -> BuildFacts:
    """Say which build is deployed: the repository's commit, and the builder's own number."""
    sha = ""
    if settings.repository is not None:
        head = await RepositoryReader(settings.repository, clock).head()
        sha = head.value.git_sha if isinstance(head, Seen) else ""
    build = next((environ[name] for name in BUILD_VARIABLES if environ.get(name)), "")
    return BuildFacts(sha, redact_text(build[:_BEYOND])[:MOST_OF_A_BUILD])


@dataclass(frozen=True, slots=True)
class Past:
    """What a job over the past works with; `history` is None where none was ever kept."""

    history: HistoryReader | None
    calendar: MarketCalendar
    artifacts: ArtifactReader
    writer: RunWriter


@contextmanager
def past_to_read(settings: Settings, clock: Clock) -> Generator[Past]:
    """Connect what reads the past, for the time of the block; nothing that is not there is made."""
    with _open_history(settings) as history:
        yield Past(
            history,
            MarketCalendar(settings.closures),
            ArtifactReader(settings.root, clock),
            RunWriter(ArtifactStore(settings.root)),
        )


async def recall(settings: Settings) -> tuple[Latched, bool]:
    """
    Give what stood when a server decided last, and whether that is known.

    Where no server ever kept a history nothing stands. One that cannot be read, or is lost, older
    or another's, is not known, which halts: what was accused there may not be forgotten here.
    """
    url = settings.database_url
    known = url is not None or _exists(settings.root / SQLITE_NAME)
    engine = open_engine(settings.root, url) if known else None
    try:
        stood, lost = await asyncio.to_thread(recall_latched, settings.root, engine)
    except StorageError:
        return NOTHING_LATCHED, False
    finally:
        if engine is not None:
            engine.dispose()
    return stood, not lost


@contextmanager
def _open_history(settings: Settings) -> Generator[HistoryReader | None]:
    """Open the history that a server keeps, for the time of the block; None where none ever did."""
    if settings.database_url is None and not _exists(settings.root / SQLITE_NAME):
        yield None
        return
    engine = open_engine(settings.root, settings.database_url)
    try:
        yield HistoryReader(engine)
    finally:
        engine.dispose()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it cannot be told, so it is tried
