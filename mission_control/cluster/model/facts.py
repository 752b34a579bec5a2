"""What was read of the cluster: by one round, by jobs besides, and of each agent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mission_control.cluster.model.objects import ObjectRef, PodFacts, StarterFacts, WorkloadFacts
from mission_control.model.cluster_identity import NONE_READ, ClusterIdentity
from mission_control.model.fleet import Fleet, Workload
from mission_control.model.reading import Seen, Unseen


@dataclass(frozen=True, slots=True)
class OddObject:
    """An object of a list that could not be understood: what it is, and what is wrong with it."""

    kind: str
    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class ListReading:
    """
    How the reading of one list went; `namespace` is empty for what belongs to no namespace.

    `Seen` is the number of objects it held, the odd ones included.
    """

    resource: str
    namespace: str
    reading: Seen[int] | Unseen
    odd: tuple[OddObject, ...] = ()

    @property
    def source(self) -> str:
        """Name the list as a source of evidence."""
        return list_source(self.resource, self.namespace)


def list_source(resource: str, namespace: str) -> str:
    """Name a list as a source of evidence: `cluster trading-floor/pods`."""
    return f"cluster {namespace}/{resource}" if namespace else f"cluster {resource}"


@dataclass(frozen=True, slots=True)
class ConfigMapFacts:
    """
    One ConfigMap.

    `digest` is the SHA-256 (hex) of its data. `values` holds all of it for the kill switch and the
    safety map, and only the watched variables of any other.
    """

    namespace: str
    name: str
    digest: str
    keys: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def key(self) -> tuple[str, str]:
        """Identify it within the cluster; ConfigMaps are sorted by this."""
        return (self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """One event that Kubernetes tells, redacted; `last_seen` in UTC."""

    namespace: str
    about: ObjectRef
    type: str
    reason: str
    message: str
    count: int = 1
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """
    What is known of the watched namespaces, each kind of object sorted.

    `lists` holds every list that was asked for, seen or not; what a list that was not seen
    would have held is simply missing, so look there before concluding from absence.
    `outdated` is why files that lead to the API server changed and are not used yet, while the
    earlier ones still are; empty where the newest are.
    `identity` says which cluster it was; None in what was stored before that was told.
    """

    namespaces: tuple[str, ...]
    lists: tuple[ListReading, ...] = ()
    workloads: tuple[WorkloadFacts, ...] = ()
    pods: tuple[PodFacts, ...] = ()
    config_maps: tuple[ConfigMapFacts, ...] = ()
    warnings: tuple[EventFacts, ...] = ()
    starters: tuple[StarterFacts, ...] = ()
    outdated: str = ""
    identity: ClusterIdentity | None = None


def identify_cluster(fleet: Fleet, facts: ClusterFacts | None) -> ClusterIdentity:
    """Say which cluster a floor is read from, as far as its newest round over it told."""
    if fleet.access is None:
        return ClusterIdentity(NONE_READ, unknown="no cluster is configured")
    if facts is not None and facts.identity is not None:
        return facts.identity
    return ClusterIdentity(fleet.access.chosen, unknown="not read")


WORKLOAD_LISTS = (
    "cronjobs",
    "daemonsets",
    "deployments",
    "jobs",
    "replicasets",
    "statefulsets",
)
"""The resources whose lists hold workloads."""
REQUIRED_LISTS = (*WORKLOAD_LISTS, "pods", "configmaps")
"""Lists of every watched namespace that the floor needs to see (docs/semantics.md#6)."""
LIST_OF_STARTER = {
    "Application": "applications.argoproj.io",
    "Configuration": "configurations.serving.knative.dev",
    "CronWorkflow": "cronworkflows.argoproj.io",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "ReplicationController": "replicationcontrollers",
    "Revision": "revisions.serving.knative.dev",
    "Rollout": "rollouts.argoproj.io",
    "ScaledJob": "scaledjobs.keda.sh",
    "ScaledObject": "scaledobjects.keda.sh",
    "Sensor": "sensors.argoproj.io",
    "Service": "services.serving.knative.dev",
}
"""The kinds that start pods without a human, and the lists that hold them."""
STARTER_LISTS = tuple(sorted(LIST_OF_STARTER.values()))
"""Lists of every watched namespace that GO needs to see: what could start execution."""
LIST_OF_KIND = {
    "CronJob": "cronjobs",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "Job": "jobs",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
}
KIND_OF_LIST = {resource: kind for kind, resource in LIST_OF_KIND.items()}


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


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a role: these verbs on these resources, or on these URLs."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A Role, or a ClusterRole where `namespace` is empty."""

    namespace: str
    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A subject of a binding: a ServiceAccount (with its namespace), User or Group."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class BindingFacts:
    """A RoleBinding, or a ClusterRoleBinding where `namespace` is empty."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: tuple[SubjectRef, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding grants our account, and what of it is more than reading."""

    where: str
    role: str
    binding: str
    rules: tuple[Rule, ...]
    violations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """
    What our own account may do.

    `who` is the name in our credentials, unverified unless `verified`: then the API server itself
    said it. `read_only` is None where that is not known, and `detail` says why.
    """

    who: str
    verified: bool
    read_only: bool | None
    grants: tuple[Grant, ...] = ()
    detail: str = ""


KubernetesObject = Mapping[str, Any]
"""With its kind and API version, which lists leave out. Nothing of it is redacted."""


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
