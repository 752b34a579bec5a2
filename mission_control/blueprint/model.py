"""The fleet as it is seen: components, their connections, and what is not known."""

from dataclasses import dataclass
from datetime import datetime

from mission_control.cluster.model.facts import ServiceFacts
from mission_control.floor.model import FloorSnapshot
from mission_control.repository.model import RepositorySurvey


@dataclass(frozen=True, slots=True)
class BlueprintContainer:
    """One container of a component: what it is to run, what really runs, and how it is probed."""

    name: str
    image: str
    digests: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """
    One workload of the inventory or of the cluster; a None field is not known.

    `name` is the agent's where the inventory lists it (`listed`), else the workload's. `unseen`
    says why the workload is not known, empty where it was seen. `replicas` is ready and wanted.
    `services` are the Services whose selector finds it, as (namespace, name); `endpoints` are
    (path, what was answered).
    """

    name: str
    listed: bool
    kind: str | None = None
    criticality: str | None = None
    owner: str | None = None
    address: str | None = None
    workload: str | None = None
    unseen: str = ""
    replicas: tuple[int, int] | None = None
    role: str | None = None
    mode: str | None = None
    containers: tuple[BlueprintContainer, ...] = ()
    endpoints: tuple[tuple[str, str], ...] = ()
    depends_on: tuple[str, ...] = ()
    services: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class BlueprintGap:
    """Something that is missing or not known, and of which subject."""

    subject: str
    gap: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """
    The fleet as one look saw it.

    `services` and `repository` are None where they were not seen; the reason is among the gaps.
    """

    at: datetime
    snapshot: FloorSnapshot
    components: tuple[Component, ...]
    services: tuple[ServiceFacts, ...] | None
    repository: RepositorySurvey | None
    gaps: tuple[BlueprintGap, ...]
