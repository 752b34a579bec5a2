"""Which decisions these are: the version of the package, and of the sources that decide."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

DECIDING = (
    "cluster", "config_snapshot/decide.py", "contract", "documents", "errors.py", "floor/decide",
    "floor/model.py", "floor/present", "history/codec.py", "history/model.py", "kill_switch",
    "market_calendar", "model", "redaction", "schedule/present/sessions.py",
)  # fmt: skip
"""What a decision of the floor, and the digest of what it says, is made by."""
_SHOWN_DIGITS = 16


@cache
def decision_version() -> str:
    """
    Return the version of our decisions, as `0.1.0+9f2c4a6be01d77aa`; equal sources, equal version.

    Two processes of one version decide alike from equal inputs. Another version may do so as well:
    a difference says that the sources differ, not that the decisions do. Reads the sources once.
    """
    root, told = files("mission_control"), hashlib.sha256()
    for path in DECIDING:
        for name, content in _sources(root.joinpath(path), path):
            told.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"{version('mission-control')}+{told.hexdigest()[:_SHOWN_DIGITS]}"


def _sources(at: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    if at.is_file():
        if path.endswith(".py"):
            yield path, at.read_bytes()
        return
    for each in sorted(at.iterdir(), key=lambda e: e.name):
        yield from _sources(each, f"{path}/{each.name}")
