"""Cluster reader: what readiness and reports need beyond each round; satisfies `FurtherReader`."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mission_control.jobs.ports import KubernetesObject
from mission_control.model.cluster.access import AccountFacts
from mission_control.model.cluster.further import NodeFacts, ServiceFacts
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.observe.cluster_reader.account_reader import AccountReader
from mission_control.observe.cluster_reader.lister import RawList
from mission_control.observe.cluster_reader.object_reader import ObjectReader
from mission_control.observe.cluster_reader.project_further import (
    NODE,
    SERVICE,
    project_node,
    project_service,
)
from mission_control.observe.cluster_reader.project_objects import project_all
from mission_control.observe.cluster_reader.shapes import Named

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

    async def services(self) -> Seen[tuple[ServiceFacts, ...]] | Unseen:
        """Read the Services of every watched namespace; one list that fails fails all."""
        wanted = (self._objects.raw("services", n) for n in self._objects.namespaces)
        return _join(await asyncio.gather(*wanted), "Service", SERVICE, project_service)

    async def nodes(self) -> Seen[tuple[NodeFacts, ...]] | Unseen:
        """Read the nodes."""
        return _join([await self._objects.raw("nodes")], "Node", NODE, project_node)

    async def account(self) -> AccountFacts:
        """Read who we are, and what that account may do."""
        return await self._account.read()

    async def objects(
        self, resource: str, namespace: str
    ) -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """Read a whole list as the API gives it; whoever stores any of it redacts it first."""
        return await self._objects.objects(resource, namespace)


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
