"""Model: a workload of the cluster: what it wants to run, and what runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mission_control.model.cluster.containers import Container


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object is meant, within its namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Give it as people write it: `Deployment/strategy-engine`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How the pods of a Job stand, and when it began and ended (UTC)."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    started: datetime | None = None
    completed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """
    How far a workload's pods are of its newest specification, as its controller tells.

    `updated` pods are of the newest specification and `available` are ready for long enough; None
    where the kind does not count them. `strategy` is how pods are replaced (`RollingUpdate`,
    `Recreate`, `OnDelete`), and pods numbered below `partition` are held back. `revision` is what
    all pods were of when the last rollout ended and `newest` what they are to be of; empty where
    the kind has none. `troubles` are the conditions that are not as they should be, in words.
    `ended_at` is when its controller saw the last rollout through (UTC), None where it does not
    say.
    """

    updated: int
    available: int | None = None
    strategy: str = ""
    partition: int = 0
    revision: str = ""
    newest: str = ""
    troubles: tuple[str, ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StarterFacts:
    """
    An object by which a cluster starts pods without a human: a scaler, a trigger, a route.

    `how` says in words how it would start them; empty where it cannot, as it stands now.
    `wanted` is how many pods it wants itself, None for one that only changes what others want.
    `targets` are the objects that it scales, deploys or names; `containers` those that it would
    run itself.
    """

    kind: str
    namespace: str
    name: str
    how: str = ""
    wanted: int | None = None
    targets: tuple[ObjectRef, ...] = ()
    owner: ObjectRef | None = None
    service_account: str = ""
    containers: tuple[Container, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it within the cluster; starters are sorted by this."""
        return (self.namespace, self.kind, self.name)


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """
    A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob.

    `desired` is how many pods it wants: 0 for a suspended CronJob and a finished Job, 1 for a
    CronJob that is not suspended. `actual` is how many its controller counts, `ready` how many
    of these are ready. `observed` tells whether the
    controller has seen the newest generation; `generation` is its number, which grows with every
    change of the specification; 0 for kinds whose controllers do not observe it (Job, CronJob).
    A ReplicaSet that has an owner bears no containers: its owner's are the ones that count.
    `paused` is a Deployment whose changes are not rolled out. `rollout` is None for what has none:
    a ReplicaSet, a Job, a CronJob.
    """

    kind: str
    namespace: str
    name: str
    desired: int
    actual: int = 0
    ready: int = 0
    observed: bool = True
    generation: int = 0
    suspended: bool = False
    paused: bool = False
    schedule: str = ""
    job: JobCounts | None = None
    owner: ObjectRef | None = None
    service_account: str = ""
    containers: tuple[Container, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    rollout: Rollout | None = None

    @property
    def ref(self) -> ObjectRef:
        """Name it within its namespace."""
        return ObjectRef(self.kind, self.name)

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it within the cluster; workloads are sorted by this."""
        return (self.namespace, self.kind, self.name)
