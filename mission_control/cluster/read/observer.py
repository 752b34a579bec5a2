"""One round over the watched namespaces; decides nothing about what it sees."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from mission_control.cluster.model.facts import (
    KIND_OF_LIST,
    LIST_OF_STARTER,
    REQUIRED_LISTS,
    STARTER_LISTS,
    ClusterFacts,
    ConfigMapFacts,
    EventFacts,
    ListReading,
    OddObject,
)
from mission_control.cluster.model.objects import WATCHED_ENV, PodFacts, StarterFacts, WorkloadFacts
from mission_control.cluster.read.api_answers import BadAnswerError
from mission_control.cluster.read.guard import CORE, RESOURCES, STARTERS
from mission_control.cluster.read.identity import IdentityReader
from mission_control.cluster.read.lister import ClusterLister, RawList
from mission_control.cluster.read.project_containers import clean
from mission_control.cluster.read.project_further import CONFIG_MAP, find_wanted, project_config_map
from mission_control.cluster.read.project_objects import (
    EVENT,
    POD,
    WORKLOAD,
    project_all,
    project_event,
    project_pod,
    project_workload,
)
from mission_control.cluster.read.project_starters import STARTER, project_starter
from mission_control.cluster.read.shapes import Named
from mission_control.floor.model import SwitchReading
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP, SourceKind
from mission_control.model.reading import Seen, Unseen, UnseenReason

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

    def __init__(self, lister: ClusterLister, watched: Collection[str] = ()) -> None:
        """Read through this lister; the values of `watched` variables are kept as well."""
        self._lister = lister
        self._watched = WATCHED_ENV | frozenset(watched)
        self._identity = IdentityReader(lister)

    async def read(self) -> ClusterFacts:
        """
        Read every required list, and the newest warnings, within one total deadline.

        Objects are projected in a thread, so that no other request waits.
        """
        namespaces = tuple(sorted(self._lister.server.watched))
        until = asyncio.get_running_loop().time() + ROUND_SECONDS
        wanted = [(r, n) for n in namespaces for r in (*REQUIRED_LISTS, "events")]
        starters = [(r, n) for n in namespaces for r in STARTER_LISTS]
        try:
            async with asyncio.timeout_at(until):
                await self._lister.server.prepare()
        except (BadAnswerError, TimeoutError) as error:
            unseen = self._nobody(error)
            lists = (ListReading(r, n, unseen) for r, n in (*wanted, *starters))
            identity = self._identity.without_uid(unseen.code.lower())
            return ClusterFacts(namespaces, tuple(lists), identity=identity)
        asked = asyncio.gather(*(self._ask(r, n, until) for r, n in wanted))
        raw, more, identity = await asyncio.gather(
            asked, self._ask_starters(starters, until), self._identity.read(until)
        )
        found, trouble = [*raw, *more], self._lister.server.trouble
        facts = await asyncio.to_thread(project_facts, namespaces, found, self._watched)
        return replace(facts, identity=identity, outdated=trouble)

    async def _ask_starters(
        self, wanted: Sequence[tuple[str, str]], until: float
    ) -> Sequence[_Asked]:
        """Read what could start pods; of what is not installed no list is asked for."""
        groups = await self._lister.groups(until)
        read = self._lister.list_optional
        raw = await asyncio.gather(*(read(STARTERS[r], n, until, groups) for r, n in wanted))
        return [_Asked(*each, found) for each, found in zip(wanted, raw, strict=True)]

    async def _ask(self, resource: str, namespace: str, until: float) -> _Asked:
        selector = WARNINGS if resource == "events" else ""
        raw = await self._lister.list_objects(RESOURCES[resource], namespace, until, selector)
        return _Asked(resource, namespace, raw)

    def _nobody(self, error: BadAnswerError | TimeoutError) -> Unseen:
        bad = error if isinstance(error, BadAnswerError) else _TOO_LATE
        return Unseen(bad.reason, self._lister.clock(), detail=bad.detail, exchange=bad.exchange)


_STARTER_OF_LIST = {listed: kind for kind, listed in LIST_OF_STARTER.items()}


def project_facts(
    namespaces: Sequence[str], asked: Sequence[_Asked], watched: Collection[str] = WATCHED_ENV
) -> ClusterFacts:
    """Return the facts in the raw lists, each kind sorted."""
    workloads, pods = list[WorkloadFacts](), list[PodFacts]()
    events, maps = list[EventFacts](), list[ConfigMapFacts]()
    starters, readings = list[StarterFacts](), list[ListReading]()
    for each in sorted(asked, key=lambda a: a.resource == "configmaps"):
        odd: tuple[OddObject, ...] = ()
        if isinstance(each.raw, Seen):
            match each.resource:
                case "pods":
                    project = partial(project_pod, watched=watched)
                    found, odd = project_all(each.raw.value, "Pod", POD, project)
                    pods.extend(found)
                case "events":
                    told, odd = project_all(each.raw.value, "Event", EVENT, project_event)
                    events.extend(told)
                case "configmaps":
                    wanted = find_wanted((*workloads, *pods, *starters), watched)
                    keep = partial(project_config_map, wanted=wanted)
                    held, odd = project_all(each.raw.value, "ConfigMap", CONFIG_MAP, keep)
                    maps.extend(held)
                case resource if resource in _STARTER_OF_LIST:
                    kind = _STARTER_OF_LIST[resource]
                    made = partial(project_starter, kind, watched=watched)
                    able, odd = project_all(each.raw.value, kind, STARTER, made)
                    starters.extend(able)
                case resource:
                    kind = KIND_OF_LIST[resource]
                    made = partial(project_workload, kind, watched=watched)
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
        tuple(sorted(starters, key=lambda s: s.key)),
    )


def _reading(asked: _Asked, odd: tuple[OddObject, ...]) -> ListReading:
    raw = asked.raw
    if isinstance(raw, Unseen):
        return ListReading(asked.resource, asked.namespace, raw)
    seen = Seen(len(raw.value), raw.at, raw.took)
    return ListReading(asked.resource, asked.namespace, seen, odd)


def _newest(events: list[EventFacts]) -> Iterator[EventFacts]:
    """Yield the newest warnings, newest first; those without a time come last."""
    timed = sorted(
        (e for e in events if e.last_seen is not None),
        key=lambda e: (e.last_seen, e.namespace, e.about, e.message),
        reverse=True,
    )
    yield from (timed + [e for e in events if e.last_seen is None])[:KEPT_WARNINGS]


DEADLINE_SECONDS = 5.0


class _SwitchMap(Named):
    kind: str = ""
    data: dict[str, str] | None = None


_SWITCH_MAP = msgspec.json.Decoder(_SwitchMap)


class ConfigMapSwitch:
    """
    Reads the kill switch's own ConfigMap by name (docs/status_contract.md).

    That it does not exist, or has no such key, is something seen: the fleet would run on it. What
    could not be read is `Unseen`, and means nothing.
    """

    def __init__(self, lister: ClusterLister, namespace: str) -> None:
        """Read the switch of this namespace through this lister."""
        self._lister = lister
        self._namespace = namespace
        self._path = f"{CORE}/namespaces/{namespace}/configmaps/{KILL_SWITCH_MAP}"
        self._source = f"configmap {namespace}/{KILL_SWITCH_MAP}"

    async def read(self) -> SwitchReading:
        """Read it once."""
        until = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        body = await self._lister.get_text(self._path, until)
        if isinstance(body, Unseen):
            if body.reason is UnseenReason.NOT_OFFERED and _is_object_missing(body):
                return self._seen("", body.at, "the ConfigMap does not exist")
            return SwitchReading(SourceKind.CONFIG_MAP, self._source, body)
        try:
            held = _SWITCH_MAP.decode(body.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = clean(f"no ConfigMap: {error}", 200)
            invalid = Unseen(UnseenReason.CONTRACT_INVALID, body.at, body.took, detail)
            return SwitchReading(SourceKind.CONFIG_MAP, self._source, invalid)
        who = (held.kind, held.metadata.namespace, held.metadata.name)
        if who != ("ConfigMap", self._namespace, KILL_SWITCH_MAP):
            detail = clean(f"it is another object: {held.kind} {who[1]}/{who[2]}", 200)
            other = Unseen(UnseenReason.CONTRACT_INVALID, body.at, body.took, detail)
            return SwitchReading(SourceKind.CONFIG_MAP, self._source, other)
        value = (held.data or {}).get(KILL_SWITCH_KEY)
        if value is None:
            return self._seen("", body.at, f"the ConfigMap has no {KILL_SWITCH_KEY}", body.took)
        return self._seen(value[:200], body.at, "", body.took)

    def _seen(self, value: str, at: datetime, absent: str, took: float = 0.0) -> SwitchReading:
        return SwitchReading(SourceKind.CONFIG_MAP, self._source, Seen(value, at, took), absent)


def _is_object_missing(unseen: Unseen) -> bool:
    """Return whether a 404 is an API server's for an object, and not one of a proxy."""
    return "not found" in unseen.detail and KILL_SWITCH_MAP in unseen.detail
