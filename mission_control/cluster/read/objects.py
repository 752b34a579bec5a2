"""Single lists, logs and metrics, and what jobs need of them beyond what each round reads."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from mission_control.cluster.model.facts import (
    AccountFacts,
    KubernetesObject,
    ListedEvents,
    NodeFacts,
    PodUsage,
    ServiceFacts,
)
from mission_control.cluster.model.resources import CORE, METRICS, RESOURCES, STARTERS
from mission_control.cluster.read.account import AccountReader
from mission_control.cluster.read.api_server import TEXT, BadAnswerError, read_page
from mission_control.cluster.read.lister import AT_ONCE, ClusterLister, RawList
from mission_control.cluster.read.projection import (
    EVENT,
    clean,
    labels_of,
    project_all,
    project_event,
)
from mission_control.cluster.read.shapes import UNDECODABLE, Condition, Loose, Named
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.redaction.redact import redact_text

if TYPE_CHECKING:
    from msgspec.json import Decoder

_GOOD = {"Ready": "True"}
"""What a condition should be; of any other the good value is False."""


class Port(Loose):
    """A port of a Service."""

    port: int
    name: str | None = None
    protocol: str | None = None
    target_port: str | int | None = None


class ServiceSpec(Loose):
    """A Service's specification."""

    type: str | None = None
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")
    ports: list[Port] | None = None
    selector: dict[str, str] | None = None


class ServiceShape(Named, kw_only=True):
    """A Service."""

    spec: ServiceSpec


class NodeSpec(Loose):
    """A node's specification."""

    unschedulable: bool | None = None


class NodeStatus(Loose):
    """A node's status."""

    conditions: list[Condition] | None = None


class NodeShape(Named, kw_only=True):
    """A node."""

    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus


class UsedShape(Loose):
    """What one container uses."""

    name: str
    usage: dict[str, str]


class UsageShape(Named, kw_only=True):
    """What one pod uses."""

    containers: list[UsedShape]


SERVICE = msgspec.json.Decoder(ServiceShape)
NODE = msgspec.json.Decoder(NodeShape)


def project_service(shape: ServiceShape) -> ServiceFacts:
    """Return a Service's facts."""
    spec = shape.spec
    return ServiceFacts(
        clean(shape.metadata.namespace),
        clean(shape.metadata.name),
        clean(spec.type) or "ClusterIP",
        clean(spec.cluster_ip),
        tuple(_port(p) for p in spec.ports or ()),
        {clean(k): clean(v) for k, v in sorted((spec.selector or {}).items())},
        labels_of(shape.metadata),
    )


def _port(port: Port) -> str:
    name = f"{clean(port.name)} " if port.name else ""
    return f"{name}{port.port}->{port.target_port or port.port}/{clean(port.protocol) or 'TCP'}"


def project_node(shape: NodeShape) -> NodeFacts:
    """Return a node's facts; a node without any condition is not known to be ready."""
    conditions = shape.status.conditions or ()
    troubles = [
        f"{clean(c.type)} is {clean(c.status)}"
        for c in conditions
        if c.status != _GOOD.get(c.type, "False")
    ]
    ready = any(c.type == "Ready" and c.status == "True" for c in conditions)
    return NodeFacts(
        clean(shape.metadata.name),
        ready,
        not shape.spec.unschedulable,
        tuple(sorted(troubles)) if ready or troubles else ("it reports no condition",),
    )


def _used(pod: UsageShape, namespace: str) -> Iterator[PodUsage]:
    name = clean(pod.metadata.name)
    for each in pod.containers:
        cpu, memory = each.usage.get("cpu", ""), each.usage.get("memory", "")
        yield PodUsage(namespace, name, clean(each.name), clean(cpu), clean(memory))


LIST_SECONDS = 10.0
MAX_LOG_BYTES = 1024 * 1024

T = TypeVar("T")
Shape = TypeVar("Shape", bound=Named)
Fact = TypeVar("Fact")


OBJECT = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class KeptLists:
    """The lists that one run has read, by resource and namespace, also those that were not seen."""

    known: dict[tuple[str, str], RawList] = field(default_factory=dict[tuple[str, str], RawList])
    _reading: defaultdict[tuple[str, str], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def read(
        self, resource: str, namespace: str, read: Callable[[], Awaitable[RawList]]
    ) -> RawList:
        """Read a list that was not read yet; of several that ask at once, one does."""
        key = (resource, namespace)
        async with self._reading[key]:
            if key not in self.known:
                self.known[key] = await read()
            return self.known[key]


class ObjectReader:
    """
    Reads of the cluster what only jobs need, once; what fails is `Unseen`, and nothing is raised.

    A few are read at a time, each for at most 10 s from when its turn comes.
    """

    def __init__(
        self,
        lister: ClusterLister,
        account: AccountReader | None = None,
        until: float | None = None,
        turns: asyncio.Semaphore | None = None,
        kept: KeptLists | None = None,
    ) -> None:
        """
        Read through this lister, nothing past `until` of the event loop's clock.

        `account` and `turns` are shared by all that read at the same time. With `kept` no list is
        read twice.
        """
        self._lister = lister
        self._account = account or AccountReader(lister.server)
        self._until = until
        self._turns = turns or asyncio.Semaphore(AT_ONCE)
        self._kept = kept

    def once(self) -> Self:
        """Return a reader for one run, which reads each list once, also one that was not seen."""
        return type(self)(self._lister, self._account, self._until, self._turns, KeptLists())

    def within(self, seconds: float) -> Self:
        """
        Return a reader whose every reading ends within so many seconds from now.

        What was not read by then is `Unseen(TIMEOUT)`; an earlier end, if there is one, stays.
        """
        until = asyncio.get_running_loop().time() + seconds
        if self._until is not None:
            until = min(until, self._until)
        return type(self)(self._lister, self._account, until, self._turns, self._kept)

    async def _in_turn(
        self, ask: Callable[[float], Awaitable[Seen[T] | Unseen]]
    ) -> Seen[T] | Unseen:
        """Ask once it is our turn, until a list's own time or the whole time is over."""
        loop = asyncio.get_running_loop()
        at, began = self._lister.clock(), loop.time()
        try:
            async with asyncio.timeout_at(self._until):
                await self._turns.acquire()
        except TimeoutError:
            took = loop.time() - began
            detail = f"never asked: others took all of {took:.1f} s"
            return Unseen(UnseenReason.TIMEOUT, at, took, detail)
        try:
            until = loop.time() + LIST_SECONDS
            return await ask(until if self._until is None else min(until, self._until))
        finally:
            self._turns.release()

    @property
    def namespaces(self) -> Sequence[str]:
        """List the namespaces that may be asked about."""
        return self._lister.server.watched

    async def raw(self, resource: str, namespace: str = "") -> RawList:
        """Read a whole list of objects, undecoded."""
        lister, asked = self._lister, RESOURCES[resource]

        async def read() -> RawList:
            return await self._in_turn(lambda until: lister.list_objects(asked, namespace, until))

        if self._kept is None:
            return await read()
        return await self._kept.read(resource, namespace, read)

    async def starters(self) -> Sequence[tuple[tuple[str, str], RawList]]:
        """Read every list that shows what could start execution, by its name and namespace."""
        groups = await self._in_turn(self._lister.groups)
        wanted = [(name, n) for name in STARTERS for n in self.namespaces]
        raw = await asyncio.gather(*(self._starter(r, n, groups) for r, n in wanted))
        return tuple(zip(wanted, raw, strict=True))

    async def _starter(
        self, name: str, namespace: str, groups: Seen[frozenset[str]] | Unseen
    ) -> RawList:
        read, asked = self._lister.list_optional, STARTERS[name]
        return await self._in_turn(lambda until: read(asked, namespace, until, groups))

    async def objects(
        self, resource: str, namespace: str = ""
    ) -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """
        Read a whole list of objects as the API gives them, each with its kind and API version.

        `namespace` is empty for what belongs to none. Nothing is redacted: redact it before it is
        stored or shown.
        """
        raw = await self.raw(resource, namespace)
        if isinstance(raw, Unseen):
            return raw
        root = self._lister.root_in_use(RESOURCES[resource])
        version = root.removeprefix("/apis/").removeprefix("/api/")
        about = {"apiVersion": version, "kind": RESOURCES[resource].kind}
        return await asyncio.to_thread(
            _decoded,
            raw,
            lambda: tuple(_object(each, about) for each in raw.value),
            "an object cannot be read",
        )

    async def log(
        self, namespace: str, pod: str, container: str, *, tail: int = 200, previous: bool = False
    ) -> Seen[str] | Unseen:
        """Read the last lines of a container's log, redacted; of the one before, if `previous`."""
        parameters = {
            "container": container,
            "tailLines": str(tail),
            "limitBytes": str(MAX_LOG_BYTES),
        }
        if previous:
            parameters["previous"] = "true"
        path = f"{CORE}/namespaces/{namespace}/pods/{pod}/log"
        body = await self._in_turn(lambda u: self._lister.get_text(path, u, parameters, TEXT))
        if isinstance(body, Unseen):
            return body
        text = body.value.decode("utf-8", errors="replace")
        shown = await asyncio.to_thread(redact_text, text)
        return Seen(shown, body.at, body.took)

    async def metrics(self, namespace: str = "") -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """Read what the pods of a namespace use, or the nodes; most clusters offer it, not all."""
        path = f"{METRICS}/namespaces/{namespace}/pods" if namespace else f"{METRICS}/nodes"
        kind = "PodMetrics" if namespace else "NodeMetrics"
        body = await self._in_turn(lambda until: self._lister.get_text(path, until))
        if isinstance(body, Unseen):
            return body
        try:
            items = read_page(body.value, kind).items or ()
        except BadAnswerError as bad:
            return Unseen(bad.reason, body.at, body.took, bad.detail)
        decode = lambda: tuple(_object(i) for i in items)  # noqa: E731
        return _decoded(body, decode, "not a list of metrics")

    async def raw_namespace(self, name: str) -> Seen[bytes] | Unseen:
        """Read whether a namespace exists: `Unseen(NOT_OFFERED)` where it does not."""
        path = f"{CORE}/namespaces/{name}"
        return await self._in_turn(lambda until: self._lister.get_text(path, until))

    async def services(self) -> Seen[tuple[ServiceFacts, ...]] | Unseen:
        """Read the Services of every watched namespace; one list that fails fails all."""
        wanted = (self.raw("services", n) for n in self.namespaces)
        return _join(await asyncio.gather(*wanted), "Service", SERVICE, project_service)

    async def nodes(self) -> Seen[tuple[NodeFacts, ...]] | Unseen:
        """Read the nodes."""
        return _join([await self.raw("nodes")], "Node", NODE, project_node)

    async def account(self) -> AccountFacts:
        """Read who we are, and what that account may do."""
        return await self._account.read(self)

    async def namespace(self, name: str) -> Seen[KubernetesObject] | Unseen:
        """Read a namespace itself; `Unseen(NOT_OFFERED)` where there is none."""
        read = await self.raw_namespace(name)
        if isinstance(read, Unseen):
            return read
        found = _decoded(read, lambda: _object(read.value), "the namespace cannot be read")
        if not isinstance(found, Unseen) and found.value.get("kind") != "Namespace":
            detail = "the answer is not a namespace"
            return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)
        return found

    async def events(self, namespace: str) -> Seen[ListedEvents] | Unseen:
        """Read every event of a watched namespace, redacted."""
        read = await self.raw("events", namespace)
        if isinstance(read, Unseen):
            return read
        facts, odd = await asyncio.to_thread(project_all, read.value, "Event", EVENT, project_event)
        return Seen(ListedEvents(tuple(facts), odd), read.at, read.took)

    async def usage(self, namespace: str) -> Seen[tuple[PodUsage, ...]] | Unseen:
        """Read what the containers of a watched namespace use, where the cluster measures it."""
        read = await self.metrics(namespace)
        if isinstance(read, Unseen):
            return read
        return _decoded(
            read,
            lambda: tuple(
                use
                for each in read.value
                for use in _used(msgspec.convert(each, UsageShape), namespace)
            ),
            "not metrics of pods",
        )


def _object(raw: bytes | msgspec.Raw, about: KubernetesObject | None = None) -> KubernetesObject:
    return {**(about or {}), **OBJECT.decode(raw)}


def _decoded(read: Seen[Any], decode: Callable[[], T], problem: str) -> Seen[T] | Unseen:
    """Return what was read as it decodes; what does not was not seen, for this problem."""
    try:
        return Seen(decode(), read.at, read.took)
    except UNDECODABLE as error:
        detail = f"{problem}: {error}"[:200]
        return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)


def _join(
    lists: Sequence[RawList],
    kind: str,
    decoder: "Decoder[Shape]",
    project: Callable[[Shape], Fact],
) -> Seen[tuple[Fact, ...]] | Unseen:
    found = list[Fact]()
    for read in lists:
        if isinstance(read, Unseen):
            return read
        facts, odd = project_all(read.value, kind, decoder, project)
        if odd:
            detail = f"{odd[0].kind}/{odd[0].name}: {odd[0].problem}"
            return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)
        found.extend(facts)
    oldest = min((r.at for r in lists), default=None)
    if oldest is None:
        raise ValueError("there is no list to join")
    return Seen(tuple(found), oldest)
