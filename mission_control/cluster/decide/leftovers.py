"""What runs in the watched namespaces, and what of it the inventory does not know."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mission_control.cluster.decide.execution import is_execution_pod, is_execution_workload
from mission_control.cluster.decide.lists import CheckedLists
from mission_control.cluster.decide.ownership import Owners, WorkloadKey, pods_by_workload
from mission_control.cluster.model.facts import LIST_OF_KIND, ClusterFacts
from mission_control.cluster.model.objects import ObjectRef, PodFacts, WorkloadFacts
from mission_control.model.fleet import Fleet, KnownWorkload

_MADE_BY = {"ReplicaSet": "Deployment", "Job": "CronJob"}
"""Which workloads a controller makes for another one; of all others an owner says nothing."""


class RunningThing(NamedTuple):
    """
    A workload that nothing else owns, or a pod that no workload does, of which something runs.

    `why` says what shows that it runs. `by` says who knows it, empty where neither the inventory
    nor the fleet file does. `doubt` is why that is not known, empty where it is.
    """

    key: WorkloadKey
    why: str
    by: str = ""
    doubt: str = ""

    @property
    def title(self) -> str:
        """Name it as people do: `trading-floor/Deployment/strategy-engine`."""
        return "/".join(self.key)


def find_running_things(
    fleet: Fleet, facts: ClusterFacts, owners: Owners, checked: CheckedLists
) -> Iterator[RunningThing]:
    """
    Yield everything that runs or is wanted to run, each with who knows it.

    Something runs where a pod lives, pods are wanted or counted, a Job is active or a CronJob is
    not suspended. What a known workload owns is known with it: its pods, its ReplicaSets, and the
    Jobs of a CronJob. Listing what is recognised as execution does not make it known.
    """
    listed = {known.key: known for known in fleet.known_workloads}
    pods = pods_by_workload(facts, owners)
    for workload in facts.workloads:
        if _owner_seen(workload, owners):
            continue
        why = _why_running(workload, pods.get(workload.key, ()))
        if why:
            by = _who_knows(workload, owners, listed)
            yield RunningThing(workload.key, why, by, _doubt(workload, checked))
    for pod in facts.pods:
        if pod.live and not _owner_seen(pod, owners):
            key = (pod.namespace, "Pod", pod.name)
            known = None if is_execution_pod(pod, owners) else listed.get(key)
            owner = f", of {pod.owner}" if pod.owner else ", and nothing owns it"
            why = f"it is {pod.phase or 'of no phase'}{owner}"
            yield RunningThing(key, why, _listed(known), _doubt(pod, checked))


def _owner_seen(thing: WorkloadFacts | PodFacts, owners: Owners) -> bool:
    """Return whether it belongs to something else that was seen, which then is what runs."""
    owner = thing.owner
    if owner is None:
        return False
    if isinstance(thing, WorkloadFacts) and _MADE_BY.get(thing.kind) != owner.kind:
        return False
    return (thing.namespace, owner.kind, owner.name) in owners.workloads


def _why_running(workload: WorkloadFacts, pods: "list[PodFacts] | tuple[()]") -> str:
    live = sum(pod.live for pod in pods)
    if workload.kind == "CronJob" and workload.desired:
        return f"it is not suspended ({workload.schedule or 'without a schedule'})"
    if workload.desired or workload.actual or live:
        return f"{workload.desired} pods are wanted, {max(workload.actual, live)} are there"
    return ""


def _who_knows(
    workload: WorkloadFacts, owners: Owners, listed: Mapping[WorkloadKey, KnownWorkload]
) -> str:
    agent = owners.agents.get(workload.key) or owners.by_name.get(workload.name)
    if agent is not None:
        return f"the inventory, as {agent.agent_name}"
    if is_execution_workload(workload, owners):
        return ""
    return _listed(listed.get(workload.key))


def _listed(known: KnownWorkload | None) -> str:
    return "" if known is None else f"known_workloads, by {known.who}"


def _doubt(thing: WorkloadFacts | PodFacts, checked: CheckedLists) -> str:
    """Return why its owner is not known: the list that would show it is not whole."""
    owner: ObjectRef | None = thing.owner
    resource = LIST_OF_KIND.get(owner.kind) if owner is not None else None
    if resource is None or checked.is_whole(resource, thing.namespace):
        return ""
    return f"its owner {owner} was not seen, for the list of {resource} is not whole"
