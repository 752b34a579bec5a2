"""A namespace as raw objects of the Kubernetes API, which tests hurt before it is captured."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from mission_control.last_known_good.decide.manifest import ReadNamespace, make_manifest
from mission_control.last_known_good.model import (
    LKG_LISTS,
    PRIORITY_CLASSES,
    LkgManifest,
    LkgRefused,
)

FLOOR = "trading-floor"
OPEN = datetime(2026, 11, 18, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 18, 21, 0, tzinfo=UTC)
AT = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ENGINE, GAMMA, RESTING = "strategy-engine", "gamma-strategy", "execution-engine"


def metadata(name: str, **more: Any) -> dict[str, Any]:
    """Return metadata as a server writes it, with everything that binds it to its cluster."""
    return {
        "name": name,
        "namespace": FLOOR,
        "uid": f"uid-{name}",
        "resourceVersion": "1042",
        "generation": 3,
        "creationTimestamp": "2026-11-10T10:00:00Z",
        "selfLink": f"/x/{name}",
        "managedFields": [{"manager": "kubectl", "time": "2026-11-10T10:00:00Z"}],
        "finalizers": ["x/y"],
        "ownerReferences": [],
        "labels": {"app": name},
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "deployment.kubernetes.io/revision": "7",
            "agenttrader.dev/git_sha": "54afffe",
        },
        **more,
    }


def container(name: str, image: str = "r/x:1", **more: Any) -> dict[str, Any]:
    """Return a container of a pod template."""
    env = [{"name": "AGENT_MODE", "value": "OBSERVE"}, {"name": "TRADING_MODE", "value": "paper"}]
    return {"name": name, "image": image, "env": env, **more}


def workload(kind: str, name: str, replicas: int = 1) -> dict[str, Any]:
    """Return a workload that has settled, with an init container."""
    template = {
        "metadata": {"creationTimestamp": None, "labels": {"app": name}},
        "spec": {
            "initContainers": [container("check")],
            "containers": [container("main")],
            "serviceAccountName": "trading-floor-sa",
            "priorityClassName": "high-priority",
        },
    }
    status = {"observedGeneration": 3, "replicas": replicas, "updatedReplicas": replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata(name),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
        "status": status,
    }


def owner(kind: str, name: str) -> list[dict[str, Any]]:
    """Return who controls an object."""
    return [{"kind": "Node", "name": "x"}, {"kind": kind, "name": name, "controller": True}]


def status_of(name: str, image_id: str, *, init: bool = False) -> dict[str, Any]:
    """Return how a container fares that has run since the day before."""
    since = "2026-11-17T20:00:00Z"
    ended = {"terminated": {"finishedAt": since, "exitCode": 0}}
    state = ended if init else {"running": {"startedAt": since}}
    return {"name": name, "imageID": image_id, "restartCount": 0, "state": state, "lastState": {}}


def pod(kind: str, of: str, number: int = 0, digest: str = A) -> dict[str, Any]:
    """Return a ready pod of a ReplicaSet or StatefulSet."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(f"{of}-{number}", ownerReferences=owner(kind, of)),
        "spec": {},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "initContainerStatuses": [status_of("check", f"docker://r/x@{B}", init=True)],
            "containerStatuses": [status_of("main", f"docker-pullable://r/x@{digest}")],
        },
    }


def plain(kind: str, name: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    """Return any other object."""
    return {"apiVersion": version, "kind": kind, "metadata": metadata(name), **more}


class RawNamespace:
    """The floor's namespace; a Deployment, a StatefulSet, and execution at 0 replicas."""

    def __init__(self) -> None:
        """Make everything well."""
        self.itself = plain("Namespace", FLOOR, spec={"finalizers": ["kubernetes"]},
                            status={"phase": "Active"})  # fmt: skip
        del self.itself["metadata"]["namespace"]
        self.lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LKG_LISTS}
        switch = {"EXECUTION_HALTED": "1"}
        self.lists["configmaps"] = [
            plain("ConfigMap", "agenttrader-safety", data={"KILL_SWITCH": "true"}),
            plain("ConfigMap", "agenttrader-kill-switch", data=switch),
            plain("ConfigMap", "heartbeat", data={"last_seen": "now"}),
        ]
        self.lists["serviceaccounts"] = [
            plain("ServiceAccount", "trading-floor-sa", secrets=[{"name": "sa-token-x"}])
        ]
        port = {"name": "http", "port": 80, "nodePort": 30080}
        address = {"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"],
                   "ipFamilyPolicy": "SingleStack", "healthCheckNodePort": 30900}  # fmt: skip
        self.lists["services"] = [
            plain("Service", ENGINE, spec={**address, "type": "NodePort", "ports": [port]},
                  status={"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}),
        ]  # fmt: skip
        self.lists["cronjobs"] = [
            plain("CronJob", "writer", "batch/v1", spec={
                "schedule": "* * * * *",
                "jobTemplate": {
                    "metadata": {"creationTimestamp": None},
                    "spec": {"template": {"metadata": {"creationTimestamp": None},
                                          "spec": {"containers": [container("w", "k/k:1")]}}},
                },
            })
        ]  # fmt: skip
        self.lists["deployments"] = [workload("Deployment", ENGINE, 2),
                                     workload("Deployment", RESTING, 0)]  # fmt: skip
        self.lists["statefulsets"] = [workload("StatefulSet", GAMMA)]
        self.lists["replicasets"] = [
            {**workload("ReplicaSet", f"{ENGINE}-7", 2),
             "metadata": metadata(f"{ENGINE}-7", ownerReferences=owner("Deployment", ENGINE))}
        ]  # fmt: skip
        self.lists["pods"] = [pod("ReplicaSet", f"{ENGINE}-7", n) for n in (0, 1)]
        self.lists["pods"].append(pod("StatefulSet", GAMMA))
        self.lists[PRIORITY_CLASSES] = [
            plain("PriorityClass", "high-priority", "scheduling.k8s.io/v1", value=1_000_000),
            plain("PriorityClass", "unnamed", "scheduling.k8s.io/v1", value=1),
        ]
        for each in self.lists[PRIORITY_CLASSES]:
            del each["metadata"]["namespace"]

    def one(self, resource: str, name: str) -> dict[str, Any]:
        """Find an object by its name."""
        return next(o for o in self.lists[resource] if o["metadata"]["name"] == name)

    def container(self, name: str = ENGINE, resource: str = "deployments") -> dict[str, Any]:
        """Return the main container of a workload."""
        return self.one(resource, name)["spec"]["template"]["spec"]["containers"][0]

    def read(self) -> ReadNamespace:
        """Return it as it is read; what is read is never changed by who decides."""
        lists = {name: tuple(copy.deepcopy(held)) for name, held in self.lists.items()}
        return ReadNamespace(FLOOR, copy.deepcopy(self.itself), lists, AT)

    def capture(self) -> LkgManifest:
        """Make its manifest, which must not be refused."""
        made = make_manifest(self.read())
        assert isinstance(made, LkgManifest), made
        return made

    def refusal(self) -> str:
        """Return why there is no manifest, in one line."""
        made = make_manifest(self.read())
        assert isinstance(made, LkgRefused), "it was captured"
        return "; ".join(made.reasons)


HOUR = timedelta(hours=1)
