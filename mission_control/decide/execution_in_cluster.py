"""Decide: what the cluster's lists tell of execution: replicas, and modes as specified."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from mission_control.decide.cluster.environment import ConfigMaps, resolve
from mission_control.decide.cluster.execution import (
    find_running,
    is_execution_pod,
    is_execution_workload,
)
from mission_control.decide.cluster.ownership import Owners, WorkloadKey, find_owners
from mission_control.decide.cluster.view import ClusterView
from mission_control.model.cluster.facts import (
    LIST_OF_KIND,
    ClusterFacts,
    ConfigMapFacts,
    list_source,
)
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.fleet import Agent, Fleet
from mission_control.model.no_execution import Fact, Matter, Observation

EXECUTION_WORKLOADS = Matter(Fact.EXECUTION_REPLICAS, "execution workloads")
_MODE = "AGENT_MODE"
_SHOWN = 3


class ReadCluster(NamedTuple):
    """One round over the cluster, indexed: live pods by what runs them, workloads by agent."""

    fleet: Fleet
    view: ClusterView
    facts: ClusterFacts
    owners: Owners
    live: Mapping[WorkloadKey, Sequence[PodFacts]]
    loose: Sequence[PodFacts]
    by_agent: Mapping[str, Sequence[WorkloadFacts]]
    maps: Mapping[str, Mapping[str, ConfigMapFacts]]

    @classmethod
    def of(cls, fleet: Fleet, view: ClusterView) -> "ReadCluster":
        """Index what was read; nothing where no round was."""
        facts = view.facts or ClusterFacts(())
        owners = find_owners(fleet, facts)
        live, loose = dict[WorkloadKey, list[PodFacts]](), list[PodFacts]()
        for pod in facts.pods:
            workload = owners.workload_of(pod)
            if pod.live and workload is not None:
                live.setdefault(workload.key, []).append(pod)
            elif pod.live:
                loose.append(pod)
        by_agent = dict[str, list[WorkloadFacts]]()
        for workload in facts.workloads:
            agent = owners.agent_of(workload)
            if agent is not None and workload.owner is None:
                by_agent.setdefault(agent.agent_name, []).append(workload)
        maps = dict[str, dict[str, ConfigMapFacts]]()
        for each in facts.config_maps:
            maps.setdefault(each.namespace, {})[each.name] = each
        return cls(fleet, view, facts, owners, live, loose, by_agent, maps)

    def observe_modes(self, agent: Agent, *, required: bool) -> Iterator[Observation]:
        """Give the mode in which each workload of an agent, and its live pods, are told to run."""
        matter = Matter(Fact.AGENT_MODE, agent.agent_name)
        found = self.by_agent.get(agent.agent_name, ())
        for workload in found:
            value, why = self._specified(workload)
            source = f"cluster {_name(workload)}"
            yield Observation(matter, source, value, why, required=required)
        held = self.view.agents.get(agent.agent_name)
        if held is not None and not found:
            source = f"cluster {held.ref.kind} {held.ref.namespace}/{held.ref.name}"
            value = None if held.unseen else "nothing runs it"
            yield Observation(matter, source, value, held.unseen, required=required)

    def _specified(self, workload: WorkloadFacts) -> tuple[str | None, str]:
        needed = (LIST_OF_KIND[workload.kind], "pods", "replicasets", "configmaps")
        lost = self._not_whole([list_source(r, workload.namespace) for r in needed])
        if lost:
            return None, lost
        maps = ConfigMaps(self.maps.get(workload.namespace, {}), whole=True)
        pods = self.live.get(workload.key, ())
        each = chain(workload.containers, *(p.containers for p in pods))
        told = [resolve(container, _MODE, maps) for container in each]
        problems = sorted({r.problem for r in told if r.problem})
        if problems:
            return None, problems[0]
        values = sorted({(r.value or "").strip() for r in told} - {""})
        return ", ".join(values) or "not set", ""

    def observe_replicas(self) -> Iterator[Observation]:
        """Give what is wanted and there of execution: all together, and each by itself."""
        known = [
            w
            for w in self.facts.workloads
            if w.owner is None and is_execution_workload(w, self.owners)
        ]
        yield self._all_together(len(known))
        for workload in known:
            yield self._replicas_of(workload)
        for pod in self.loose:
            if is_execution_pod(pod, self.owners):
                matter = Matter(Fact.EXECUTION_REPLICAS, f"Pod {pod.namespace}/{pod.name}")
                source = list_source("pods", pod.namespace)
                yield Observation(matter, source, f"live: {pod.phase or 'its phase is not told'}")

    def _replicas_of(self, workload: WorkloadFacts) -> Observation:
        wanted = (LIST_OF_KIND[workload.kind], "pods", "replicasets")
        sources = [list_source(r, workload.namespace) for r in wanted]
        live, lost = len(self.live.get(workload.key, ())), self._not_whole(sources)
        running = bool(workload.desired or workload.actual or live)
        told = f"{workload.desired} wanted, {workload.actual} there, {live} live pods"
        matter = Matter(Fact.EXECUTION_REPLICAS, _name(workload))
        if running or not lost:
            return Observation(matter, sources[0], told)
        return Observation(matter, sources[0], None, lost)

    def _all_together(self, known: int) -> Observation:
        running = len([*find_running(self.facts, self.owners)])
        value, why = None, ""
        if running:
            value = f"{running} wanted or running"
        elif self.view.execution_off:
            value = f"none of {known} wanted or running"
        else:
            why = self._why_not_off()
        source = f"cluster {self.fleet.cluster}"
        return Observation(EXECUTION_WORKLOADS, source, value, why, required=True)

    def _why_not_off(self) -> str:
        if self.fleet.access is None:
            return "no cluster is read, as it is configured"
        lost = self._not_whole(sorted(self.view.sources))
        return lost or "a workload is in no watched namespace, or its newest form is not in force"

    def _not_whole(self, sources: Sequence[str]) -> str:
        lost = [s for s in sources if s not in self.view.whole]
        if not lost:
            return ""
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        return f"not seen whole: {', '.join(lost[:_SHOWN])}{more}"


def _name(workload: WorkloadFacts) -> str:
    return f"{workload.kind} {workload.namespace}/{workload.name}"
