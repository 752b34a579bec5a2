"""Which resources of a cluster are read: one table for its guard, its readers and its roles."""

from dataclasses import dataclass

from mission_control.cluster.model.facts import LIST_OF_STARTER

CORE = "/api/v1"
GROUPS = "/apis"
"""Where the API server names every group of resources that it offers."""
APPS = "/apis/apps/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
METRICS = "/apis/metrics.k8s.io/v1beta1"


@dataclass(frozen=True, slots=True)
class Resource:
    """
    A kind of object: its plural name and the API roots it may stand under, newest first.

    Where there are several, which one offers it is found out by asking (`discovery`). An `optional`
    one belongs to a group that a cluster may not have: that it is not there is known from the
    list of groups, which every account may read.
    """

    name: str
    kind: str
    roots: tuple[str, ...]
    namespaced: bool = True
    optional: bool = False


RESOURCES: dict[str, Resource] = {
    r.name: r
    for r in (
        Resource("configmaps", "ConfigMap", (CORE,)),
        Resource("cronjobs", "CronJob", ("/apis/batch/v1", "/apis/batch/v1beta1")),
        Resource("daemonsets", "DaemonSet", (APPS,)),
        Resource("deployments", "Deployment", (APPS,)),
        Resource("events", "Event", (CORE,)),
        Resource("jobs", "Job", ("/apis/batch/v1",)),
        Resource("networkpolicies", "NetworkPolicy", ("/apis/networking.k8s.io/v1",)),
        Resource("pods", "Pod", (CORE,)),
        Resource(
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            ("/apis/policy/v1", "/apis/policy/v1beta1"),
        ),
        Resource("replicasets", "ReplicaSet", (APPS,)),
        Resource("rolebindings", "RoleBinding", (RBAC,)),
        Resource("roles", "Role", (RBAC,)),
        Resource("serviceaccounts", "ServiceAccount", (CORE,)),
        Resource("services", "Service", (CORE,)),
        Resource("statefulsets", "StatefulSet", (APPS,)),
        Resource("clusterrolebindings", "ClusterRoleBinding", (RBAC,), namespaced=False),
        Resource("clusterroles", "ClusterRole", (RBAC,), namespaced=False),
        Resource("namespaces", "Namespace", (CORE,), namespaced=False),
        Resource("nodes", "Node", (CORE,), namespaced=False),
        Resource(
            "priorityclasses",
            "PriorityClass",
            ("/apis/scheduling.k8s.io/v1",),
            namespaced=False,
        ),
    )
}
"""By plural name. Secrets are not among them, and nothing that is not can be asked for."""

_KEDA = ("/apis/keda.sh/v1alpha1",)
_ARGO = ("/apis/argoproj.io/v1alpha1",)
_KNATIVE = ("/apis/serving.knative.dev/v1",)
_SCALERS = (
    "/apis/autoscaling/v2",
    "/apis/autoscaling/v2beta2",
    "/apis/autoscaling/v1",
)
STARTERS: dict[str, Resource] = {
    LIST_OF_STARTER[r.kind]: r
    for r in (
        Resource("applications", "Application", _ARGO, optional=True),
        Resource("configurations", "Configuration", _KNATIVE, optional=True),
        Resource("cronworkflows", "CronWorkflow", _ARGO, optional=True),
        Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", _SCALERS),
        Resource("replicationcontrollers", "ReplicationController", (CORE,)),
        Resource("revisions", "Revision", _KNATIVE, optional=True),
        Resource("rollouts", "Rollout", _ARGO, optional=True),
        Resource("scaledjobs", "ScaledJob", _KEDA, optional=True),
        Resource("scaledobjects", "ScaledObject", _KEDA, optional=True),
        Resource("sensors", "Sensor", _ARGO, optional=True),
        Resource("services", "Service", _KNATIVE, optional=True),
    )
}
"""By the list's name as a source (`model.cluster.facts`): what starts pods without a human."""
