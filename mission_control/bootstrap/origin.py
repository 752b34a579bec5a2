"""Bootstrap: who runs a job in this process, and with what."""

import platform
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from mission_control.configuration.settings import Settings
from mission_control.jobs.run_origin import RunOrigin
from mission_control.observe.redaction import redact_text


def run_origin(settings: Settings, trigger: str, began: datetime) -> RunOrigin:
    """Say who runs jobs in this process, with what, and since when: before anything is asked."""
    versions = {
        "mission_control": version("mission-control"),
        "python": platform.python_version(),
        "git_sha": None,
    }
    command = (Path(sys.argv[0]).name, *map(redact_text, sys.argv[1:]))
    return RunOrigin(trigger, command, versions, settings.config_digest, began)
