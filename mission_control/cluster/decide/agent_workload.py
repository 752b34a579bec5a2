"""What runs each agent, and what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence

from mission_control.cluster.decide.lists import CheckedLists
from mission_control.cluster.decide.ownership import Owners, count_ready, pods_by_workload
from mission_control.cluster.model.facts import LIST_OF_KIND, ClusterFacts, EventFacts, ListReading
from mission_control.cluster.model.objects import ContainerState, ObjectRef, PodFacts
from mission_control.cluster.model.view import AgentWorkload
from mission_control.floor.decide.troubles import Trouble
from mission_control.model import codes
from mission_control.model.fleet import Agent, Kind, Workload
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
