"""One round over the floor, one service, for a command that looks once."""

from dataclasses import dataclass
from pathlib import Path

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.connect import reading
from mission_control.cluster.read.examination import Examination, examine_cluster
from mission_control.configuration.settings import Settings
from mission_control.floor import observe as floor_sources
from mission_control.floor.model import FloorSnapshot
from mission_control.history.database import check_history
from mission_control.model.clock import Clock
from mission_control.model.fleet import Agent
from mission_control.model.reading import Seen, ServiceRound, Unseen, UnseenReason
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import open_transports
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.folder import Folder
from mission_control.records.ledger import FOLDER
from mission_control.records.root_check import StoreCheck, try_folder


async def observe_once(settings: Settings, clock: Clock = real_clock) -> FloorSnapshot:
    """Ask every service of the fleet once and decide; nothing is remembered or recorded."""
    async with reading(settings, clock) as edges:
        await edges.find_cluster()
        return await floor_sources.observe_once(settings.fleet, edges.sources, "")


async def observe_and_examine(
    settings: Settings, clock: Clock = real_clock
) -> tuple[FloorSnapshot, Examination | None]:
    """
    Look once at the floor, and before that try everything that is ever read of the cluster.

    The examination is None where no cluster is configured.
    """
    async with reading(settings, clock) as edges:
        await edges.find_cluster()
        examined = await examine_cluster(edges.lister) if edges.lister else None
        return await floor_sources.observe_once(settings.fleet, edges.sources, ""), examined


async def probe_once(agent: Agent, clock: Clock = real_clock) -> ServiceRound:
    """Ask one service once, as the watch would."""
    async with open_transports() as transports:
        return await ServiceProbe(transports, clock).read(agent, None)


def read_artifacts(root: Path, clock: Clock = real_clock) -> ArtifactReader:
    """Return what reads the record below a root."""
    return ArtifactReader(root, clock)


async def try_records(
    settings: Settings, clock: Clock = real_clock
) -> tuple[Seen[None] | Unseen, Seen[str] | Unseen]:
    """
    Try whether artifacts could be recorded and history kept; leaves nothing that is not there.

    Below a root without a record the root itself is tried: one is made there at the first run.
    """
    store: Seen[None] | Unseen = Unseen(UnseenReason.UNREADABLE, clock(), detail="no such folder")
    if (settings.root / FOLDER).is_dir():
        store = await StoreCheck(ArtifactStore(settings.root), clock).check()
    elif settings.root.is_dir():
        store = await StoreCheck(_Bare(settings.root), clock).check()
    return store, await check_history(settings.root, settings.database_url, clock)


@dataclass(frozen=True, slots=True)
class _Bare:
    """A root in which nothing was recorded yet; satisfies `Tried`."""

    root: Path

    def check(self) -> None:
        with Folder.open_existing(self.root) as folder:
            try_folder(folder)
