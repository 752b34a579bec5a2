"""
What the evidence of all agents comes to together, kept up to date agent by agent.

A decision about the floor reads counts, the oldest and the few that differ from here, and does not
go through everything again: what it costs depends on what changed and on what is wrong. Built from
nothing (`tally`) or kept up to date, it is the same.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Generic, TypeVar

from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import Statement
from mission_control.floor.decide.freshness import View
from mission_control.floor.decide.own_clock import ClockCount
from mission_control.floor.decide.required_evidence import (
    AgentCoverage,
    MissingEvidence,
    missing_feed,
)
from mission_control.kill_switch.decide import ServiceSwitches
from mission_control.model.fleet import ContractKind
from mission_control.model.kill_switch import SwitchSource
from mission_control.model.reading import ToldBuild

K = TypeVar("K", str, tuple[datetime, str], datetime)
_SPARE = 64


class Least(Generic[K]):
    """The least of the keys that places have now; a place may have none."""

    def __init__(self) -> None:
        """Begin without any key."""
        self._keys = dict[int, K]()
        self._heap = list[tuple[K, int]]()

    def put(self, place: int, key: K | None) -> None:
        """Give a place another key, or none."""
        if key is None:
            self._keys.pop(place, None)
            return
        if self._keys.get(place) == key:
            return
        self._keys[place] = key
        heapq.heappush(self._heap, (key, place))
        if len(self._heap) > 2 * len(self._keys) + _SPARE:  # of keys that are no longer had
            self._heap = [(k, p) for p, k in self._keys.items()]
            heapq.heapify(self._heap)

    def least(self) -> tuple[K, int] | None:
        """Return the least key and its place, the first of several; None where none has any."""
        while self._heap and self._keys.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None


class FloorTally:
    """
    The evidence of every agent, in the fleet's order, and what it comes to.

    `places` are where agents are in it, by name. What is missing, raised, or not fresh is kept by
    the place, for those alone that have any.
    """

    def __init__(self, evidence: Iterable[AgentEvidence]) -> None:
        """Count all of it once."""
        self.evidence: list[AgentEvidence] = []
        self.places: dict[str, int] = {}
        self.switches = ServiceSwitches()
        self.clocks = ClockCount()
        self._asked = self._obtained = 0
        self._oldest = Least[tuple[datetime, str]]()
        self._never_seen = set[int]()
        self._unasked = set[int]()
        self._missing = dict[int, tuple[MissingEvidence, ...]]()
        self._raising = dict[int, tuple[Statement, ...]]()
        self._not_fresh = dict[int, tuple[View, ...]]()
        self._gaps = dict[int, tuple[tuple[str, str], ...]]()
        self._builds = dict[int, tuple[ToldBuild, ...]]()
        for place, each in enumerate(evidence):
            self.evidence.append(each)
            self.places[each.agent.agent_name] = place
            self._add(place, each)
        self.feeds_missing = missing_feed(e.agent for e in self.evidence)

    def put(self, place: int, evidence: AgentEvidence) -> None:
        """Take an agent's newer evidence instead of what was counted of it before."""
        old = self.evidence[place]
        self.clocks.count(old.clock, -1)
        self._asked -= old.coverage.asked
        self._obtained -= old.coverage.obtained
        self.evidence[place] = evidence
        self._add(place, evidence, old.sources)

    def _add(
        self, place: int, evidence: AgentEvidence, earlier: tuple[SwitchSource, ...] = ()
    ) -> None:
        self.switches.replace(earlier, evidence.sources)
        self.clocks.count(evidence.clock)
        self._asked += evidence.coverage.asked
        self._obtained += evidence.coverage.obtained
        agent, round_, seen_at = evidence.agent, evidence.round, evidence.seen_at
        _keep(self._missing, place, evidence.missing)
        _keep(self._raising, place, evidence.raising)
        _keep(self._not_fresh, place, evidence.not_fresh)
        _keep(self._gaps, place, evidence.coverage.gaps)
        _keep(self._builds, place, round_.builds if round_ and len(round_.builds) > 1 else ())
        if evidence.ages:
            self._oldest.put(place, None if seen_at is None else (seen_at, agent.agent_name))
            _mark(self._never_seen, place, so=seen_at is None)
        _mark(self._unasked, place, so=round_ is None and agent.contract is not ContractKind.NONE)

    @property
    def missing(self) -> Iterator[MissingEvidence]:
        """Return what is missing of any agent, in the fleet's order."""
        return _in_order(self._missing)

    @property
    def raising(self) -> Iterator[Statement]:
        """Return what any agent's answers raise."""
        return _in_order(self._raising)

    @property
    def not_fresh(self) -> Sequence[View]:
        """Return what is said of the feed, and is not that it is fresh."""
        return tuple(_in_order(self._not_fresh))

    @property
    def fresh(self) -> Sequence[View]:
        """Return all that is said of the feed being fresh; every agent is gone through."""
        return tuple(chain.from_iterable(e.fresh for e in self.evidence if e.fresh))

    @property
    def coverage(self) -> AgentCoverage:
        """Return how much was asked of all agents and obtained, with every gap."""
        return AgentCoverage(self._asked, self._obtained, tuple(_in_order(self._gaps)))

    @property
    def builds(self) -> Iterator[tuple[int, tuple[ToldBuild, ...]]]:
        """Return the places of agents that lately told several builds, and those builds."""
        return iter(sorted(self._builds.items()))

    @property
    def any_unasked(self) -> bool:
        """Return whether an agent that has HTTP was not asked yet."""
        return bool(self._unasked)

    @property
    def oldest(self) -> tuple[datetime | None, str] | None:
        """
        Return when the oldest required reading was taken, and whose it is.

        Without an instant where one was never seen: the first such agent. None where none is
        required.
        """
        if self._never_seen:
            return None, self.evidence[min(self._never_seen)].agent.agent_name
        least = self._oldest.least()
        return None if least is None else least[0]


T = TypeVar("T")


def _keep(kept: dict[int, tuple[T, ...]], place: int, values: tuple[T, ...]) -> None:
    if values:
        kept[place] = values
    elif kept:
        kept.pop(place, None)


def _mark(marked: set[int], place: int, *, so: bool) -> None:
    if so:
        marked.add(place)
    else:
        marked.discard(place)


def _in_order(kept: dict[int, tuple[T, ...]]) -> Iterator[T]:
    return chain.from_iterable(kept[place] for place in sorted(kept))
