"""Bootstrap: jobs run once from the command line, with everything they read and write."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mission_control.bootstrap.connect import Edges, reading
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactWriter
from mission_control.jobs.check_readiness import ReadinessSources
from mission_control.jobs.observe_floor import Looking, observe_rounds
from mission_control.jobs.ports import Clock
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.readiness import PollCoverage
from mission_control.model.reading import Unseen
from mission_control.model.snapshot import FloorSnapshot
from mission_control.model.standing import NOTHING_STANDS, Standing
from mission_control.observe.repository import RepositoryReader
from mission_control.record.artifact_reader import ArtifactReader
from mission_control.record.artifact_store import ArtifactStore
from mission_control.record.artifact_writer import RunWriter
from mission_control.record.history.database import SQLITE_NAME, open_engine
from mission_control.record.history.reader import HistoryReaderSql
from mission_control.record.store_check import StoreCheck


@dataclass(frozen=True, slots=True)
class RunParts:
    """What a job from the command line works with: the floor, what else is read, the record."""

    edges: Edges
    sources: ReadinessSources
    writer: ArtifactWriter

    async def look(
        self, settings: Settings, looking: Looking
    ) -> tuple[FloorSnapshot, PollCoverage | Unseen]:
        """Look at the floor, starting from what stood when a server decided last."""
        standing, known = await recall(settings)
        return await observe_rounds(
            settings.fleet, self.edges.sources, looking, standing, standing_known=known
        )


@asynccontextmanager
async def ready_to_run(settings: Settings, clock: Clock) -> AsyncGenerator[RunParts]:
    """Connect everything that jobs need, for the time of the block."""
    store = ArtifactStore(settings.root)
    async with reading(settings, clock) as edges:
        repository = RepositoryReader(settings.repository, clock) if settings.repository else None
        sources = ReadinessSources(
            clock,
            StoreCheck(store, clock),
            edges.further,
            repository,
            ArtifactReader(settings.root, clock),
        )
        yield RunParts(edges, sources, RunWriter(store))


@dataclass(frozen=True, slots=True)
class Past:
    """What a job over the past works with; `history` is None where none was ever kept."""

    history: HistoryReaderSql | None
    calendar: MarketCalendar
    artifacts: ArtifactReader
    writer: ArtifactWriter


@contextmanager
def past_to_read(settings: Settings, clock: Clock) -> Generator[Past]:
    """Connect what reads the past, for the time of the block; nothing that is not there is made."""
    kept = settings.database_url is not None or _exists(settings.root / SQLITE_NAME)
    engine = open_engine(settings.root, settings.database_url) if kept else None
    try:
        yield Past(
            HistoryReaderSql(engine) if engine is not None else None,
            MarketCalendar(settings.closures),
            ArtifactReader(settings.root, clock),
            RunWriter(ArtifactStore(settings.root)),
        )
    finally:
        if engine is not None:
            engine.dispose()


async def recall(settings: Settings) -> tuple[Standing, bool]:
    """
    Give what stood when a server decided last, and whether that is known.

    Where no server ever kept a history nothing stands. One that cannot be read is not known,
    which halts: what was accused there may not be forgotten here.
    """
    if settings.database_url is None and not _exists(settings.root / SQLITE_NAME):
        return NOTHING_STANDS, True
    engine = open_engine(settings.root, settings.database_url)
    try:
        standing = await HistoryReaderSql(engine).standing()
    except StorageError:
        return NOTHING_STANDS, False
    finally:
        engine.dispose()
    return standing or NOTHING_STANDS, True


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it cannot be told, so it is tried
