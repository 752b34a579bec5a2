"""What is in force, redacted, for jobs that record it."""

import platform
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import cast

from mission_control.config_snapshot.run import InForce
from mission_control.configuration.settings import Settings
from mission_control.floor.ports import Clock
from mission_control.records.run_origin import RunOrigin
from mission_control.redaction.redact import redact_document, redact_text
from mission_control.repository.files import RepositoryCopier, RepositorySurveyor, copy_one
from mission_control.repository.read import RepositoryReader


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


def run_origin(settings: Settings, trigger: str, began: datetime) -> RunOrigin:
    """Say who runs jobs in this process, with what, and since when: before anything is asked."""
    versions = {
        "mission_control": version("mission-control"),
        "python": platform.python_version(),
        "git_sha": None,
    }
    command = (Path(sys.argv[0]).name, *map(redact_text, sys.argv[1:]))
    return RunOrigin(trigger, command, versions, settings.config_digest, began)
