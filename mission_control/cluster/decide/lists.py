"""Which lists of the cluster are whole and young enough to conclude from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mission_control.cluster.model.facts import (
    REQUIRED_LISTS,
    ClusterFacts,
    ListReading,
    list_source,
)
from mission_control.floor.decide.evidence import Moment, within_age
from mission_control.floor.decide.required_evidence import AgentCoverage, MissingEvidence
from mission_control.model import codes
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Unseen

MAX_AGE_SECONDS = 60.0
"""Cluster lists: older than this, a list is EXPIRED (docs/semantics.md#6)."""
SUBJECT = "cluster"
RBAC = "apply what `mission-control rbac` prints"


class CheckedLists(NamedTuple):
    """
    The required lists as they stand at one instant, in order.

    `whole` are the sources of those that are young and hold nothing odd: only their silence
    about an object says that there is none. `oldest` is when the oldest was read, None where one
    was not seen.
    """

    lists: tuple[ListReading, ...]
    whole: frozenset[str]
    oldest: datetime | None

    @property
    def complete(self) -> bool:
        """Return whether every required list is whole."""
        return len(self.whole) == len(self.lists)

    @property
    def clearing(self) -> frozenset[str]:
        """
        Return the lists whose silence clears an alarm: those of namespaces seen whole.

        One list does not say what an object is: the owner of a pod is in the lists of
        workloads, and the value of a variable in that of ConfigMaps.
        """
        lost = {r.namespace for r in self.lists if r.source not in self.whole}
        return frozenset(r.source for r in self.lists if r.namespace not in lost)

    def is_whole(self, resource: str, namespace: str) -> bool:
        """Return whether a list is whole."""
        return list_source(resource, namespace) in self.whole


def check_lists(
    access: ClusterAccess,
    facts: ClusterFacts | None,
    now: Moment,
    resources: Sequence[str] = REQUIRED_LISTS,
) -> CheckedLists:
    """Look at every required list: what was not asked, not seen, or is too old is `Unseen`."""
    known = {} if facts is None else {r.source: r for r in facts.lists}
    checked = list[ListReading]()
    for namespace in sorted(access.namespaces):
        for resource in sorted(resources):
            read = known.get(list_source(resource, namespace))
            if read is None:
                never = now.not_asked("not asked yet")
                read = ListReading(resource, namespace, never)
            young = within_age(read.reading, now, MAX_AGE_SECONDS)
            checked.append(read if young is read.reading else replace(read, reading=young))
    whole = frozenset(r.source for r in checked if not isinstance(r.reading, Unseen) and not r.odd)
    unseen = any(isinstance(r.reading, Unseen) for r in checked)
    instants = [r.reading.at for r in checked]
    return CheckedLists(
        tuple(checked),
        whole,
        None if unseen or not instants else min(instants),
    )


def find_missing_lists(checked: CheckedLists) -> tuple[MissingEvidence, ...]:
    """
    List the missing evidence of the cluster; one cause that every list shares is given once.
    """
    unseen = [(r, r.reading) for r in checked.lists if isinstance(r.reading, Unseen)]
    found = [
        MissingEvidence(codes.CLUSTER_OBJECT_INVALID, r.source, f"{o.kind}/{o.name}: {o.problem}")
        for r in checked.lists
        for o in r.odd
        if not isinstance(r.reading, Unseen)
    ]
    shared = {reading.code for _, reading in unseen}
    if len(unseen) == len(checked.lists) and len(shared) == 1:
        first = unseen[0][1]
        detail = f"none of {len(unseen)} lists was seen: {first.detail or first.code}"
        return (MissingEvidence(first.code, SUBJECT, detail),)
    found.extend(
        MissingEvidence(reading.code, read.source, f"not seen: {reading.detail or reading.code}")
        for read, reading in unseen
    )
    return tuple(found)


def find_missing_starters(
    checked: CheckedLists, starters: CheckedLists
) -> Iterator[MissingEvidence]:
    """
    List the missing evidence of what could start execution, with the remedy.

    Where no required list was seen either, that one cause is given already.
    """
    if checked.lists and all(isinstance(r.reading, Unseen) for r in checked.lists):
        return
    for gap in find_missing_lists(starters):
        remedy = f"; {RBAC}" if gap.code == codes.DENIED else ""
        yield MissingEvidence(
            gap.code, gap.subject, f"it may start execution and was {gap.detail}{remedy}"
        )


def count_lists(checked: CheckedLists) -> AgentCoverage:
    """Count the required lists asked and obtained whole, and name each gap."""
    gaps = tuple(
        (r.source, r.reading.code if isinstance(r.reading, Unseen) else codes.PARTIAL)
        for r in checked.lists
        if r.source not in checked.whole
    )
    return AgentCoverage(len(checked.lists), len(checked.whole), gaps)
