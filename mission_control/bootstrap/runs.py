"""Bootstrap: jobs run once from the command line, with everything they read and write."""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mission_control.bootstrap.connect import Edges, reading
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactWriter
from mission_control.jobs.capture_lkg import BuildFacts
from mission_control.jobs.check_readiness import ReadinessSources
from mission_control.jobs.history_ports import HistoryReader
from mission_control.jobs.observe_floor import Looking, observe_rounds
from mission_control.jobs.ports import Clock
from mission_control.model.readiness import PollCoverage
from mission_control.model.reading import Unseen
from mission_control.model.snapshot import FloorSnapshot
from mission_control.model.standing import NOTHING_STANDS, Standing
from mission_control.observe.redaction import redact_text
from mission_control.observe.repository import RepositoryReader
from mission_control.record.artifact_reader import ArtifactReader
from mission_control.record.artifact_store import ArtifactStore
from mission_control.record.artifact_writer import RunWriter
from mission_control.record.history.database import SQLITE_NAME, open_engine
from mission_control.record.history.reader import HistoryReaderSql
from mission_control.record.store_check import StoreCheck

BUILD_VARIABLES = ("BUILD_ID", "CLOUD_BUILD_ID", "CLOUDBUILD_BUILD_ID", "GCB_BUILD_ID")
"""Where builders say which build this is (facts, g)."""
MOST_OF_A_BUILD, _BEYOND = 200, 2_048


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


@contextmanager
def past_of(settings: Settings) -> Generator[HistoryReader | None]:
    """Give what reads the history that a server keeps here; None where none was ever kept."""
    if settings.database_url is None and not _exists(settings.root / SQLITE_NAME):
        yield None
        return
    engine = open_engine(settings.root, settings.database_url)
    try:
        yield HistoryReaderSql(engine)
    finally:
        engine.dispose()


async def find_build(settings: Settings, environ: Mapping[str, str], clock: Clock) -> BuildFacts:
    """Say which build is deployed: the repository's commit, and the builder's own number."""
    sha = ""
    if settings.repository is not None:
        sha = await RepositoryReader(settings.repository, clock).head()
    build = next((environ[name] for name in BUILD_VARIABLES if environ.get(name)), "")
    return BuildFacts(sha, redact_text(build[:_BEYOND])[:MOST_OF_A_BUILD])


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
