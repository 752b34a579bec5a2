"""Simulation: what the API offers, and where each thing stands in it."""

import re
from dataclasses import dataclass

import orjson

from mission_control.simulation.answers import Answer

KINDS = {
    "clusterrolebindings": "ClusterRoleBinding",
    "clusterroles": "ClusterRole",
    "configmaps": "ConfigMap",
    "cronjobs": "CronJob",
    "daemonsets": "DaemonSet",
    "deployments": "Deployment",
    "events": "Event",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "jobs": "Job",
    "namespaces": "Namespace",
    "networkpolicies": "NetworkPolicy",
    "nodes": "Node",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "pods": "Pod",
    "priorityclasses": "PriorityClass",
    "replicasets": "ReplicaSet",
    "replicationcontrollers": "ReplicationController",
    "rolebindings": "RoleBinding",
    "roles": "Role",
    "serviceaccounts": "ServiceAccount",
    "services": "Service",
    "statefulsets": "StatefulSet",
}
GROUPS = "/apis"
METRICS = "metrics.k8s.io/v1beta1"
_CORE = (
    "configmaps",
    "events",
    "namespaces",
    "nodes",
    "pods",
    "replicationcontrollers",
    "serviceaccounts",
    "services",
)
_RBAC = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")


def _roots(*, old: bool) -> dict[str, tuple[str, ...]]:
    common: dict[str, tuple[str, ...]] = {
        "/api/v1": _CORE,
        "/apis/apps/v1": ("daemonsets", "deployments", "replicasets", "statefulsets"),
        "/apis/networking.k8s.io/v1": ("networkpolicies",),
        "/apis/rbac.authorization.k8s.io/v1": _RBAC,
        "/apis/scheduling.k8s.io/v1": ("priorityclasses",),
    }
    if old:
        return {
            **common,
            "/apis/autoscaling/v2beta2": ("horizontalpodautoscalers",),
            "/apis/batch/v1": ("jobs",),
            "/apis/batch/v1beta1": ("cronjobs",),
            "/apis/policy/v1beta1": ("poddisruptionbudgets",),
        }
    return {
        **common,
        "/apis/autoscaling/v2": ("horizontalpodautoscalers",),
        "/apis/batch/v1": ("jobs", "cronjobs"),
        "/apis/policy/v1": ("poddisruptionbudgets",),
        f"/apis/{METRICS}": ("nodes", "pods"),
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: to a list, to one object of it, or to a part of that object."""

    version: str
    namespace: str
    resource: str
    name: str = ""
    part: str = ""


_PATH = re.compile(
    r"(?P<root>/api/v1|/apis/[a-z0-9.]+/[a-z0-9]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>log))?"
)


def find_place(path: str, *, old: bool) -> Place | None:
    """Find out where a path leads; None where there is nothing, or nothing we may see."""
    if re.fullmatch(r"/api/v1/namespaces/[^/]+", path):
        return Place("v1", "", "namespaces", path.rsplit("/", 1)[1])
    match = _PATH.fullmatch(path)
    if match is None or match["resource"] not in _roots(old=old).get(match["root"], ()):
        return None
    version = match["root"].removeprefix("/apis/").removeprefix("/api/")
    namespace, name, part = match["namespace"] or "", match["name"] or "", match["part"] or ""
    return Place(version, namespace, match["resource"], name, part)


def discover(path: str, *, old: bool) -> Answer | None:
    """Answer what a client asks to find out what is offered; None for anything else."""
    if path == "/version":
        return Answer(200, orjson.dumps({"gitVersion": "v1.20.2" if old else "v1.29.4"}))
    if path == GROUPS:
        names = sorted(
            {root.split("/")[2] for root in _roots(old=old) if root.startswith("/apis/")}
        )
        groups = [{"name": name} for name in names]
        whole = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        return Answer(200, orjson.dumps(whole))
    offered = _roots(old=old).get(path)
    if offered is None:
        return None
    version = path.removeprefix("/apis/").removeprefix("/api/")
    resources = [{"name": name, "kind": KINDS[name], "verbs": ["get", "list"]} for name in offered]
    whole = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
    return Answer(200, orjson.dumps(whole))


def status(code: int, reason: str, message: str) -> Answer:
    """Answer as the API server says why it does not."""
    whole: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Answer(code, orjson.dumps(whole))
