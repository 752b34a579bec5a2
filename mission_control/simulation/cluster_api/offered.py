"""Simulation: what the API offers, and where each thing stands in it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import orjson

from mission_control.simulation.answers import Answer

CUSTOM = {
    "argoproj.io": (
        "v1alpha1",
        {
            "applications": "Application",
            "cronworkflows": "CronWorkflow",
            "rollouts": "Rollout",
            "sensors": "Sensor",
        },
    ),
    "keda.sh": ("v1alpha1", {"scaledjobs": "ScaledJob", "scaledobjects": "ScaledObject"}),
    "serving.knative.dev": (
        "v1",
        {"configurations": "Configuration", "revisions": "Revision", "services": "Service"},
    ),
}
"""Groups that come with other programs, offered where a stage has them installed."""
KINDS = {
    **{f"{r}.{group}": kind for group, (_, kinds) in CUSTOM.items() for r, kind in kinds.items()},
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


def _roots(*, old: bool, installed: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    custom = {f"/apis/{g}/{CUSTOM[g][0]}": tuple(CUSTOM[g][1]) for g in installed}
    common: dict[str, tuple[str, ...]] = {
        **custom,
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


def find_place(path: str, *, old: bool, installed: Collection[str] = ()) -> Place | None:
    """Find out where a path leads; None where there is nothing, or nothing we may see."""
    if re.fullmatch(r"/api/v1/namespaces/[^/]+", path):
        return Place("v1", "", "namespaces", path.rsplit("/", 1)[1])
    match = _PATH.fullmatch(path)
    offered = _roots(old=old, installed=installed)
    if match is None or match["resource"] not in offered.get(match["root"], ()):
        return None
    resource, group = match["resource"], match["root"].split("/")[2]
    version = match["root"].removeprefix("/apis/").removeprefix("/api/")
    namespace, name, part = match["namespace"] or "", match["name"] or "", match["part"] or ""
    listed = f"{resource}.{group}" if group in CUSTOM else resource
    return Place(version, namespace, listed, name, part)


def discover(path: str, *, old: bool, installed: Collection[str] = ()) -> Answer | None:
    """Answer what a client asks to find out what is offered; None for anything else."""
    if path == "/version":
        return Answer(200, orjson.dumps({"gitVersion": "v1.20.2" if old else "v1.29.4"}))
    if path == GROUPS:
        roots = [r for r in _roots(old=old, installed=installed) if r.startswith("/apis/")]
        names = sorted({root.split("/")[2] for root in roots})
        groups = [{"name": name} for name in names]
        whole = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        return Answer(200, orjson.dumps(whole))
    offered = _roots(old=old, installed=installed).get(path)
    if offered is None:
        return None
    group = path.split("/")[2]
    known = CUSTOM[group][1] if group in CUSTOM else KINDS
    version = path.removeprefix("/apis/").removeprefix("/api/")
    resources = [{"name": name, "kind": known[name], "verbs": ["get", "list"]} for name in offered]
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
