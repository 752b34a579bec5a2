"""Every object of the cluster at one instant."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mission_control.model.cluster_identity import NAMESPACE
from mission_control.simulation.roster import EXECUTION, FLOOR, PLANNED, Planned
from mission_control.simulation.scenario import ClusterStage, WorkloadTwist

Object = dict[str, Any]
DEPLOYED = timedelta(days=3)
STARTED = timedelta(hours=20)


def stamp(instant: datetime) -> str:
    """Write an instant as the API does."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def identity(*parts: str) -> str:
    """Return a UID, always the same for the same parts."""
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def metadata(
    namespace: str, name: str, at: datetime, labels: Mapping[str, str] | None = None
) -> Object:
    """Return the metadata of an object."""
    made: Object = {
        "name": name,
        "uid": identity(namespace, name),
        "resourceVersion": str(1000 + len(name)),
        "generation": 1,
        "creationTimestamp": stamp(at - DEPLOYED),
        "labels": dict(labels or {}),
    }
    if namespace:
        made["namespace"] = namespace
    return made


def owned_by(kind: str, name: str, namespace: str) -> list[Object]:
    """Return the owner references of an object that a controller owns."""
    owner = {"kind": kind, "name": name, "uid": identity(namespace, name)}
    return [{**owner, "apiVersion": "apps/v1", "controller": True, "blockOwnerDeletion": True}]


def labels_of(planned: Planned) -> Object:
    """Return a workload's labels: outside v2 only its name."""
    if not planned.part_of:
        return {"app": planned.name}
    return {
        "app": planned.name,
        "app.kubernetes.io/name": "agenttrader",
        "app.kubernetes.io/part-of": planned.part_of,
        "app.kubernetes.io/component": planned.component,
        "app.kubernetes.io/instance": planned.name,
    }


def pod_spec(planned: Planned, twist: WorkloadTwist) -> Object:
    """Return a pod's specification."""
    probe = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10}
    container: Object = {
        "name": planned.name,
        "image": twist.image or planned.image,
        "imagePullPolicy": "IfNotPresent",
        "env": list(_environment(planned, twist)),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "512Mi"},
        },
    }
    if planned.kind != "CronJob":
        container |= {"readinessProbe": probe, "livenessProbe": probe}
    spec: Object = {
        "containers": [container],
        "serviceAccountName": planned.service_account or "default",
        "restartPolicy": "OnFailure" if planned.kind == "CronJob" else "Always",
    }
    if planned.init:
        env = [{"name": name, "value": value} for name, value in twist.init_env.items()]
        spec["initContainers"] = [{"name": "schema-check", "image": planned.init, "env": env}]
    return spec


def _environment(planned: Planned, twist: WorkloadTwist) -> Iterator[Object]:
    for name, value in {**planned.env, **twist.env}.items():
        if name not in twist.env_refs:
            yield {"name": name, "value": value}
    for name, (kind, source, key) in twist.env_refs.items():
        field = "secretKeyRef" if kind == "Secret" else "configMapKeyRef"
        yield {"name": name, "valueFrom": {field: {"name": source, "key": key}}}
    if planned.switched and "EXECUTION_HALTED" not in twist.env:
        ref = {"name": "agenttrader-kill-switch", "key": "EXECUTION_HALTED"}
        yield {"name": "EXECUTION_HALTED", "valueFrom": {"configMapKeyRef": ref}}
        path = "/etc/agenttrader/kill-switch/EXECUTION_HALTED"
        yield {"name": "EXECUTION_HALTED_FILE", "value": path}
    if planned.component == "marketdata-mcp-server":
        key = {"name": "trader-secrets", "key": "APCA_API_KEY_ID"}
        yield {"name": "APCA_API_KEY_ID", "valueFrom": {"secretKeyRef": key}}


def counts(planned: Planned, twist: WorkloadTwist) -> tuple[int, int]:
    """Return how many pods are wanted, and how many of them are ready."""
    wanted = planned.replicas if twist.replicas is None else twist.replicas
    stuck = bool(twist.waiting or twist.init_waiting or twist.pending)
    ready = (0 if stuck else wanted) if twist.ready is None else twist.ready
    return wanted, min(ready, wanted)


def pods_of(planned: Planned, twist: WorkloadTwist, at: datetime) -> Sequence[Object]:
    """Return the pods of a Deployment or StatefulSet."""
    wanted, ready = counts(planned, twist)
    odd = replace(twist, image=twist.odd_image or twist.image)
    return [
        _pod(planned, twist if number else odd, number, at, ready=number < ready)
        for number in range(wanted)
    ]


def _pod(
    planned: Planned, twist: WorkloadTwist, number: int, at: datetime, *, ready: bool
) -> Object:
    kind, owner = planned.kind, planned.name
    name = f"{planned.name}-{number}"
    if kind == "Deployment":
        kind, owner = "ReplicaSet", replica_set_name(planned)
        name = f"{owner}-{identity(planned.name, str(number))[:5]}"
    meta = metadata(planned.namespace, name, at, labels_of(planned))
    meta["ownerReferences"] = owned_by(kind, owner, planned.namespace)
    pending = bool(twist.pending) and not ready
    spec = {**pod_spec(planned, twist), "nodeName": "" if pending else f"node-{number + 1}"}
    return {"metadata": meta, "spec": spec, "status": _pod_status(spec, twist, at, ready=ready)}


def _pod_status(spec: Object, twist: WorkloadTwist, at: datetime, *, ready: bool) -> Object:
    since = stamp(at - STARTED)
    conditions: list[Object] = [{"type": "Ready", "status": "True" if ready else "False"}]
    if twist.pending and not ready:
        unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        return {"phase": "Pending", "conditions": [{**unscheduled, "message": twist.pending}]}
    inits = [
        container_status(c, twist.init_waiting, 0, since, done=not twist.init_waiting)
        for c in spec.get("initContainers", ())
    ]
    waiting = "PodInitializing" if twist.init_waiting else twist.waiting
    mains = [
        container_status(c, waiting, twist.restarts, since, ready=ready) for c in spec["containers"]
    ]
    phase = "Pending" if twist.init_waiting or twist.waiting.startswith(("Image", "Err")) else ""
    return {
        "phase": phase or "Running",
        "podIP": "10.8.0.7",
        "podIPs": [{"ip": "10.8.0.7"}],
        "startTime": since,
        "conditions": [*conditions, {"type": "PodScheduled", "status": "True"}],
        "initContainerStatuses": inits,
        "containerStatuses": mains,
    }


def container_status(
    container: Object,
    waiting: str,
    restarts: int,
    since: str,
    *,
    ready: bool = False,
    done: bool = False,
) -> Object:
    """Return the status of one container."""
    image = container["image"]
    pulled = not waiting.startswith(("Image", "Err", "Pod"))
    state: Object = {"running": {"startedAt": since}}
    if waiting:
        state = {"waiting": {"reason": waiting}}
    elif done:
        state = {"terminated": {"reason": "Completed", "exitCode": 0, "finishedAt": since}}
    status: Object = {
        "name": container["name"],
        "image": image,
        "imageID": f"docker-pullable://{image_id(image)}" if pulled else "",
        "ready": ready or done,
        "restartCount": restarts,
        "state": state,
    }
    if restarts:
        ended = {"reason": "Error", "exitCode": 1, "finishedAt": since}
        status["lastState"] = {"terminated": ended}
    return status


def image_id(image: str) -> str:
    """Return the digest reference that a node reports for an image: made up from its name."""
    return f"{image.partition(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def replica_set_name(planned: Planned) -> str:
    """Return the name of a Deployment's only ReplicaSet."""
    return f"{planned.name}-{identity('replicaset', planned.name)[:8]}"


Placed = tuple[str, str, Object]
"""An object with its namespace and the plural name of its kind."""

_FEW = {"maxUnavailable": "25%", "maxSurge": "25%"}
_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}


def workload_objects(at: datetime, stage: ClusterStage) -> Iterator[Placed]:
    """Yield every workload with its ReplicaSet, jobs and pods."""
    for planned in PLANNED:
        twist = stage.twist(planned.name)
        if twist.absent:
            continue
        if planned.kind == "CronJob":
            yield from _cron_job(planned, twist, at)
        else:
            yield from _running(planned, twist, at)


def _running(planned: Planned, twist: WorkloadTwist, at: datetime) -> Iterator[Placed]:
    namespace = planned.namespace
    workload = _workload(planned, twist, at)
    yield namespace, _PLURALS[planned.kind], workload
    if planned.kind == "Deployment":
        replica_set = _workload(planned, twist, at)
        named = metadata(namespace, replica_set_name(planned), at, labels_of(planned))
        named["ownerReferences"] = owned_by("Deployment", planned.name, namespace)
        yield namespace, "replicasets", {**replica_set, "metadata": named}
    for pod in pods_of(planned, twist, at):
        yield namespace, "pods", pod


def _workload(planned: Planned, twist: WorkloadTwist, at: datetime) -> Object:
    wanted, ready = counts(planned, twist)
    status: Object = {"observedGeneration": 1}
    if wanted:
        updated = wanted if twist.updated is None else twist.updated
        status |= {"replicas": wanted, "updatedReplicas": updated}
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    strategy: Object = {}
    if planned.kind == "Deployment":
        strategy = {"strategy": {"type": "RollingUpdate", "rollingUpdate": _FEW}}
        status["conditions"] = list(_conditions(twist, wanted, ready, at))
    elif planned.kind == "StatefulSet":
        strategy = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
        revision = f"{planned.name}-5c8d7f9b6"
        status |= {"currentRevision": revision, "updateRevision": revision}
        status["currentReplicas"] = wanted
    template = {"metadata": {"labels": labels_of(planned)}, "spec": pod_spec(planned, twist)}
    return {
        "metadata": metadata(planned.namespace, planned.name, at, labels_of(planned)),
        "spec": {
            "replicas": wanted,
            **strategy,
            "selector": {"matchLabels": {"app": planned.name}},
            "template": template,
        },
        "status": status,
    }


def _conditions(twist: WorkloadTwist, wanted: int, ready: int, at: datetime) -> Iterator[Object]:
    """Yield the conditions of a Deployment's last rollout: it is complete, or stopped."""
    since = stamp(at - STARTED)
    least = wanted - max(1, wanted // 4) if wanted > 1 else wanted
    times = {"lastUpdateTime": since, "lastTransitionTime": since}
    there = {"status": "True", "reason": "MinimumReplicasAvailable"}
    if ready < least:
        there = {"status": "False", "reason": "MinimumReplicasUnavailable"}
    yield {"type": "Available", **there, **times}
    through = {"status": "True", "reason": "NewReplicaSetAvailable"}
    if twist.updated is not None and twist.updated < wanted:
        through = {"status": "False", "reason": "ProgressDeadlineExceeded"}
    yield {"type": "Progressing", **through, **times}


def _cron_job(planned: Planned, twist: WorkloadTwist, at: datetime) -> Iterator[Placed]:
    namespace = planned.namespace
    template = {"metadata": {"labels": labels_of(planned)}, "spec": pod_spec(planned, twist)}
    suspended = not (planned.replicas if twist.replicas is None else twist.replicas)
    yield (
        namespace,
        "cronjobs",
        {
            "metadata": metadata(namespace, planned.name, at, labels_of(planned)),
            "spec": {
                "schedule": planned.schedule,
                "suspend": suspended,
                "jobTemplate": {"spec": {"template": template}},
            },
            "status": {},
        },
    )
    if suspended:
        return
    # As the controller does: each minute has its own Job, named by the number of the minute.
    minute = at.replace(second=0, microsecond=0)
    name, since = f"{planned.name}-{int(minute.timestamp()) // 60}", stamp(minute)
    meta = metadata(namespace, name, at, labels_of(planned))
    meta["ownerReferences"] = owned_by("CronJob", planned.name, namespace)
    status = {"succeeded": 1, "startTime": since, "completionTime": since}
    job = {"metadata": meta, "spec": {"parallelism": 1, "template": template}, "status": status}
    yield namespace, "jobs", job
    yield namespace, "pods", _finished_pod(planned, twist, name, at)


def _finished_pod(planned: Planned, twist: WorkloadTwist, job: str, at: datetime) -> Object:
    meta = metadata(planned.namespace, f"{job}-x7k2p", at, labels_of(planned))
    meta["ownerReferences"] = owned_by("Job", job, planned.namespace)
    spec: Object = {**pod_spec(planned, twist), "nodeName": "node-1"}
    since = stamp(at - STARTED)
    states = [
        {**container_status(c, "", 0, since, done=True), "ready": False} for c in spec["containers"]
    ]
    status = {"phase": "Succeeded", "startTime": since, "containerStatuses": states}
    return {"metadata": meta, "spec": spec, "status": status}


SERVICES = (
    ("marketdata-mcp-server", "marketdata-mcp-server"),
    ("agenttrader-marketdata-mcp-server", "marketdata-mcp-server"),
    ("agenttrader-gamma-strategy", "gamma-strategy"),
    ("agenttrader-whale-strategy", "whale-strategy"),
    ("strategy-engine", "strategy-engine"),
    ("agenttrader-strategy-engine", "strategy-engine"),
    ("agenttrader-execution-agent", "execution-engine"),
    ("mission-control", "mission-control"),
    ("agenttrader-ops-ui", "agenttrader-ops-ui"),
)
_READING = ["get", "list", "watch"]
_NAMED: dict[str, list[str]] = {
    "": ["configmaps", "events", "pods", "pods/log", "serviceaccounts", "services"],
    "apps": ["daemonsets", "deployments", "replicasets", "statefulsets"],
    "batch": ["cronjobs", "jobs"],
    "networking.k8s.io": ["networkpolicies"],
    "policy": ["poddisruptionbudgets"],
    "rbac.authorization.k8s.io": ["rolebindings", "roles"],
}


def other_objects(at: datetime, stage: ClusterStage, switch: str | None) -> Iterator[Placed]:
    """Yield everything that is no workload; `switch` is the kill switch's value, or None."""
    yield from _config_maps(at, stage, switch)
    yield from _access(at)
    yield from _network(at)
    yield from _nodes(at, stage)
    yield from _events(at, stage)


def _config_maps(at: datetime, stage: ClusterStage, switch: str | None) -> Iterator[Placed]:
    held: dict[str, dict[str, str]] = {
        "agenttrader-safety": {"KILL_SWITCH": "true", "STALE_THRESHOLD_SECONDS": "30"},
        "agenttrader-heartbeat-marketdata-mcp-server": {"last_seen": stamp(at)},
        "agenttrader-modes": {"AGENT_MODE": "OBSERVE", "TRADING_MODE": "paper"},
    }
    if switch is not None:
        held["agenttrader-kill-switch"] = {stage.kill_switch_key: switch}
    for name, data in sorted(held.items()):
        yield FLOOR, "configmaps", {"metadata": metadata(FLOOR, name, at), "data": data}


def _access(at: datetime) -> Iterator[Placed]:
    accounts = {(p.namespace, p.service_account) for p in PLANNED if p.service_account}
    for namespace, name in sorted(accounts | {(FLOOR, "default"), (EXECUTION, "default")}):
        yield namespace, "serviceaccounts", {"metadata": metadata(namespace, name, at)}
    rules = [{"apiGroups": [g], "resources": r, "verbs": _READING} for g, r in _NAMED.items()]
    subject = {"kind": "ServiceAccount", "name": "mission-control", "namespace": FLOOR}
    for namespace in (FLOOR, EXECUTION):
        meta = metadata(namespace, "mission-control-reader", at)
        yield namespace, "roles", {"metadata": meta, "rules": rules}
        ref = {"kind": "Role", "name": "mission-control-reader"}
        yield namespace, "rolebindings", {"metadata": meta, "roleRef": ref, "subjects": [subject]}
    meta = metadata("", "mission-control-reader", at)
    nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": _READING}
    named = {
        "apiGroups": [""],
        "resources": ["namespaces"],
        "resourceNames": [EXECUTION, NAMESPACE, FLOOR],
        "verbs": ["get"],
    }
    group, classes = "scheduling.k8s.io", "priorityclasses"
    ranks = {"apiGroups": [group], "resources": [classes], "verbs": _READING}
    yield "", "clusterroles", {"metadata": meta, "rules": [nodes, named, ranks]}
    ref = {"kind": "ClusterRole", "name": "mission-control-reader"}
    yield "", "clusterrolebindings", {"metadata": meta, "roleRef": ref, "subjects": [subject]}


def _network(at: datetime) -> Iterator[Placed]:
    for name, target in SERVICES:
        spec = {
            "type": "ClusterIP",
            "clusterIP": "10.0.0.9",
            "selector": {"app": target},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        }
        yield FLOOR, "services", {"metadata": metadata(FLOOR, name, at), "spec": spec}
    deny: Object = {"podSelector": {}, "policyTypes": ["Ingress"]}
    named = metadata(FLOOR, "default-deny-ingress", at)
    yield FLOOR, "networkpolicies", {"metadata": named, "spec": deny}
    budget: Object = {"minAvailable": 1, "selector": {"matchLabels": {"app": "strategy-engine"}}}
    named = metadata(FLOOR, "strategy-engine", at)
    yield FLOOR, "poddisruptionbudgets", {"metadata": named, "spec": budget}


def _nodes(at: datetime, stage: ClusterStage) -> Iterator[Placed]:
    for number in (1, 2):
        pressure = [
            {"type": kind, "status": "False"}
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
        ]
        status = {
            "conditions": [*pressure, {"type": "Ready", "status": "True"}],
            "allocatable": {"cpu": "4", "memory": "16Gi"},
            "nodeInfo": {"kubeletVersion": "v1.29.4"},
        }
        named = metadata("", f"node-{number}", at)
        yield "", "nodes", {"metadata": named, "spec": {}, "status": status}
    named = metadata("", "high-priority", at)
    yield "", "priorityclasses", {"metadata": named, "value": 1_000_000}
    for name in (FLOOR, EXECUTION, NAMESPACE):
        about = metadata("", name, at) | {"uid": identity(stage.of, name)}
        yield "", "namespaces", {"metadata": about, "status": {"phase": "Active"}}


def _events(at: datetime, stage: ClusterStage) -> Iterator[Placed]:
    for planned in PLANNED:
        twist = stage.twist(planned.name)
        if not twist.warning:
            continue
        name = f"{planned.name}.17d2f1"
        about = {"kind": planned.kind, "name": planned.name, "namespace": planned.namespace}
        event = {
            "metadata": metadata(planned.namespace, name, at),
            "involvedObject": about,
            "type": "Warning",
            "reason": "BackOff",
            "message": twist.warning,
            "count": 7,
            "lastTimestamp": stamp(at - timedelta(minutes=2)),
        }
        yield planned.namespace, "events", event
