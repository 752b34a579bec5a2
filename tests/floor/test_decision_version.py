"""The version of our decisions covers everything that decides."""

import re
import subprocess
import sys

from mission_control.floor.decision_version import DECIDING, decision_version

LOADED = """
import sys
import mission_control.floor.decide.floor, mission_control.history.codec
import mission_control.market_calendar.calendar
print(*(m for m in sys.modules if m.startswith("mission_control.")))
"""


def test_every_module_that_decides_is_in_the_version():
    """
    R12.28: No module that a decision, or the digest of it, is made by is left out of its version.
    """
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    ).stdout.split()
    paths = [m.removeprefix("mission_control.").replace(".", "/") for m in loaded]
    rooms = {path.rpartition("/")[0] for path in paths} | {""}
    covered = tuple(path.removesuffix(".py") for path in DECIDING)

    left_out = [
        path
        for path in paths
        if path not in rooms and not path.startswith(covered) and not _is_bare(path, paths)
    ]

    assert [] == left_out


def _is_bare(path, paths):
    return any(other.startswith(f"{path}/") for other in paths)


def test_a_version_names_the_package_and_the_sources():
    """R12.28: It is the package's version and 16 digits of a digest."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{16}", decision_version())
