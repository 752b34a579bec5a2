"""Jobs: what earlier runs of copying recorded, which may accuse a destination and never acquits."""

from contextlib import suppress
from dataclasses import dataclass

from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactsReader
from mission_control.jobs.recorded_reports import list_reports, read_report

JSON_NAME, MARKDOWN_NAME = "durable_copy.json", "durable_copy.md"


@dataclass(frozen=True, slots=True)
class Reached:
    """How many runs a destination was seen to hold, and up to which line all of them."""

    runs: int = 0
    through: int = 0


async def reached_before(artifacts: ArtifactsReader, destination: str) -> Reached:
    """
    Give what a destination was last seen to hold; nothing where nothing was ever seen there.

    A report that cannot be read is passed over: an earlier one tells nearly the same.
    """
    for entry in await list_reports(artifacts, JSON_NAME):
        with suppress(StorageError):
            document = (await read_report(artifacts, entry, JSON_NAME)).document
            runs, through = document.get("runs_copied"), document.get("verified_through")
            there = document.get("destination") == destination
            if there and isinstance(runs, int) and runs and isinstance(through, int):
                return Reached(runs, through)
    return Reached()
