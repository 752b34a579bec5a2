"""What runs one agent of the inventory, as the cluster tells it."""

from dataclasses import dataclass
from datetime import datetime

from mission_control.cluster.model.facts import EventFacts
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.model.fleet import Workload


@dataclass(frozen=True, slots=True)
class AgentWorkload:
    """
    The workload that the inventory names for an agent, and its pods.

    `unseen` says why nothing is known, empty where all lists that hold it were read whole;
    `seen_at` is when the oldest of these was read (UTC). `found` is None where the lists hold no
    such workload. `watched` is false where its namespace is not watched. `warnings` are the
    newest warning events about it and its pods.
    """

    ref: Workload
    unseen: str = ""
    found: WorkloadFacts | None = None
    pods: tuple[PodFacts, ...] = ()
    warnings: tuple[EventFacts, ...] = ()
    seen_at: datetime | None = None
    watched: bool = True

    @property
    def off(self) -> bool:
        """Return whether whole lists show that nothing of it runs or is wanted."""
        if self.unseen or any(p.live for p in self.pods):
            return False
        return self.found is None or (self.found.desired, self.found.actual) == (0, 0)

    @property
    def restarts(self) -> int:
        """Count how often containers of its pods were started again."""
        return sum(p.restarts for p in self.pods)

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digests of the images that run in its live pods, sorted."""
        return tuple(sorted({s.digest for p in self.pods if p.live for s in p.states if s.digest}))


@dataclass(frozen=True, slots=True)
class CapturedWorkloads:
    """
    What ran in a namespace when its newest GOOD capture was made, by namespace, kind and name.

    `path` is the capture's. Where none counts it is empty, and `note` says why.
    """

    running: frozenset[tuple[str, str, str]] = frozenset()
    path: str = ""
    note: str = ""


NOTHING_CAPTURED = CapturedWorkloads(note="no capture is GOOD")
