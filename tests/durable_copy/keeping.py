"""A record to be kept, and the jobs that keep it, with a clock that is set."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from mission_control.durable_copy.copying import CopyDestination, KeepingParts
from mission_control.durable_copy.run import CopiedRun, copy_durably
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.fleet import Fleet
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.run_origin import RunOrigin
from tests.records.runs import NOW, record

ORIGIN = RunOrigin("command", ("mission-control", "artifacts"), {"python": "3.11.7"}, "1" * 64, NOW)


@dataclass
class KeptRecord:
    """A root with runs."""

    root: Path
    now: datetime = NOW + timedelta(hours=4)
    parts: KeepingParts = field(init=False)

    def __post_init__(self) -> None:
        """Connect the jobs' parts."""
        self.parts = KeepingParts(
            ArtifactReader(self.root, lambda: self.now),
            RunWriter(ArtifactStore(self.root)),
            MarketCalendar(),
            lambda: self.now,
            Fleet((), "fleet.yaml", "2" * 64),
        )

    def add(self, runs: int = 1) -> None:
        """Record some more runs."""
        for _ in range(runs):
            self.now += timedelta(minutes=1)
            record(self.root, self.now)

    async def copy(self, destination: CopyDestination, **how: object) -> CopiedRun:
        """Copy once."""
        self.now += timedelta(minutes=1)
        return await copy_durably(self.parts, destination, ORIGIN, **how)  # pyright: ignore[reportArgumentType]

    def file(self, number: int = 0, name: str = "posture.json") -> Path:
        """Return a file of the run of that number, oldest first."""
        return sorted(self.root.rglob(name))[number]


def overwrite(path: Path, content: bytes) -> None:
    """Change a file that should not be changeable."""
    path.chmod(0o644)
    path.write_bytes(content)


def remove(path: Path) -> None:
    """Remove a file that should not be removable."""
    path.parent.chmod(0o755)
    path.unlink()
