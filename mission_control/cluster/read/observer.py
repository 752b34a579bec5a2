"""One round over the watched namespaces, and which cluster it is; decides nothing."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from mission_control.cluster.decide.environment import digest_config_map, is_safety_map
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
from mission_control.cluster.model.objects import (
    WATCHED_ENV,
    Container,
    PodFacts,
    StarterFacts,
    WorkloadFacts,
)
from mission_control.cluster.model.resources import CORE, RESOURCES, STARTERS
from mission_control.cluster.read.api_server import BadAnswerError
from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.lister import ClusterLister, RawList
from mission_control.cluster.read.projection import (
    EVENT,
    POD,
    WORKLOAD,
    clean,
    project_all,
    project_event,
    project_pod,
    project_workload,
    required,
)
from mission_control.cluster.read.shapes import UNDECODABLE, ConfigMapShape, Named
from mission_control.cluster.read.starters import STARTER, project_starter
from mission_control.floor.model import SwitchReading
from mission_control.model.cluster_identity import NAMESPACE, ClusterIdentity
from mission_control.model.kill_switch import (
    KILL_SWITCH_KEY,
    KILL_SWITCH_MAP,
    SAFETY_MAP,
    SourceKind,
)
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.redaction.redact import MASK, is_secret_key

PATH = f"{CORE}/namespaces/{NAMESPACE}"
KEPT_SECONDS = 60.0
"""What the API server said, a denial included, is asked again after this, or when it is another."""
READ_SECONDS = 3.0
"""No list waits for a name any longer."""
MOST_OF_A_UID, _MOST_OF_A_SERVER = 64, 300


class _Single(Named):
    kind: str = ""
    data: dict[str, str] | None = None


_SINGLE = msgspec.json.Decoder(_Single)


class IdentityReader:
    """Says which cluster is read; a UID that cannot be read is named as unknown."""

    def __init__(self, lister: ClusterLister) -> None:
        """Read through this lister."""
        self._lister = lister
        self._kept: tuple[Endpoint, float, ClusterIdentity] | None = None

    async def read(self, until: float) -> ClusterIdentity:
        """
        Read it, or give what was said lately.

        It takes three seconds at most, and never beyond that instant of the event loop's clock.
        """
        endpoint, now = self._lister.server.endpoint, asyncio.get_running_loop().time()
        kept = self._kept
        if kept is not None and kept[0] is endpoint and now - kept[1] < KEPT_SECONDS:
            return kept[2]
        uid, unknown = await self._uid(min(until, now + READ_SECONDS))
        made = _identity(self._lister, endpoint, uid, unknown)
        answered = bool(uid) or unknown == UnseenReason.DENIED.lower()
        self._kept = (endpoint, now, made) if endpoint is not None and answered else None
        return made

    def without_uid(self, why: str) -> ClusterIdentity:
        """Say which cluster was to be read, where the API server was not reached at all."""
        return _identity(self._lister, self._lister.server.endpoint, "", why)

    async def _uid(self, until: float) -> tuple[str, str]:
        """Return the UID, or an empty one and why."""
        body = await self._lister.get_text(PATH, until)
        if isinstance(body, Unseen):
            return "", body.code.lower()
        try:
            read = _SINGLE.decode(body.value)
        except UNDECODABLE:
            return "", UnseenReason.CONTRACT_INVALID.lower()
        uid = clean(read.metadata.uid, MOST_OF_A_UID)
        if (read.kind, read.metadata.name) != ("Namespace", NAMESPACE) or not uid:
            return "", UnseenReason.CONTRACT_INVALID.lower()
        return uid, ""


def _identity(
    lister: ClusterLister, endpoint: Endpoint | None, uid: str, unknown: str
) -> ClusterIdentity:
    context = (endpoint.kube_context if endpoint else "") or lister.server.access.chosen
    return ClusterIdentity(context, shown_server(endpoint.host) if endpoint else "", uid, unknown)


def shown_server(url: str) -> str:
    """Return an API server's URL as it is recorded: no user, no password, no query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return clean(f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}", _MOST_OF_A_SERVER)


IN_FULL = frozenset({KILL_SWITCH_MAP, SAFETY_MAP})
"""ConfigMaps that are kept with all their values; all others as name, keys and digest."""

CONFIG_MAP = msgspec.json.Decoder(ConfigMapShape)


class Wanted(NamedTuple):
    """Which values of which ConfigMaps the environment of a container refers to."""

    keys: Collection[tuple[str, str, str]]
    prefixes: Collection[tuple[str, str, str]]
    watched: Collection[str] = WATCHED_ENV

    def wants(self, namespace: str, name: str, key: str) -> bool:
        """Return whether a watched variable comes from this key, or it is a setting of safety."""
        if (namespace, name, key) in self.keys:
            return True
        if key.upper() in self.watched and is_safety_map(name):
            return True
        return any(
            (namespace, name) == (ns, map_) and prefix + key in self.watched
            for ns, map_, prefix in self.prefixes
        )


def find_wanted(
    things: Iterable[WorkloadFacts | PodFacts | StarterFacts],
    watched: Collection[str] = WATCHED_ENV,
) -> Wanted:
    """Find the ConfigMap keys that watched variables come from."""
    keys, prefixes = set[tuple[str, str, str]](), set[tuple[str, str, str]]()
    for thing in things:
        for container in thing.containers:
            _collect(thing.namespace, container, keys, prefixes)
    return Wanted(frozenset(keys), tuple(sorted(prefixes)), watched)


def _collect(
    namespace: str,
    container: Container,
    keys: set[tuple[str, str, str]],
    prefixes: set[tuple[str, str, str]],
) -> None:
    for variable in container.env:
        ref = variable.ref
        if ref is not None and ref.kind == "ConfigMap":
            keys.add((namespace, ref.name, ref.key))
    for source in container.env_from:
        if source.kind == "ConfigMap":
            prefixes.add((namespace, source.name, source.prefix))


def project_config_map(shape: ConfigMapShape, wanted: Wanted) -> ConfigMapFacts:
    """Return a ConfigMap's facts; its digest covers all of its data, the kept values are few."""
    namespace = required(shape.metadata.namespace, "namespace")
    name = required(shape.metadata.name, "name")
    data, binary = shape.data or {}, shape.binary_data or {}
    kept = {
        clean(key): MASK if is_secret_key(key) else clean(value, 4096)
        for key, value in sorted(data.items())
        if name in IN_FULL or wanted.wants(namespace, name, key)
    }
    keys = tuple(sorted(clean(key) for key in (*data, *binary)))
    return ConfigMapFacts(namespace, name, digest_config_map(data, binary), keys, kept)


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
    """
    Reads every required list of every watched namespace; each that fails says why.

    It never raises for what the API answers.
    """

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
            unseen = self._no_body(error)
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

    def _no_body(self, error: BadAnswerError | TimeoutError) -> Unseen:
        bad = error if isinstance(error, BadAnswerError) else _TOO_LATE
        return Unseen(bad.reason, self._lister.clock(), detail=bad.detail, exchange=bad.exchange)


_STARTER_OF_LIST = {listed: kind for kind, listed in LIST_OF_STARTER.items()}


def project_facts(
    namespaces: Sequence[str], asked: Sequence[_Asked], watched: Collection[str] = WATCHED_ENV
) -> ClusterFacts:
    """Return what the raw lists hold, each kind sorted."""
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
            held = _SINGLE.decode(body.value)
        except UNDECODABLE as error:
            detail = clean(f"not a ConfigMap: {error}", 200)
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
