"""Decide: which workloads execute orders, what they state, and whether all are proven off."""

import re
from collections.abc import Iterator, Mapping

from mission_control.decide.cluster.ownership import Owners
from mission_control.model.cluster.facts import ClusterFacts
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.fleet import Agent, Fleet, Kind

PATTERN = re.compile(r"execution|executor|exec-engine|order-router")
"""Names that execution goes by (semantics, section 3)."""
_LABELS = (
    "app",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/name",
    "component",
)


def executes(agent: Agent | None, name: str, *labels: Mapping[str, str]) -> bool:
    """Tell whether a workload or pod executes orders: by inventory, by name or by label."""
    if agent is not None and agent.kind is Kind.EXECUTION:
        return True
    texts = (name, *(each[key] for each in labels for key in _LABELS if key in each))
    return any(PATTERN.search(text.casefold()) for text in texts)


def is_execution_workload(workload: WorkloadFacts, owners: Owners) -> bool:
    """Tell whether a workload executes orders, or belongs to one that does."""
    agent, root = owners.agent_of(workload), owners.root(workload)
    named = executes(agent, workload.name, workload.labels, workload.pod_labels)
    return named or (root is not None and PATTERN.search(root.name.casefold()) is not None)


def is_execution_pod(pod: PodFacts, owners: Owners) -> bool:
    """Tell whether a pod executes orders, or belongs to a workload that does."""
    workload = owners.workload_of(pod)
    if executes(owners.agent_of(workload) if workload else None, pod.name, pod.labels):
        return True
    if workload is not None:
        return is_execution_workload(workload, owners)
    return pod.owner is not None and PATTERN.search(pod.owner.name.casefold()) is not None


def why_running(workload: WorkloadFacts) -> str:
    """Say why an execution workload is not off; empty where nothing of it runs or is wanted."""
    if workload.kind == "CronJob":
        return "" if workload.desired == 0 and workload.actual == 0 else "it is not suspended"
    if workload.desired == 0 and workload.actual == 0:
        return ""
    return f"{workload.desired} pods are wanted and {workload.actual} are there"


def is_execution_settled(fleet: Fleet, facts: ClusterFacts, owners: Owners) -> bool:
    """
    Tell whether whole lists show of everything that executes orders whether it runs.

    Nothing is shown of an execution agent whose workload stands in a namespace that nobody
    watches, nor of a workload whose newest specification its controller has not taken up.
    """
    hidden = any(
        a.kind is Kind.EXECUTION
        and a.workload is not None
        and a.workload.namespace not in facts.namespaces
        for a in fleet.agents
    )
    unsettled = any(not w.observed for w in facts.workloads if is_execution_workload(w, owners))
    return not (hidden or unsettled)


def find_running(
    workloads: tuple[WorkloadFacts, ...], pods: tuple[PodFacts, ...], owners: Owners
) -> Iterator[tuple[WorkloadFacts | PodFacts, str]]:
    """Give every execution workload and pod that is not off, and why."""
    for workload in workloads:
        if is_execution_workload(workload, owners) and (why := why_running(workload)):
            yield workload, why
    for pod in pods:
        if pod.live and is_execution_pod(pod, owners):
            yield pod, f"the pod is live: {pod.phase or 'its phase is not told'}"
