"""What one round over the cluster says at one instant, and which alarms it clears."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from mission_control.cluster.decide.environment import (
    ConfigMaps,
    EnvWord,
    read_modes,
    read_safety_map,
)
from mission_control.cluster.decide.execution import (
    Thing,
    find_running,
    find_starters,
    is_execution_settled,
)
from mission_control.cluster.decide.lists import (
    CheckedLists,
    check_lists,
    count_lists,
    find_missing_lists,
    find_missing_starters,
)
from mission_control.cluster.decide.ownership import Owners, find_owners
from mission_control.cluster.decide.replicas import compare_replicas, maps_by_namespace
from mission_control.cluster.decide.workloads import (
    RunningThing,
    find_agent_workloads,
    find_running_things,
)
from mission_control.cluster.model.facts import (
    LIST_OF_KIND,
    LIST_OF_STARTER,
    STARTER_LISTS,
    AgentWorkload,
    ClusterFacts,
    ConfigMapFacts,
    list_source,
)
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import Key, Moment, Statement, answered
from mission_control.floor.decide.required_evidence import AgentCoverage, MissingEvidence
from mission_control.floor.model import EXECUTION, Alarm
from mission_control.model import codes
from mission_control.model.execution_rules import SwitchEvidence
from mission_control.model.fleet import Agent, ContractKind, Fleet, Kind, Safety
from mission_control.model.kill_switch import KILL_SWITCH_MAP, KillSwitchState
from mission_control.model.reading import EndpointReading

NOTHING_ASKED = AgentCoverage(0, 0)


class ClusterView(NamedTuple):
    """
    What the cluster says at one instant.

    `sources` are all lists that may raise an alarm, `whole` those that were read whole; the silence
    of those in `clearing` clears what they raised, apart from what is in `undecided`.
    `execution_off` tells that whole lists show no execution, `execution_settled` that they show of
    each that executes whether it runs; `oldest` is when the oldest required list was read (UTC),
    None where one was not seen. `skews` are (subject, detail) of workloads whose replicas differ,
    and `unknown` what runs and neither inventory nor fleet file name. `starter_sources`,
    `starter_whole` and `missing_starters` are the same of the lists that show what could start
    execution.
    """

    fleet: Fleet
    facts: ClusterFacts | None
    sources: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    clearing: frozenset[str] = frozenset()
    oldest: datetime | None = None
    execution_off: bool = False
    execution_settled: bool = False
    raising: tuple[Statement, ...] = ()
    undecided: frozenset[Key] = frozenset()
    missing: tuple[MissingEvidence, ...] = ()
    coverage: AgentCoverage = NOTHING_ASKED
    agents: Mapping[str, AgentWorkload] = {}
    skews: tuple[tuple[str, str], ...] = ()
    unknown: tuple[RunningThing, ...] = ()
    starter_sources: frozenset[str] = frozenset()
    starter_whole: frozenset[str] = frozenset()
    missing_starters: tuple[MissingEvidence, ...] = ()


def view_cluster(fleet: Fleet, facts: ClusterFacts | None, now: Moment) -> ClusterView:
    """Work out what the newest round over the cluster says; nothing where none is configured."""
    if fleet.access is None:
        return ClusterView(fleet, facts)
    checked = check_lists(fleet.access, facts, now)
    known = facts or ClusterFacts(fleet.access.namespaces)
    owners = find_owners(fleet, known)
    starters = check_lists(fleet.access, facts, now, STARTER_LISTS)
    words = tuple(_hear(fleet, known, checked, owners))
    running = tuple(find_running(known, owners))
    stated = _state_running(running, known, owners, fleet.safety)
    raising = tuple(chain(stated, (w for w, _ in words if w.raises)))
    settled = checked.complete and is_execution_settled(fleet, known, owners)
    open_ = [(w, blocks) for w, blocks in words if not w.raises]
    return ClusterView(
        fleet=fleet,
        facts=facts,
        sources=frozenset(r.source for r in checked.lists),
        whole=checked.whole,
        clearing=checked.clearing | _clearing(checked, starters),
        oldest=checked.oldest,
        execution_off=settled and not running,
        execution_settled=settled,
        raising=raising,
        undecided=frozenset(_find_undecided(w for w, _ in words)),
        missing=(*find_missing_lists(checked), *_unresolved([w for w, blocks in open_ if blocks])),
        coverage=count_lists(checked),
        agents=find_agent_workloads(checked, known, owners),
        skews=tuple(_find_skews(known, checked, owners)),
        unknown=tuple(
            thing
            for thing in find_running_things(fleet, known, owners, checked)
            if not thing.by and not thing.doubt
        ),
        starter_sources=frozenset(r.source for r in starters.lists),
        starter_whole=starters.whole,
        missing_starters=tuple(find_missing_starters(checked, starters)),
    )


def _clearing(checked: CheckedLists, starters: CheckedLists) -> frozenset[str]:
    """Return the lists of starters whose silence clears: those whose targets were seen as well."""
    seen = {r.namespace for r in checked.lists if r.source in checked.clearing}
    return frozenset(
        r.source for r in starters.lists if r.source in starters.whole and r.namespace in seen
    )


def _find_skews(
    facts: ClusterFacts, checked: CheckedLists, owners: Owners
) -> Iterator[tuple[str, str]]:
    for found in compare_replicas(facts, checked, owners):
        if found.skew:
            name = _name(found.workload)
            yield owners.subject(found.workload), f"{name}: {'; '.join(found.skew)}"


def _state_running(
    running: Iterable[tuple[Thing, str]], facts: ClusterFacts, owners: Owners, safety: Safety
) -> Iterator[Statement]:
    """Raise an alarm for what runs and executes, but for what may execute on paper (fleet file)."""
    for thing, why in running:
        if safety.paper and _is_listed(thing, owners):
            continue  # its mode is required evidence, from its pods as from its own answer
        detail = f"{_name(thing)} executes orders: {why}"
        yield _state(thing, owners, "running", detail, raises=True)
    for thing, how in find_starters(facts, owners):
        detail = f"{_name(thing)} could start execution: {how}"
        stated = _state(thing, owners, "could start", detail, raises=True)
        yield stated._replace(code=codes.EXECUTION_COULD_START)


def _is_listed(thing: Thing, owners: Owners) -> bool:
    """Return whether the inventory names what this belongs to as execution."""
    workload = owners.workload_of(thing) if isinstance(thing, PodFacts) else thing
    agent = owners.agent_of(workload) if isinstance(workload, WorkloadFacts) else None
    return agent is not None and agent.kind is Kind.EXECUTION


def _hear(
    fleet: Fleet, facts: ClusterFacts, checked: CheckedLists, owners: Owners
) -> Iterator[tuple[Statement, bool]]:
    """
    Read every container and safety map; what is not known raises no alarm, but may block.

    Where the fleet normally runs with its kill switch off, that is no evidence of execution.
    """
    maps = maps_by_namespace(facts, checked)
    nothing = ConfigMaps({}, whole=False)
    rules, passed_over = fleet.execution, _normally_off(fleet)
    for thing in (*facts.workloads, *facts.pods, *facts.starters):
        for word in read_modes(thing.containers, maps.get(thing.namespace, nothing), rules):
            if word.variable not in passed_over:
                yield _word(thing, owners, word, f"container {word.container} of "), word.blocks
    for held in facts.config_maps:
        if not _is_the_switch(held, fleet):
            for word in read_safety_map(held, rules):
                if word.variable not in passed_over:
                    yield _word(held, owners, word), word.blocks


def _normally_off(fleet: Fleet) -> frozenset[str]:
    """Name the kill switches of containers and maps that are off while all is normal."""
    if fleet.safety.switch_normal is not KillSwitchState.DISENGAGED:
        return frozenset()
    guards = SwitchEvidence.KILL_SWITCH
    return frozenset(s.name for s in fleet.execution.all_switches if s.evidence is guards)


def _is_the_switch(held: ConfigMapFacts, fleet: Fleet) -> bool:
    """Return whether a ConfigMap is the floor's kill switch, which is judged as its source."""
    floor = fleet.access.floor_namespace if fleet.access else ""
    return (held.namespace, held.name) == (floor, KILL_SWITCH_MAP)


def _word(thing: Thing | ConfigMapFacts, owners: Owners, word: EnvWord, of: str = "") -> Statement:
    fact = f"{word.container} {word.variable}"
    detail = f"{of}{_name(thing)}: {word.detail}"
    stated = _state(thing, owners, fact, detail, raises=bool(word.raises))
    return stated._replace(code=word.code)


def _find_undecided(words: Iterable[Statement]) -> Iterator[Key]:
    """
    Yield what a whole list does not clear, although it no longer shows it.

    What is not known may still be either; and an unknown mode denies no other.
    """
    for word in words:
        if not word.raises or word.code == codes.MODE_UNKNOWN:
            yield word._replace(code=codes.EXECUTION_EVIDENCE).key
        if not word.raises:
            yield word._replace(code=codes.MODE_UNKNOWN).key


def _state(
    thing: Thing | ConfigMapFacts, owners: Owners, fact: str, detail: str, *, raises: bool
) -> Statement:
    source = list_source(_LIST_OF[_kind_of(thing)], thing.namespace)
    fact = f"{thing.name} {fact}"
    if isinstance(thing, ConfigMapFacts):
        subject = f"{thing.namespace}/ConfigMap/{thing.name}"
    else:
        subject = owners.subject(thing)
    return Statement(codes.EXECUTION_EVIDENCE, subject, source, fact, raises, detail)


_LIST_OF = {"ConfigMap": "configmaps", "Pod": "pods", **LIST_OF_KIND, **LIST_OF_STARTER}


def _kind_of(thing: Thing | ConfigMapFacts) -> str:
    match thing:
        case PodFacts():
            return "Pod"
        case ConfigMapFacts():
            return "ConfigMap"
        case _:
            return thing.kind


def _name(thing: Thing | ConfigMapFacts) -> str:
    return f"{_kind_of(thing)} {thing.namespace}/{thing.name}"


def _unresolved(open_: list[Statement]) -> Iterator[MissingEvidence]:
    """Yield the modes that are not known, each of which blocks (docs/semantics.md#3)."""
    for statement in open_:
        yield MissingEvidence(codes.MODE_UNRESOLVED, statement.subject, statement.detail)


REPLICAS = "replicas"
"""The fact of a contradiction between a service and the cluster that is not about execution."""

Readings = Mapping[str, EndpointReading]


def state_disagreement(
    agent: Agent, readings: Readings, workload: AgentWorkload | None
) -> Statement | None:
    """
    Raise an alarm where a service answers although whole lists show that nothing of it runs.

    Where both say that it runs they agree, which clears an earlier alarm.
    """
    if workload is None or workload.unseen or agent.contract is ContractKind.NONE:
        return None
    if not any(answered(r) for r in readings.values()):
        return None
    name = agent.agent_name
    fact = EXECUTION if agent.kind is Kind.EXECUTION else REPLICAS
    ref = f"{workload.ref.kind} {workload.ref.namespace}/{workload.ref.name}"
    detail = f"it answers, but the cluster shows no pod of {ref} and wants none"
    return Statement(codes.CONTRADICTION, name, name, fact, workload.off, detail)


def clear_by_cluster(
    latched: tuple[Alarm, ...],
    agents: Mapping[str, AgentEvidence],
    view: ClusterView,
) -> Iterator[Key]:
    """
    Yield the keys of the latched alarms that the cluster clears.

    A whole list clears what it no longer shows, unless the fact is undecided. That a service
    answered as a running process is cleared only by lists read after its last answer: silence
    alone proves nothing, newer lists that show nothing running do.
    """
    made = {s.key for s in view.raising}
    for alarm in latched:
        key = alarm.key
        if alarm.source in view.sources or alarm.source in view.starter_sources:
            if alarm.source in view.clearing and key not in made and key not in view.undecided:
                yield key
        elif _was_running(alarm) and alarm.subject in agents:
            evidence = agents[alarm.subject]
            silent = not any(answered(r) for r in evidence.readings.values())
            later = view.oldest is not None and view.oldest > alarm.last_seen
            if silent and later and _is_off(alarm, evidence.agent, view):
                yield key


def _was_running(alarm: Alarm) -> bool:
    """Return whether the alarm is that a process runs; what the process claimed is not."""
    code, fact = alarm.code, alarm.fact
    ran = code == codes.EXECUTION_EVIDENCE and fact in {"running", "service_kind"}
    return ran or (code == codes.CONTRADICTION and fact in {REPLICAS, EXECUTION})


def _is_off(alarm: Alarm, agent: Agent, view: ClusterView) -> bool:
    if agent.kind is Kind.EXECUTION:
        return view.execution_off
    if alarm.code == codes.EXECUTION_EVIDENCE:
        return False  # one that calls itself execution and is listed as something else
    workload = view.agents.get(agent.agent_name)
    return workload is not None and workload.off
