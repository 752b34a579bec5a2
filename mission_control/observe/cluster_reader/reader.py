"""Cluster reader: one round over the watched namespaces; decides nothing about what it sees."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from mission_control.model.cluster.facts import (
    KIND_OF_LIST,
    REQUIRED_LISTS,
    ClusterFacts,
    ConfigMapFacts,
    EventFacts,
    ListReading,
    OddObject,
)
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.observe.cluster_reader.api_answers import BadAnswerError
from mission_control.observe.cluster_reader.identity import IdentityReader
from mission_control.observe.cluster_reader.lister import ClusterLister, RawList
from mission_control.observe.cluster_reader.project_config_maps import (
    CONFIG_MAP,
    Wanted,
    find_wanted,
    project_config_map,
)
from mission_control.observe.cluster_reader.project_objects import (
    EVENT,
    POD,
    WORKLOAD,
    project_all,
    project_event,
    project_pod,
    project_workload,
)
from mission_control.observe.cluster_reader.resources import RESOURCES

ROUND_SECONDS = 10.0
"""A whole round has this long; a list that is not whole by then is `Unseen(TIMEOUT)`."""
KEPT_WARNINGS = 500
WARNINGS = "type=Warning"
_TOO_LATE = BadAnswerError(UnseenReason.TIMEOUT, "the API server could not be reached in time")


class _Asked(NamedTuple):
    resource: str
    namespace: str
    raw: RawList


class ClusterObserver:
    """Reads every required list of every watched namespace; satisfies `ClusterReader`."""

    def __init__(self, lister: ClusterLister) -> None:
        """Read through this lister."""
        self._lister = lister
        self._identity = IdentityReader(lister)

    async def read(self) -> ClusterFacts:
        """
        Read every required list, and the newest warnings, within one total deadline.

        Objects are projected in a thread, so that nobody who is asked meanwhile waits.
        """
        namespaces = tuple(sorted(self._lister.server.watched))
        until = asyncio.get_running_loop().time() + ROUND_SECONDS
        wanted = [(r, n) for n in namespaces for r in (*REQUIRED_LISTS, "events")]
        try:
            async with asyncio.timeout_at(until):
                await self._lister.server.prepare()
        except (BadAnswerError, TimeoutError) as error:
            unseen = self._nobody(error)
            lost = tuple(ListReading(r, n, unseen) for r, n in wanted)
            identity = self._identity.without_uid(unseen.code.lower())
            return ClusterFacts(namespaces, lost, identity=identity)
        naming = asyncio.ensure_future(self._identity.read(until))
        raw = await asyncio.gather(*(self._ask(r, n, until) for r, n in wanted))
        facts = await asyncio.to_thread(project_facts, namespaces, raw)
        return replace(facts, identity=await naming)

    async def _ask(self, resource: str, namespace: str, until: float) -> _Asked:
        selector = WARNINGS if resource == "events" else ""
        raw = await self._lister.list_objects(RESOURCES[resource], namespace, until, selector)
        return _Asked(resource, namespace, raw)

    def _nobody(self, error: BadAnswerError | TimeoutError) -> Unseen:
        bad = error if isinstance(error, BadAnswerError) else _TOO_LATE
        return Unseen(bad.reason, self._lister.clock(), detail=bad.detail, exchange=bad.exchange)


def project_facts(namespaces: Sequence[str], asked: Sequence[_Asked]) -> ClusterFacts:
    """Give the facts in the raw lists, each kind sorted."""
    workloads, pods = list[WorkloadFacts](), list[PodFacts]()
    events, maps = list[EventFacts](), list[ConfigMapFacts]()
    readings = list[ListReading]()
    for each in sorted(asked, key=lambda a: a.resource == "configmaps"):
        odd: tuple[OddObject, ...] = ()
        if isinstance(each.raw, Seen):
            match each.resource:
                case "pods":
                    found, odd = project_all(each.raw.value, "Pod", POD, project_pod)
                    pods.extend(found)
                case "events":
                    told, odd = project_all(each.raw.value, "Event", EVENT, project_event)
                    events.extend(told)
                case "configmaps":
                    project = partial(project_config_map, wanted=_wanted(workloads, pods))
                    held, odd = project_all(each.raw.value, "ConfigMap", CONFIG_MAP, project)
                    maps.extend(held)
                case resource:
                    kind = KIND_OF_LIST[resource]
                    made = partial(project_workload, kind)
                    some, odd = project_all(each.raw.value, kind, WORKLOAD, made)
                    workloads.extend(some)
        readings.append(_reading(each, odd))
    return ClusterFacts(
        tuple(namespaces),
        tuple(sorted(readings, key=lambda r: (r.namespace, r.resource))),
        tuple(sorted(workloads, key=lambda w: w.key)),
        tuple(sorted(pods, key=lambda p: p.key)),
        tuple(sorted(maps, key=lambda m: m.key)),
        tuple(_newest(events)),
    )


def _wanted(workloads: list[WorkloadFacts], pods: list[PodFacts]) -> Wanted:
    return find_wanted((*workloads, *pods))


def _reading(asked: _Asked, odd: tuple[OddObject, ...]) -> ListReading:
    raw = asked.raw
    if isinstance(raw, Unseen):
        return ListReading(asked.resource, asked.namespace, raw)
    seen = Seen(len(raw.value), raw.at, raw.took)
    return ListReading(asked.resource, asked.namespace, seen, odd)


def _newest(events: list[EventFacts]) -> Iterator[EventFacts]:
    """Give the newest warnings, newest first; those without a time come last."""
    timed = sorted(
        (e for e in events if e.last_seen is not None),
        key=lambda e: (e.last_seen, e.namespace, e.about, e.message),
        reverse=True,
    )
    yield from (timed + [e for e in events if e.last_seen is None])[:KEPT_WARNINGS]
