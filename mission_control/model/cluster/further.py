"""Model: what jobs read of the cluster beyond what every round reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mission_control.model.cluster.facts import EventFacts, OddObject


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A Service: how it is reached, and which pods it selects."""

    namespace: str
    name: str
    type: str
    cluster_ip: str = ""
    ports: tuple[str, ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node; `troubles` are its conditions that are not as they should be, in words."""

    name: str
    ready: bool
    schedulable: bool
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedEvents:
    """The events of one namespace; `odd` are those that could not be understood."""

    events: tuple[EventFacts, ...]
    odd: tuple[OddObject, ...] = ()


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What one container uses, in Kubernetes' own units: `35m` of a core, `180Mi` of memory."""

    namespace: str
    pod: str
    container: str
    cpu: str
    memory: str
