"""Simulation: every workload and pod of the cluster at one instant."""

from collections.abc import Iterator
from datetime import datetime

from mission_control.simulation.cluster_api.building import (
    STARTED,
    Object,
    container_status,
    counts,
    labels_of,
    metadata,
    owned_by,
    pod_spec,
    pods_of,
    replica_set_name,
    stamp,
)
from mission_control.simulation.cluster_api.planned import PLANNED, Planned
from mission_control.simulation.cluster_stage import ClusterStage, WorkloadTwist

Placed = tuple[str, str, Object]
"""An object with its namespace and the plural name of its kind."""

_FEW = {"maxUnavailable": "25%", "maxSurge": "25%"}
_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}


def workload_objects(at: datetime, stage: ClusterStage) -> Iterator[Placed]:
    """Give every workload with what belongs to it."""
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
    """Give what a Deployment's controller tells of its last rollout: it is through, or stopped."""
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
    # As the controller does: each minute has a Job of its own, which bears the minute's number.
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
