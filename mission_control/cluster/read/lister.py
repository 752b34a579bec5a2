"""Asks for lists page by page, and says of each that fails why."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from mission_control.cluster.model.resources import GROUPS, Resource
from mission_control.cluster.read.api_server import ApiServer, BadAnswerError, check_size, read_page
from mission_control.cluster.read.guard import collection_path
from mission_control.cluster.read.shapes import UNDECODABLE
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.probe.patience import LoopStalls
from mission_control.probe.service_probe import STALL_SECONDS, STALL_SHARE

PAGE_LIMIT = 500
MAX_OBJECTS = 20_000
MAX_LIST_BYTES = 64 * 1024 * 1024
"""A list beyond either is Unseen(BODY_TOO_LARGE): a round must fit into memory and time."""
AT_ONCE = 6
"""So many requests are under way at a time: the API server serves others too."""

RawObjects = tuple[msgspec.Raw, ...]
RawList = Seen[RawObjects] | Unseen


class _Offered(msgspec.Struct):
    name: str = ""


class _Offer(msgspec.Struct):
    """What a server offers: its groups, or the resources of a version of one."""

    kind: str = ""
    groups: list[_Offered] | None = None
    resources: list[_Offered] | None = None


_OFFER = msgspec.json.Decoder(_Offer)


class ClusterLister:
    """Reads whole lists and single objects; whatever goes wrong is `Unseen` with its reason."""

    def __init__(self, server: ApiServer, clock: Clock, stalls: LoopStalls | None = None) -> None:
        """Read from this server by this clock; `stalls` tell what was our own slowness."""
        self.server = server
        self.clock = clock
        self.stalls = stalls or LoopStalls()
        self._roots: dict[str, str] = {}
        self._busy = asyncio.Semaphore(AT_ONCE)

    async def list_objects(
        self, resource: Resource, namespace: str, until: float, field_selector: str = ""
    ) -> RawList:
        """
        Read a whole list until an instant of the event loop's clock (seconds).

        `Seen.at` is when the first page was asked for: the list is as old as that. A list that is
        not whole is `Unseen`.
        """
        loop = asyncio.get_running_loop()
        at, began = self.clock(), loop.time()
        self.stalls.start()
        try:
            async with asyncio.timeout_at(until):
                root = await self._root(resource)
                path = collection_path(root, resource, namespace)
                objects = await self._pages(resource, path, field_selector)
        except TimeoutError:
            return self._too_late(at, began, "not whole")
        except BadAnswerError as bad:
            if bad.reason is UnseenReason.NOT_OFFERED:
                self._roots.pop(resource.name, None)
            took = loop.time() - began
            return Unseen(bad.reason, at, took, bad.detail, bad.exchange)
        return Seen(objects, at, loop.time() - began)

    async def get_text(
        self, path: str, until: float, parameters: dict[str, str] | None = None, accept: str = ""
    ) -> Seen[bytes] | Unseen:
        """Read one object or text as it is, until an instant of the event loop's clock."""
        loop = asyncio.get_running_loop()
        at, began = self.clock(), loop.time()
        self.stalls.start()
        try:
            async with asyncio.timeout_at(until), self._busy:
                body = await self.server.get(path, parameters, accept or "application/json")
                check_size(body)
        except TimeoutError:
            return self._too_late(at, began, "no whole answer")
        except BadAnswerError as bad:
            return Unseen(bad.reason, at, loop.time() - began, bad.detail, bad.exchange)
        return Seen(body, at, loop.time() - began)

    async def groups(self, until: float) -> Seen[frozenset[str]] | Unseen:
        """
        Read which groups of resources the API server offers, until an instant of the loop's clock.

        A group that is not among them is known not to be installed; a list that says nothing of
        groups proves nothing.
        """
        read = await self.get_text(GROUPS, until)
        if isinstance(read, Unseen):
            return read
        try:
            told = _OFFER.decode(read.value)
        except UNDECODABLE:
            told = _Offer()
        if told.kind != "APIGroupList" or not told.groups:
            detail = f"{GROUPS} does not say which groups there are"
            return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)
        return Seen(frozenset(g.name for g in told.groups), read.at, read.took)

    async def list_optional(
        self,
        resource: Resource,
        namespace: str,
        until: float,
        groups: Seen[frozenset[str]] | Unseen,
    ) -> RawList:
        """Read a list that a cluster may not offer: it is empty where its group is not there."""
        if resource.optional:
            root = resource.roots[0]
            if isinstance(groups, Unseen):
                return groups
            if root.split("/")[2] not in groups.value:
                return Seen((), groups.at, groups.took)
            body = await self.get_text(root, until)
            if isinstance(body, Unseen):
                return body
            try:
                offered = _read_offered(root, body.value)
            except BadAnswerError as bad:
                return Unseen(bad.reason, body.at, body.took, bad.detail)
            if all(each.name != resource.name for each in offered):
                return Seen((), body.at, body.took)
        return await self.list_objects(resource, namespace, until)

    def _too_late(self, at: datetime, began: float, what: str) -> Unseen:
        """Say that the time was over; where our own loop was held up it is not the server's."""
        now = asyncio.get_running_loop().time()
        took, lost = now - began, self.stalls.lost(began, now)
        if lost > max(STALL_SECONDS, STALL_SHARE * took):
            told = f"our own loop was held up for {lost:.1f} of {took:.1f} s"
            detail = f"{what}: {told}; how the API server answers is not known"
            return Unseen(UnseenReason.OWN_STALL, at, took, detail)
        return Unseen(UnseenReason.TIMEOUT, at, took, f"{what} after {took:.1f} s")

    def root_in_use(self, resource: Resource) -> str:
        """Return the API root that a resource was last read from, the newest before that."""
        return self._roots.get(resource.name, resource.roots[0])

    async def _pages(self, resource: Resource, path: str, field_selector: str) -> RawObjects:
        """Read all pages; a list that expires between them is begun again, once."""
        try:
            return await self._read_through(resource, path, field_selector)
        except BadAnswerError as bad:
            if bad.reason is not UnseenReason.LIST_EXPIRED:
                raise
        return await self._read_through(resource, path, field_selector)

    async def _read_through(self, resource: Resource, path: str, field_selector: str) -> RawObjects:
        parameters = {"limit": str(PAGE_LIMIT)}
        if field_selector:
            parameters["fieldSelector"] = field_selector
        objects, size = list[msgspec.Raw](), 0
        while True:
            async with self._busy:
                body = await self.server.get(path, parameters)
            page = read_page(body, resource.kind)
            objects.extend(page.items or ())
            size += len(body)
            following = page.metadata.continue_
            if len(objects) > MAX_OBJECTS or size > MAX_LIST_BYTES:
                detail = f"more than we take: {len(objects)} objects, {size // 2**20} MiB"
                raise BadAnswerError(UnseenReason.BODY_TOO_LARGE, detail)
            if not following:
                return tuple(objects)
            if following == parameters.get("continue"):
                detail = f"it does not end after {len(objects)} objects"
                raise BadAnswerError(UnseenReason.PARTIAL, detail)
            if not page.items:
                raise BadAnswerError(UnseenReason.PARTIAL, "an empty page says that there is more")
            parameters["continue"] = following

    async def _root(self, resource: Resource) -> str:
        """Find the API root that offers a resource: by asking, where there are several."""
        if len(resource.roots) == 1:
            return resource.roots[0]
        if resource.name not in self._roots:
            self._roots[resource.name] = await self._discover(resource)
        return self._roots[resource.name]

    async def _discover(self, resource: Resource) -> str:
        for root in resource.roots:
            try:
                async with self._busy:
                    body = await self.server.get(root)
                offered = _read_offered(root, body)
            except BadAnswerError as bad:
                if bad.reason is not UnseenReason.NOT_OFFERED:
                    raise
                continue
            if any(each.name == resource.name for each in offered):
                return root
        detail = f"no version of its API offers {resource.name}"
        raise BadAnswerError(UnseenReason.NOT_OFFERED, detail)


def _read_offered(root: str, body: bytes) -> Sequence[_Offered]:
    """Read what a version of a group offers; raises BadAnswerError for what does not tell."""
    try:
        return _OFFER.decode(body).resources or ()
    except UNDECODABLE:
        detail = f"{root} does not say what it offers"
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, detail) from None
