"""Jobs: the shape of the edge that keeps a durable copy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mission_control.jobs.artifact_ports import ArtifactsReader, ArtifactWriter
from mission_control.jobs.ports import CalendarReader, Clock
from mission_control.model.fleet import Fleet


class CopyDestination(Protocol):
    """
    Where a durable copy lies; raises StorageError for whatever it cannot do in time.

    Nothing here overwrites or removes anything that stands there, but what it left half written.
    """

    @property
    def name(self) -> str:
        """Name it as it is configured; holds no secret."""
        ...

    async def cautions(self) -> Sequence[str]:
        """Reach the place, and say what makes it worth less than it should be, in sentences."""
        ...

    async def listing(self, wanted: Callable[[str], bool]) -> Mapping[str, int]:
        """Give name and size in bytes of everything there whose name is wanted."""
        ...

    async def exists(self, path: str) -> bool:
        """Tell whether anything has this name."""
        ...

    async def create(self, path: str, content: bytes) -> bool:
        """Create what is not there yet, whole and durable; False where the name is taken."""
        ...

    async def digest(self, path: str) -> tuple[str, int]:
        """Read back what is there; gives its SHA-256 in hex and its size in bytes."""
        ...


@dataclass(frozen=True, slots=True)
class KeepingParts:
    """What the jobs that keep the record work with."""

    artifacts: ArtifactsReader
    writer: ArtifactWriter
    calendar: CalendarReader
    clock: Clock
    fleet: Fleet
    label: str = ""
