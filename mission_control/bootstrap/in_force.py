"""Bootstrap: what is in force, redacted, for jobs that record it."""

from pathlib import Path
from typing import cast

from mission_control.configuration.settings import Settings
from mission_control.jobs.ports import Clock
from mission_control.jobs.snapshot_config import InForce
from mission_control.observe.redaction import redact_document
from mission_control.observe.repository import RepositoryReader
from mission_control.observe.repository_copier import RepositoryCopier, copy_one
from mission_control.observe.repository_surveyor import RepositorySurveyor


async def in_force(settings: Settings) -> InForce:
    """Give the inventory file and every setting, redacted."""
    shown = cast("dict[str, str]", redact_document(settings.shown()))
    return InForce(await copy_one(Path(settings.fleet.source)), shown)


def repository_copier(settings: Settings, clock: Clock) -> RepositoryCopier | None:
    """Connect what copies of the fleet's repository; None where none is configured."""
    path = settings.repository
    return None if path is None else RepositoryCopier(path, RepositoryReader(path, clock))


def repository_surveyor(settings: Settings, clock: Clock) -> RepositorySurveyor | None:
    """Connect what looks over the fleet's repository; None where none is configured."""
    path = settings.repository
    return None if path is None else RepositorySurveyor(path, RepositoryReader(path, clock))
