"""What keeps the record: the place of its durable copy, and the jobs' parts."""

from pathlib import Path

from mission_control.bootstrap.clock import real_clock
from mission_control.configuration.settings import Settings
from mission_control.durable_copy.copying import CopyDestination, KeepingParts
from mission_control.durable_copy.mounted_folder import MountedFolder
from mission_control.durable_copy.s3_store import S3Place, S3Store
from mission_control.errors import StorageError
from mission_control.market_calendar.calendar import CalendarReader, MarketCalendar
from mission_control.model.clock import Clock
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.redaction.redact import redact_text


def keeping_parts(
    settings: Settings,
    clock: Clock = real_clock,
    label: str = "",
    store: ArtifactStore | None = None,
    calendar: CalendarReader | None = None,
) -> KeepingParts:
    """Return what the retention report and the durable copy work with."""
    return KeepingParts(
        ArtifactReader(settings.root, clock),
        RunWriter(store or ArtifactStore(settings.root)),
        calendar or MarketCalendar(settings.closures),
        clock,
        settings.fleet,
        label,
    )


def copy_destination(settings: Settings, clock: Clock = real_clock) -> CopyDestination | None:
    """
    Return the place of the durable copy for one run; None where none is configured.

    It is connected when it is first used, and reads its credentials then.
    """
    place = settings.durable_copy
    if place is None:
        return None
    if isinstance(place, Path):
        return MountedFolder(place, settings.root, clock=clock)
    region, endpoint = settings.durable_copy_region, settings.durable_copy_endpoint
    spoken_to = S3Place(place, region, endpoint, settings.durable_copy_credentials_file)
    return S3Store(spoken_to, redact_text)


async def try_destination(settings: Settings) -> tuple[str, ...] | StorageError | None:
    """
    Reach the place of the durable copy, and write nothing.

    Returns what makes it worth less than it should be, or why it cannot be reached; None where
    none is configured.
    """
    destination = copy_destination(settings)
    if destination is None:
        return None
    try:
        return tuple(await destination.cautions())
    except StorageError as error:
        return error
