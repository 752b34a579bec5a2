"""Everything that one round over the cluster brought."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mission_control.cluster.model.objects import ObjectRef, PodFacts, StarterFacts, WorkloadFacts
from mission_control.model.cluster_identity import NONE_READ, ClusterIdentity
from mission_control.model.fleet import Fleet
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
