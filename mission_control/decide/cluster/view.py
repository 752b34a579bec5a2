"""Decide: everything that one round over the cluster is worth at one instant."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from mission_control.decide.cluster.agent_workload import find_agent_workloads
from mission_control.decide.cluster.environment import ConfigMaps
from mission_control.decide.cluster.execution import find_running, is_execution_settled
from mission_control.decide.cluster.lists import (
    NEVER,
    CheckedLists,
    check_lists,
    count_lists,
    find_cluster_lacks,
)
from mission_control.decide.cluster.modes import read_modes
from mission_control.decide.cluster.ownership import Owners, find_owners
from mission_control.decide.evidence import Key, Statement
from mission_control.decide.required_evidence import AgentCoverage, Lack
from mission_control.model import codes
from mission_control.model.cluster.facts import (
    LIST_OF_KIND,
    ClusterFacts,
    list_source,
)
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.view import AgentWorkload
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.fleet import Fleet

NOTHING_ASKED = AgentCoverage(0, 0)


class ClusterView(NamedTuple):
    """
    What the cluster says at `at`; nothing of it changes by time alone before `until`.

    `sources` are all lists that may accuse, `whole` those that were read whole; the silence of
    those in `acquitting` takes back what they said, apart from the facts in `undecided`.
    `execution_off` tells that whole lists show no execution, `execution_settled` that they show of
    each that executes whether it runs; `oldest` is when the oldest required
    list was read (UTC), None where one was not seen.
    """

    fleet: Fleet
    facts: ClusterFacts | None
    at: datetime
    until: datetime
    sources: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    acquitting: frozenset[str] = frozenset()
    oldest: datetime | None = None
    execution_off: bool = False
    execution_settled: bool = False
    accusing: tuple[Statement, ...] = ()
    undecided: frozenset[Key] = frozenset()
    lacks: tuple[Lack, ...] = ()
    coverage: AgentCoverage = NOTHING_ASKED
    agents: Mapping[str, AgentWorkload] = {}

    def holds(self, fleet: Fleet, facts: ClusterFacts | None, now: datetime) -> bool:
        """Tell whether this is still what the newest round is worth."""
        same = self.facts is facts and self.fleet is fleet
        return same and self.at <= now < self.until


def view_cluster(fleet: Fleet, facts: ClusterFacts | None, now: datetime) -> ClusterView:
    """Work out what the newest round over the cluster says; nothing where none is configured."""
    if fleet.access is None:
        return ClusterView(fleet, facts, now, NEVER)
    checked = check_lists(fleet.access, facts, now)
    known = facts or ClusterFacts(fleet.access.namespaces)
    owners = find_owners(fleet, known)
    words = tuple(_hear(known, checked, owners))
    running = tuple(_state_running(known, owners))
    accusing = tuple(chain(running, (w for w, _ in words if w.accuses)))
    settled = checked.complete and is_execution_settled(fleet, known, owners)
    open_ = [(w, blocks) for w, blocks in words if not w.accuses]
    return ClusterView(
        fleet=fleet,
        facts=facts,
        at=now,
        until=checked.until,
        sources=frozenset(r.source for r in checked.lists),
        whole=checked.whole,
        acquitting=checked.acquitting,
        oldest=checked.oldest,
        execution_off=settled and not running,
        execution_settled=settled,
        accusing=accusing,
        undecided=frozenset(_find_undecided(w for w, _ in words)),
        lacks=(*find_cluster_lacks(checked), *_unresolved([w for w, blocks in open_ if blocks])),
        coverage=count_lists(checked),
        agents=find_agent_workloads(checked, known, owners),
    )


def _state_running(facts: ClusterFacts, owners: Owners) -> Iterator[Statement]:
    for thing, why in find_running(facts.workloads, facts.pods, owners):
        detail = f"{_name(thing)} executes orders: {why}"
        yield _state(thing, owners, "running", detail, accuses=True)


def _hear(
    facts: ClusterFacts, checked: CheckedLists, owners: Owners
) -> Iterator[tuple[Statement, bool]]:
    """Hear every container's environment; what cannot be told does not accuse, but may block."""
    maps = {namespace: _maps_of(namespace, facts, checked) for namespace in facts.namespaces}
    nothing = ConfigMaps({}, whole=False)
    for thing in (*facts.workloads, *facts.pods):
        for word in read_modes(thing.containers, maps.get(thing.namespace, nothing)):
            fact = f"{word.container} {word.variable}"
            detail = f"container {word.container} of {_name(thing)}: {word.detail}"
            stated = _state(thing, owners, fact, detail, accuses=bool(word.accuses))
            yield stated._replace(code=word.code), word.blocks


def _find_undecided(words: Iterable[Statement]) -> Iterator[Key]:
    """
    Give what a whole list does not take back, although it no longer shows it.

    What cannot be told may still be either; and a mode that nobody knows denies no other.
    """
    for word in words:
        if not word.accuses or word.code == codes.MODE_UNKNOWN:
            yield word._replace(code=codes.EXECUTION_EVIDENCE).key
        if not word.accuses:
            yield word._replace(code=codes.MODE_UNKNOWN).key


def _maps_of(namespace: str, facts: ClusterFacts, checked: CheckedLists) -> ConfigMaps:
    mine = {m.name: m for m in facts.config_maps if m.namespace == namespace}
    return ConfigMaps(mine, checked.is_whole("configmaps", namespace))


def _state(
    thing: WorkloadFacts | PodFacts, owners: Owners, fact: str, detail: str, *, accuses: bool
) -> Statement:
    pod = isinstance(thing, PodFacts)
    source = list_source("pods" if pod else LIST_OF_KIND[thing.kind], thing.namespace)
    fact = f"{thing.name} {fact}"
    subject = owners.subject(thing)
    return Statement(codes.EXECUTION_EVIDENCE, subject, source, fact, accuses, detail)


def _name(thing: WorkloadFacts | PodFacts) -> str:
    kind = "Pod" if isinstance(thing, PodFacts) else thing.kind
    return f"{kind} {thing.namespace}/{thing.name}"


def _unresolved(open_: list[Statement]) -> Iterator[Lack]:
    """Give the modes that cannot be told, each of which blocks (semantics, section 3)."""
    for statement in open_:
        yield Lack(codes.MODE_UNRESOLVED, statement.subject, statement.detail)
