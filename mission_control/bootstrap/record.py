"""Whose record a root holds, who records there, and a history that a human takes for new."""

import asyncio
import logging
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from mission_control.configuration.settings import Settings
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.errors import ConfigurationError, StorageError
from mission_control.history.continuity import StartingRoot
from mission_control.history.database import (
    SQLITE_NAME,
    check_history,
    open_engine,
    refuse_newer_tables,
)
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.records.artifact_store import ArtifactStore, stamp
from mission_control.records.folder import Folder
from mission_control.records.ledger import FOLDER
from mission_control.records.marker import read_marker, refuse_newer_record
from mission_control.records.model import Collection, LedgerHead
from mission_control.records.root_check import (
    StoreCheck,
    holds_record,
    look_at_root,
    tell_new_record,
    try_folder,
)
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.redaction.redact import redact_text

ACCEPTANCE_JOB = "history_is_new"
FINDING_SECONDS = 3.0
ACCEPTANCE_FILE = f"{ACCEPTANCE_JOB}.json"

log = logging.getLogger(__name__)


def require_record(settings: Settings) -> None:
    """
    Refuse a root that does not hold the record that the settings name, or a newer version's.

    Raises ConfigurationError. A root that cannot be read is not refused: it is told on the
    posture, and may come back.
    """
    refuse_newer_record(settings.root)
    wanted = settings.record_id
    if wanted is None:
        return
    try:
        marker = read_marker(settings.root)
    except StorageError:
        return
    if marker is None or marker.record_id != wanted:
        held = f"record {marker.record_id}" if marker else "no record"
        raise ConfigurationError(
            f"the root holds {held}, and {wanted} is wanted",
            where=settings.sources.get("record_id", "record_id"),
            remedy="look whether the root is mounted and the right one; leave record_id away"
            " only where a new record shall begin",
        )


async def find_root(settings: Settings) -> None:
    """
    Refuse a root that is not there: a mistyped one would begin a second record.

    Where the settings name the record `find_record` does it. A root that hangs does not keep a
    server from serving. Raises ConfigurationError.
    """
    if settings.record_id is not None:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(FINDING_SECONDS):
            await asyncio.to_thread(_require_root, settings)


def _require_root(settings: Settings) -> None:
    try:
        settings.root.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            f"there is no folder {settings.root}",
            where=settings.sources.get("root", "root"),
            remedy=f"correct it, mount it, or begin a record there: mkdir -p {settings.root}",
        ) from None
    except OSError:
        return  # told on the posture, and may come back


def tell_of_root(settings: Settings) -> Sequence[str]:
    """Say what is odd about where things are recorded: a new record, or another user's."""
    told = list[str]()
    if not holds_record(settings.root):
        told.append(tell_new_record(settings.root))
    seen = look_at_root(settings.root)
    if seen.as_root_elsewhere:
        told.append(f"we are root and {settings.root} is uid {seen.owner}'s, who cannot use what"
                    " root records there; run this as that user")  # fmt: skip
    return told


async def find_record(settings: Settings) -> None:
    """
    Refuse as `require_record` does, and a newer version's history; log what is odd about the root.

    A root or a database that hangs does not keep a server from serving.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(FINDING_SECONDS):
            await asyncio.to_thread(require_record, settings)
            await asyncio.to_thread(_require_history, settings)
            for oddity in await asyncio.to_thread(tell_of_root, settings):
                log.warning("%s", oddity)


def _require_history(settings: Settings) -> None:
    if settings.database_url is None and not (settings.root / SQLITE_NAME).exists():
        return  # asking would make it
    engine = open_engine(settings.root, settings.database_url)
    try:
        refuse_newer_tables(engine)
    finally:
        engine.dispose()


def run_origin(settings: Settings, trigger: str, began: datetime) -> RunOrigin:
    """Return who runs jobs in this process, with what, and since when: before anything is asked."""
    versions = {
        "mission_control": version("mission-control"),
        "python": platform.python_version(),
        "git_sha": None,
    }
    command = (Path(sys.argv[0]).name, *map(redact_text, sys.argv[1:]))
    return RunOrigin(trigger, command, versions, settings.config_digest, began)


def starting_root(
    settings: Settings, store: ArtifactStore, clock: Clock, history_is_new: str
) -> StartingRoot:
    """Return the root of a server that starts, and how a history taken for new is recorded."""

    def record_acceptance(lost: str, head: LedgerHead) -> None:
        now = clock()
        ground = Ground.unseen(MarketCalendar(settings.closures).session_at(now), settings.fleet)
        facts = run_origin(settings, "command", now).facts(ACCEPTANCE_JOB, ground, now)
        document = {
            "accepted_at": utc_text(now),
            "ledger_head": {"seq": head.seq, "hash": head.hash},
            "what_was_lost": lost,
            "database": settings.shown()["database_url"],
        }
        with store.writing(Collection.OPS_RUNS) as run:
            run.write(ACCEPTANCE_FILE, encode_json(document))
            run.record(facts, f"{stamp(now)}_{ACCEPTANCE_JOB}")

    return StartingRoot(settings.root, clock, history_is_new, record_acceptance)


async def try_records(
    settings: Settings, clock: Clock
) -> tuple[Seen[None] | Unseen, Seen[str] | Unseen]:
    """
    Try whether artifacts could be recorded and history kept; leaves nothing that is not there.

    Below a root without a record the root itself is tried: one is made there at the first run.
    """
    store: Seen[None] | Unseen = Unseen(UnseenReason.UNREADABLE, clock(), detail="no such folder")
    if (settings.root / FOLDER).is_dir():
        store = await StoreCheck(ArtifactStore(settings.root), clock).check()
        try:
            await asyncio.to_thread(refuse_newer_record, settings.root)
        except ConfigurationError as error:
            store = Unseen(UnseenReason.UNREADABLE, clock(), detail=str(error))
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
