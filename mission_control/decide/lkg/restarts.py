"""Decide: whether what was captured ran through its session as it is, and runs whole now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mission_control.decide.lkg.ownership import pods_by_workload
from mission_control.decide.lkg.parts import count, instant, mapping, mappings, name_of, text
from mission_control.decide.lkg.pinning import live_pods
from mission_control.model.cluster.raw import KubernetesObject
from mission_control.model.lkg import Component, LkgReason

RESTARTED = "RESTARTED"
RESTARTS_NOT_KNOWN = "RESTARTS_NOT_KNOWN"
NOT_READY = "NOT_READY"


def judge_pods(
    components: Sequence[Component],
    pods: Sequence[KubernetesObject],
    replica_sets: Sequence[KubernetesObject],
    since: datetime,
) -> Iterator[LkgReason]:
    """Say which pods were made or started again since an instant, and which are not ready."""
    owned = pods_by_workload(pods, replica_sets)
    for component in components:
        live = live_pods(owned.get((component.kind, component.name), ()))
        ready = sum(1 for pod in live if _is_ready(pod))
        if ready != component.replicas or len(live) != ready:
            told = f"{ready} of {len(live)} pods are ready, {component.replicas} are wanted"
            yield LkgReason(NOT_READY, f"{component.title}: {told}")
        for pod in live:
            yield from _judge_pod(component, pod, since)


def _is_ready(pod: KubernetesObject) -> bool:
    conditions = mappings(mapping(pod, "status").get("conditions"))
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _judge_pod(component: Component, pod: KubernetesObject, since: datetime) -> Iterator[LkgReason]:
    name = f"{component.title}: pod {name_of(pod)}"
    made = instant(mapping(pod, "metadata").get("creationTimestamp"))
    if made is None:
        yield LkgReason(RESTARTS_NOT_KNOWN, f"{name} does not tell when it was made")
    elif made > since:
        yield LkgReason(RESTARTED, f"{name} was made at {made:%H:%M:%S} UTC, after the open")
    status = mapping(pod, "status")
    told = {
        text(s.get("name")): s
        for group in ("initContainerStatuses", "containerStatuses")
        for s in mappings(status.get(group))
    }
    for pin in component.containers:
        why = _judge_container(told.get(pin.name), since, init=pin.init)
        if why is not None:
            yield LkgReason(why[0], f"{name}, container {pin.name}: {why[1]}")


def _judge_container(
    status: Mapping[str, Any] | None, since: datetime, *, init: bool
) -> tuple[str, str] | None:
    if status is None:
        return RESTARTS_NOT_KNOWN, "its state is not told"
    again = _judge_restarts(status, since)
    if again is not None:
        return again
    began = instant(mapping(status, "state", "running").get("startedAt"))
    if init and began is None:  # one that runs first is over long ago
        began = instant(mapping(status, "state", "terminated").get("finishedAt"))
    if began is None:
        return RESTARTS_NOT_KNOWN, "it does not tell since when it runs"
    return (
        (RESTARTED, f"it began at {began:%H:%M:%S} UTC, after the open") if began > since else None
    )


def _judge_restarts(status: Mapping[str, Any], since: datetime) -> tuple[str, str] | None:
    """
    Judge when it last ended, where it was started again: in the session, or before it.

    One that ended before the open may have waited and begun after it: its beginning counts too.
    """
    if count(status.get("restartCount"), -1) == 0:
        return None
    ended = instant(mapping(status, "lastState", "terminated").get("finishedAt"))
    if ended is None:
        return RESTARTS_NOT_KNOWN, "it was started again, and does not tell when"
    at = f"{ended:%H:%M:%S} UTC"
    return (RESTARTED, f"it ended and was started again at {at}") if ended > since else None
