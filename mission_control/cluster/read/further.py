"""What readiness and reports need beyond each round; satisfies `FurtherReader`."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mission_control.cluster.model.further import (
    AccountFacts,
    KubernetesObject,
    ListedEvents,
    NodeFacts,
    PodUsage,
    ServiceFacts,
)
from mission_control.cluster.read.account import AccountReader
from mission_control.cluster.read.lister import RawList
from mission_control.cluster.read.objects import OBJECT, ObjectReader
from mission_control.cluster.read.project_further import (
    NODE,
    SERVICE,
    project_node,
    project_service,
    project_usage,
)
from mission_control.cluster.read.project_objects import EVENT, project_all, project_event
from mission_control.cluster.read.shapes import Named
from mission_control.model.reading import Seen, Unseen, UnseenReason

if TYPE_CHECKING:
    from msgspec.json import Decoder

Shape = TypeVar("Shape", bound=Named)
Fact = TypeVar("Fact")


class FurtherObserver:
    """Reads Services, nodes and our own account, once, when a job asks."""

    def __init__(self, objects: ObjectReader, account: AccountReader) -> None:
        """Read through these."""
        self._objects = objects
        self._account = account

    def once(self) -> "FurtherObserver":
        """Return a reader for one run, which reads each list once."""
        return type(self)(self._objects.once(), self._account)

    def within(self, seconds: float) -> "FurtherObserver":
        """Give a reader whose every reading ends within so many seconds from now."""
        return type(self)(self._objects.within(seconds), self._account)

    async def services(self) -> Seen[tuple[ServiceFacts, ...]] | Unseen:
        """Read the Services of every watched namespace; one list that fails fails all."""
        wanted = (self._objects.raw("services", n) for n in self._objects.namespaces)
        return _join(await asyncio.gather(*wanted), "Service", SERVICE, project_service)

    async def nodes(self) -> Seen[tuple[NodeFacts, ...]] | Unseen:
        """Read the nodes."""
        return _join([await self._objects.raw("nodes")], "Node", NODE, project_node)

    async def account(self) -> AccountFacts:
        """Read who we are, and what that account may do."""
        return await self._account.read(self._objects)

    async def objects(
        self, resource: str, namespace: str = ""
    ) -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """Read a whole list of raw objects; nothing of it is redacted."""
        return await self._objects.objects(resource, namespace)

    async def namespace(self, name: str) -> Seen[KubernetesObject] | Unseen:
        """Read a namespace itself; `Unseen(NOT_OFFERED)` where there is none."""
        read = await self._objects.namespace(name)
        if isinstance(read, Unseen):
            return read
        try:
            found = OBJECT.decode(read.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"the namespace is none: {error}"[:200]
            return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)
        if found.get("kind") != "Namespace":
            detail = "what was answered is no namespace"
            return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)
        return Seen(found, read.at, read.took)

    async def events(self, namespace: str) -> Seen[ListedEvents] | Unseen:
        """Read every event of a watched namespace, redacted."""
        read = await self._objects.raw("events", namespace)
        if isinstance(read, Unseen):
            return read
        facts, odd = await asyncio.to_thread(project_all, read.value, "Event", EVENT, project_event)
        return Seen(ListedEvents(tuple(facts), odd), read.at, read.took)

    async def log(
        self, namespace: str, pod: str, container: str, *, previous: bool = False
    ) -> Seen[str] | Unseen:
        """Read the last 200 lines of a container, redacted; of the one before, if `previous`."""
        return await self._objects.log(namespace, pod, container, previous=previous)

    async def usage(self, namespace: str) -> Seen[tuple[PodUsage, ...]] | Unseen:
        """Read what the containers of a watched namespace use, where the cluster measures it."""
        read = await self._objects.usage(namespace)
        if isinstance(read, Unseen):
            return read
        return project_usage(read, namespace)


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
