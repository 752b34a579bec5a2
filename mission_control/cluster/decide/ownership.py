"""Who owns what in the cluster, and which agent of the inventory it belongs to."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.cluster.model.objects import ObjectRef, PodFacts, StarterFacts, WorkloadFacts
from mission_control.model.execution_rules import NOTHING_ADDED, ExecutionRules
from mission_control.model.fleet import Agent, Fleet

WorkloadKey = tuple[str, str, str]


class Owners(NamedTuple):
    """
    Workloads by namespace, kind and name, and the agents that the inventory names for them.

    An agent for which it names none runs in the workloads of its own name (`by_name`). `unplaced`
    is true where a required one has no such workload either: any of the fleet's may be its. `rules`
    are what the fleet file adds to how execution is recognised.
    """

    workloads: Mapping[WorkloadKey, WorkloadFacts]
    agents: Mapping[WorkloadKey, Agent]
    by_name: Mapping[str, Agent]
    unplaced: bool
    rules: ExecutionRules = NOTHING_ADDED

    def root(self, workload: WorkloadFacts) -> WorkloadFacts | None:
        """Return the workload at the end of the chain of owners; None where it was not seen."""
        for _ in range(4):  # a CronJob's Job's pod is the longest there is; never a circle
            if workload.owner is None:
                return workload
            owner = workload.owner
            above = self.workloads.get((workload.namespace, owner.kind, owner.name))
            if above is None:
                return None
            workload = above
        return None

    def workload_of(self, pod: PodFacts) -> WorkloadFacts | None:
        """Return the workload that a pod belongs to; None for a bare pod or an owner not seen."""
        if pod.owner is None:
            return None
        direct = self.workloads.get((pod.namespace, pod.owner.kind, pod.owner.name))
        return None if direct is None else self.root(direct) or direct

    def above(self, thing: WorkloadFacts | PodFacts | StarterFacts) -> tuple[WorkloadFacts, ...]:
        """Return the workload that something belongs to, and the one at the end of its owners."""
        if isinstance(thing, PodFacts):
            owner = thing.owner
            key = None if owner is None else (thing.namespace, owner.kind, owner.name)
            direct = None if key is None else self.workloads.get(key)
        else:
            direct = thing if isinstance(thing, WorkloadFacts) else None
        if direct is None:
            return ()
        root = self.root(direct) or direct
        chain = (direct, root) if root is not direct else (direct,)
        return tuple(each for each in chain if each is not thing)

    def agent_named(self, namespace: str, ref: ObjectRef) -> Agent | None:
        """Return the agent that the inventory names for an object, seen or not."""
        return self.agents.get((namespace, ref.kind, ref.name)) or self.by_name.get(ref.name)

    def agent_of(self, workload: WorkloadFacts) -> Agent | None:
        """Return the agent that a workload, or the one that owns it, runs."""
        root = self.root(workload) or workload
        return self.agents.get(root.key) or self.by_name.get(root.name)

    def subject(self, thing: WorkloadFacts | PodFacts | StarterFacts) -> str:
        """Name the subject of a statement about a workload or pod: its agent, else itself."""
        if isinstance(thing, StarterFacts):
            return f"{thing.namespace}/{ObjectRef(thing.kind, thing.name)}"
        workload = self.workload_of(thing) if isinstance(thing, PodFacts) else thing
        agent = self.agent_of(workload) if workload else None
        if agent is not None:
            return agent.agent_name
        root = (self.root(workload) or workload) if workload else None
        return f"{thing.namespace}/{root.ref if root else ObjectRef('Pod', thing.name)}"


def pods_by_workload(facts: ClusterFacts, owners: Owners) -> Mapping[WorkloadKey, list[PodFacts]]:
    """Return the pods of each workload, those that its ReplicaSets or Jobs control included."""
    found = dict[WorkloadKey, list[PodFacts]]()
    for pod in facts.pods:
        workload = owners.workload_of(pod)
        if workload is not None:
            found.setdefault(workload.key, []).append(pod)
    return found


def count_ready(pods: Iterable[PodFacts]) -> int:
    """Count the pods that are ready and stay, as a controller counts them."""
    return sum(1 for p in pods if p.live and p.ready and not p.deleting)


def find_owners(fleet: Fleet, facts: ClusterFacts) -> Owners:
    """Index what was read, and the inventory's workloads."""
    agents = {
        (a.workload.namespace, a.workload.kind, a.workload.name): a
        for a in fleet.agents
        if a.workload is not None
    }
    by_name = {a.agent_name: a for a in fleet.agents if a.workload is None}
    names = {w.name for w in facts.workloads}
    unplaced = any(a.required and a.agent_name not in names for a in by_name.values())
    workloads = {w.key: w for w in facts.workloads}
    return Owners(workloads, agents, by_name, unplaced, fleet.execution)
