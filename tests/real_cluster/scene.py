"""Sets the scene on a real API server: the simulated cluster's own objects, stored for real."""

from datetime import UTC, datetime

from mission_control.simulation.cluster_api import KINDS, Staging, objects_of
from mission_control.simulation.scenario import ClusterStage

AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
ROOTS = {
    "configmaps": "/api/v1",
    "cronjobs": "/apis/batch/v1beta1",
    "deployments": "/apis/apps/v1",
    "events": "/api/v1",
    "jobs": "/apis/batch/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "nodes": "/api/v1",
    "poddisruptionbudgets": "/apis/policy/v1beta1",
    "pods": "/api/v1",
    "replicasets": "/apis/apps/v1",
    "serviceaccounts": "/api/v1",
    "services": "/api/v1",
    "statefulsets": "/apis/apps/v1",
}
"""Where 1.20 takes each kind; roles and bindings come from our own manifest."""
_SERVER_SETS = ("uid", "resourceVersion", "creationTimestamp", "generation")


def set_scene(server, stage=None, switch="1") -> None:
    """Store every object of the simulated cluster in a stage, with its status."""
    for (namespace, resource), objects in sorted(
        objects_of(Staging(AT, stage or ClusterStage(), switch)).items()
    ):
        if resource in ROOTS:
            for each in objects:
                store(server, namespace, resource, each)


def store(server, namespace, resource, made) -> None:
    """Store one object, and then its status."""
    root = ROOTS[resource]
    meta = {k: v for k, v in made["metadata"].items() if k not in _SERVER_SETS}
    version = root.removeprefix("/apis/").removeprefix("/api/")
    whole = {**made, "metadata": meta, "kind": KINDS[resource], "apiVersion": version}
    _fit(resource, whole)
    path = f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}"
    answer = server.ask("POST", path, whole)
    if answer.status_code == 409:
        return
    assert answer.status_code == 201, f"{resource} {meta['name']}: {answer.text}"
    if "status" in made and resource != "namespaces":
        stored = {**answer.json(), "status": made["status"]}
        told = server.ask("PUT", f"{path}/{meta['name']}/status", stored)
        assert told.status_code == 200, f"{resource} {meta['name']}: {told.text}"


def _fit(resource, whole) -> None:
    """Add what a real server asks for and the simulated one leaves out."""
    if resource == "services":
        whole["spec"] = {k: v for k, v in whole["spec"].items() if k != "clusterIP"}
    if resource == "statefulsets":
        whole["spec"] = {**whole["spec"], "serviceName": whole["metadata"]["name"]}
