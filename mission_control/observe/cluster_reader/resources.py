"""Cluster reader: every resource that may be read, and the API roots that may offer it."""

from dataclasses import dataclass

CORE = "/api/v1"
APPS = "/apis/apps/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
METRICS = "/apis/metrics.k8s.io/v1beta1"


@dataclass(frozen=True, slots=True)
class Resource:
    """
    A kind of object: its plural name and the API roots it may stand under, newest first.

    Where there are several, which one offers it is found out by asking (`discovery`).
    """

    name: str
    kind: str
    roots: tuple[str, ...]
    namespaced: bool = True


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


def collection_path(root: str, resource: Resource, namespace: str) -> str:
    """Give the path of a resource's list; `namespace` is empty for what belongs to none."""
    inside = f"/namespaces/{namespace}" if resource.namespaced else ""
    return f"{root}{inside}/{resource.name}"
