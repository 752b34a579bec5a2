"""What runs: each agent's workload and its troubles, and what the inventory does not know."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mission_control.cluster.decide.execution import is_execution_pod, is_execution_workload
from mission_control.cluster.decide.lists import CheckedLists
from mission_control.cluster.decide.ownership import (
    Owners,
    WorkloadKey,
    count_ready,
    pods_by_workload,
)
from mission_control.cluster.model.facts import (
    LIST_OF_KIND,
    AgentWorkload,
    ClusterFacts,
    EventFacts,
    ListReading,
)
from mission_control.cluster.model.objects import ContainerState, ObjectRef, PodFacts, WorkloadFacts
from mission_control.floor.decide.troubles import Trouble
from mission_control.model import codes
from mission_control.model.fleet import Agent, Fleet, Kind, KnownWorkload, Workload
from mission_control.model.reading import Unseen

SHOWN_WARNINGS = 5
HALTING = frozenset(
    {
        codes.CRASH_LOOPING,
        codes.IMAGE_PULL_FAILING,
        codes.REPLICAS_BELOW_DESIRED,
        codes.WORKLOAD_NOT_FOUND,
    }
)
"""Troubles of a workload that halt an open floor, where its agent matters (docs/semantics.md#6)."""


def find_agent_workloads(
    checked: CheckedLists, facts: ClusterFacts, owners: Owners
) -> Mapping[str, AgentWorkload]:
    """Return what runs each agent for which the inventory names a workload, by agent."""
    pods = pods_by_workload(facts, owners)
    warnings = _warnings_by_object(facts)
    return {
        agent.agent_name: _view(Workload(key[1], key[2], key[0]), checked, owners, pods, warnings)
        for key, agent in owners.agents.items()
    }


def _view(
    ref: Workload,
    checked: CheckedLists,
    owners: Owners,
    pods: Mapping[tuple[str, str, str], list[PodFacts]],
    warnings: Mapping[tuple[str, ObjectRef], list[EventFacts]],
) -> AgentWorkload:
    key = (ref.namespace, ref.kind, ref.name)
    mine = tuple(pods.get(key, ()))
    about = [ObjectRef(ref.kind, ref.name), *(ObjectRef("Pod", p.name) for p in mine)]
    about.extend(p.owner for p in mine if p.owner is not None)
    told = {e for each in about for e in warnings.get((ref.namespace, each), ())}
    newest = sorted(told, key=lambda e: (e.last_seen is not None, e.last_seen, e.message))[::-1]
    needed = {LIST_OF_KIND.get(ref.kind, ""), "pods", "replicasets"}
    lists = [r for r in checked.lists if r.namespace == ref.namespace and r.resource in needed]
    unseen = _why_unseen(lists, checked) if lists else f"namespace {ref.namespace} is not watched"
    return AgentWorkload(
        ref,
        unseen,
        owners.workloads.get(key),
        mine,
        tuple(newest[:SHOWN_WARNINGS]),
        None if unseen else min(r.reading.at for r in lists),
        bool(lists),
    )


def _why_unseen(lists: Sequence[ListReading], checked: CheckedLists) -> str:
    for read in lists:
        if isinstance(read.reading, Unseen):
            return f"{read.source} was not seen: {read.reading.code}"
        if read.source not in checked.whole:
            return f"{read.source} is not whole"
    return ""


def _warnings_by_object(facts: ClusterFacts) -> Mapping[tuple[str, ObjectRef], list[EventFacts]]:
    found = dict[tuple[str, ObjectRef], list[EventFacts]]()
    for event in facts.warnings:
        found.setdefault((event.namespace, event.about), []).append(event)
    return found


def find_workload_troubles(agent: Agent, workload: AgentWorkload) -> Iterator[Trouble]:
    """
    Yield what is wrong with what runs an agent (docs/semantics.md#6).

    A workload that could not be seen is a trouble too: what is not seen is not well.
    """
    if not workload.watched:
        detail = (
            f"the inventory names {workload.ref.kind} {workload.ref.name}, and {workload.unseen}"
        )
        yield Trouble(codes.WORKLOAD_NOT_FOUND, detail)
        return
    if workload.unseen:
        yield Trouble(codes.WORKLOAD_UNSEEN, f"what runs it was not seen: {workload.unseen}")
        return
    pods = [p for p in workload.pods if p.live]
    yield from _containers(pods)
    found = workload.found
    if agent.kind is Kind.EXECUTION:
        return
    ref = f"{workload.ref.kind} {workload.ref.namespace}/{workload.ref.name}"
    if found is None:
        detail = f"the inventory names {ref}, and the cluster has none"
        yield Trouble(codes.WORKLOAD_NOT_FOUND, detail)
        return
    if found.kind == "CronJob":
        return
    if not found.observed:
        detail = f"the newest specification of {ref} was not taken up by its controller yet"
        yield Trouble(codes.REPLICAS_BELOW_DESIRED, detail)
        return
    # Two lists tell it, and they may disagree: the worse one counts (docs/semantics.md#3).
    ready = min(found.ready, count_ready(pods))
    if ready < found.desired:
        pending = {f"{p.name}: {p.pending_reason}" for p in pods if p.pending_reason}
        because = f" ({'; '.join(sorted(pending)[:3])})" if pending else ""
        detail = f"{ready} of {found.desired} pods of {ref} are ready{because}"
        yield Trouble(codes.REPLICAS_BELOW_DESIRED, detail)


def _containers(pods: list[PodFacts]) -> Iterator[Trouble]:
    for code, what, chosen in (
        (codes.CRASH_LOOPING, "keeps crashing", [(p, s) for p in pods for s in p.crashing]),
        (
            codes.IMAGE_PULL_FAILING,
            "cannot get its image",
            [(p, s) for p in pods for s in p.failing_pull],
        ),
    ):
        if chosen:
            told = "; ".join(_tell(pod, state, what) for pod, state in chosen[:3])
            more = f"; and {len(chosen) - 3} more" if len(chosen) > 3 else ""  # noqa: PLR2004
            yield Trouble(code, told + more)


def _tell(pod: PodFacts, state: ContainerState, what: str) -> str:
    kind = "init container" if state.init else "container"
    restarts = f", {state.restarts} restarts" if state.restarts else ""
    return f"{kind} {state.name} of {pod.name} {what} ({state.waiting}{restarts})"


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
