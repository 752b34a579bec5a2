"""Everything that one round over the cluster is worth at one instant."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from mission_control.cluster.decide.agent_workload import find_agent_workloads
from mission_control.cluster.decide.environment import ConfigMaps
from mission_control.cluster.decide.execution import (
    Thing,
    find_running,
    find_starters,
    is_execution_settled,
)
from mission_control.cluster.decide.leftovers import RunningThing, find_running_things
from mission_control.cluster.decide.lists import (
    CheckedLists,
    check_lists,
    count_lists,
    find_missing_lists,
    find_missing_starters,
)
from mission_control.cluster.decide.modes import EnvWord, read_modes, read_safety_map
from mission_control.cluster.decide.ownership import Owners, find_owners
from mission_control.cluster.decide.replicas import compare_replicas, maps_by_namespace
from mission_control.cluster.model.facts import (
    LIST_OF_KIND,
    LIST_OF_STARTER,
    STARTER_LISTS,
    ClusterFacts,
    ConfigMapFacts,
    list_source,
)
from mission_control.cluster.model.objects import PodFacts, StarterFacts, WorkloadFacts
from mission_control.cluster.model.view import AgentWorkload
from mission_control.floor.decide.evidence import Key, Moment, Statement
from mission_control.floor.decide.required_evidence import AgentCoverage, MissingEvidence
from mission_control.model import codes
from mission_control.model.execution_rules import SwitchEvidence
from mission_control.model.fleet import Fleet, Kind, Safety
from mission_control.model.kill_switch import KILL_SWITCH_MAP, KillSwitchState

NOTHING_ASKED = AgentCoverage(0, 0)


class ClusterView(NamedTuple):
    """
    What the cluster says at one instant.

    `sources` are all lists that may accuse, `whole` those that were read whole; the silence of
    those in `acquitting` takes back what they said, apart from the facts in `undecided`.
    `execution_off` tells that whole lists show no execution, `execution_settled` that they show of
    each that executes whether it runs; `oldest` is when the oldest required list was read (UTC),
    None where one was not seen. `skews` are (subject, detail) of workloads whose replicas differ,
    and `unknown` what runs and neither inventory nor fleet file name. `starter_sources`,
    `starter_whole` and `starter_lacks` are the same of the lists that show what could start
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
    """Give the lists of starters whose silence takes back: what they target was seen as well."""
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
    """Accuse what runs and executes, but for what the fleet file lets execute on paper."""
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
    """Tell whether the inventory names what this belongs to as execution."""
    workload = owners.workload_of(thing) if isinstance(thing, PodFacts) else thing
    agent = owners.agent_of(workload) if isinstance(workload, WorkloadFacts) else None
    return agent is not None and agent.kind is Kind.EXECUTION


def _hear(
    fleet: Fleet, facts: ClusterFacts, checked: CheckedLists, owners: Owners
) -> Iterator[tuple[Statement, bool]]:
    """
    Hear every container and safety map; what cannot be told does not accuse, but may block.

    Where the fleet runs with its kill switch off, what says so of it is no evidence of execution.
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
    """Tell whether a ConfigMap is the floor's kill switch, which is judged as its source."""
    floor = fleet.access.floor_namespace if fleet.access else ""
    return (held.namespace, held.name) == (floor, KILL_SWITCH_MAP)


def _word(thing: Thing | ConfigMapFacts, owners: Owners, word: EnvWord, of: str = "") -> Statement:
    fact = f"{word.container} {word.variable}"
    detail = f"{of}{_name(thing)}: {word.detail}"
    stated = _state(thing, owners, fact, detail, raises=bool(word.raises))
    return stated._replace(code=word.code)


def _find_undecided(words: Iterable[Statement]) -> Iterator[Key]:
    """
    Give what a whole list does not take back, although it no longer shows it.

    What cannot be told may still be either; and a mode that nobody knows denies no other.
    """
    for word in words:
        if not word.raises or word.code == codes.MODE_UNKNOWN:
            yield word._replace(code=codes.EXECUTION_EVIDENCE).key
        if not word.raises:
            yield word._replace(code=codes.MODE_UNKNOWN).key


def _state(
    thing: Thing | ConfigMapFacts, owners: Owners, fact: str, detail: str, *, raises: bool
) -> Statement:
    source = list_source(_list_of(thing), thing.namespace)
    fact = f"{thing.name} {fact}"
    if isinstance(thing, ConfigMapFacts):
        subject = f"{thing.namespace}/ConfigMap/{thing.name}"
    else:
        subject = owners.subject(thing)
    return Statement(codes.EXECUTION_EVIDENCE, subject, source, fact, raises, detail)


def _list_of(thing: Thing | ConfigMapFacts) -> str:
    match thing:
        case PodFacts():
            return "pods"
        case ConfigMapFacts():
            return "configmaps"
        case StarterFacts():
            return LIST_OF_STARTER[thing.kind]
        case _:
            return LIST_OF_KIND[thing.kind]


def _name(thing: Thing | ConfigMapFacts) -> str:
    match thing:
        case PodFacts():
            kind = "Pod"
        case ConfigMapFacts():
            kind = "ConfigMap"
        case _:
            kind = thing.kind
    return f"{kind} {thing.namespace}/{thing.name}"


def _unresolved(open_: list[Statement]) -> Iterator[MissingEvidence]:
    """Give the modes that cannot be told, each of which blocks (semantics, section 3)."""
    for statement in open_:
        yield MissingEvidence(codes.MODE_UNRESOLVED, statement.subject, statement.detail)
