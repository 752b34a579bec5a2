"""Single lists, logs and metrics, for who needs more than each round reads."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from mission_control.cluster.model.further import (
    BindingFacts,
    KubernetesObject,
    RoleFacts,
    Rule,
    SubjectRef,
)
from mission_control.cluster.read.api_answers import BadAnswerError, read_page
from mission_control.cluster.read.api_server import TEXT
from mission_control.cluster.read.guard import CORE, METRICS, RESOURCES, STARTERS
from mission_control.cluster.read.lister import AT_ONCE, ClusterLister, RawList
from mission_control.cluster.read.project_containers import clean
from mission_control.cluster.read.shapes import Loose, Named
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.redaction.redact import redact_text

LIST_SECONDS = 10.0
MAX_LOG_BYTES = 1024 * 1024

T = TypeVar("T")


class RuleShape(Loose):
    """A rule of a role."""

    verbs: list[str]
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = msgspec.field(default=None, name="nonResourceURLs")


class RoleShape(Named):
    """A Role or ClusterRole."""

    rules: list[RuleShape] | None = None


class SubjectShape(Loose):
    """Whom a binding grants a role."""

    kind: str = ""
    name: str = ""
    namespace: str | None = None


class RoleRefShape(Loose):
    """Which role a binding grants."""

    kind: str = ""
    name: str = ""


class BindingShape(Named, kw_only=True):
    """A RoleBinding or ClusterRoleBinding."""

    role_ref: RoleRefShape
    subjects: list[SubjectShape] | None = None


ROLE = msgspec.json.Decoder(RoleShape)
BINDING = msgspec.json.Decoder(BindingShape)
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
    Reads what somebody asks for, once; whatever goes wrong is `Unseen` with its reason.

    A few are read at a time, each for at most 10 s from when its turn comes.
    """

    def __init__(
        self,
        lister: ClusterLister,
        until: float | None = None,
        turns: asyncio.Semaphore | None = None,
        kept: KeptLists | None = None,
    ) -> None:
        """
        Read through this lister, nothing past `until` of the event loop's clock.

        `turns` are shared by all that read at the same time. With `kept` no list is read twice.
        """
        self._lister = lister
        self._until = until
        self._turns = turns or asyncio.Semaphore(AT_ONCE)
        self._kept = kept

    def once(self) -> "ObjectReader":
        """Return a reader for one run, which reads each list once."""
        return ObjectReader(self._lister, self._until, self._turns, KeptLists())

    def within(self, seconds: float) -> "ObjectReader":
        """Give a reader whose every reading ends within so many seconds from now."""
        until = asyncio.get_running_loop().time() + seconds
        if self._until is not None:
            until = min(until, self._until)
        return ObjectReader(self._lister, until, self._turns, self._kept)

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
        Read a whole list of objects as the API gives them.

        Nothing is redacted: whoever stores or shows any of it does that first.
        """
        raw = await self.raw(resource, namespace)
        if isinstance(raw, Unseen):
            return raw
        root = self._lister.root_in_use(RESOURCES[resource])
        version = root.removeprefix("/apis/").removeprefix("/api/")
        about = {"apiVersion": version, "kind": RESOURCES[resource].kind}
        try:
            found = await asyncio.to_thread(
                lambda: tuple({**about, **OBJECT.decode(each)} for each in raw.value)
            )
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"an object is none: {error}"[:200]
            return Unseen(UnseenReason.CONTRACT_INVALID, raw.at, raw.took, detail)
        return Seen(found, raw.at, raw.took)

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

    async def usage(self, namespace: str = "") -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """Read what the pods of a namespace use, or the nodes; most clusters offer it, not all."""
        path = f"{METRICS}/namespaces/{namespace}/pods" if namespace else f"{METRICS}/nodes"
        kind = "PodMetrics" if namespace else "NodeMetrics"
        body = await self._in_turn(lambda until: self._lister.get_text(path, until))
        if isinstance(body, Unseen):
            return body
        try:
            items = read_page(body.value, kind).items or ()
            return Seen(tuple(OBJECT.decode(i) for i in items), body.at, body.took)
        except BadAnswerError as bad:
            return Unseen(bad.reason, body.at, body.took, bad.detail)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"no list of metrics: {error}"[:200]
            return Unseen(UnseenReason.CONTRACT_INVALID, body.at, body.took, detail)

    async def namespace(self, name: str) -> Seen[bytes] | Unseen:
        """Read whether a namespace exists: `Unseen(NOT_OFFERED)` where it does not."""
        path = f"{CORE}/namespaces/{name}"
        return await self._in_turn(lambda until: self._lister.get_text(path, until))


def project_role(shape: RoleShape) -> RoleFacts:
    """Give a role's facts."""
    rules = tuple(
        Rule(
            _texts(r.verbs),
            _texts(r.api_groups),
            _texts(r.resources),
            _texts(r.resource_names),
            _texts(r.non_resource_urls),
        )
        for r in shape.rules or ()
    )
    return RoleFacts(clean(shape.metadata.namespace), clean(shape.metadata.name), rules)


def project_binding(shape: BindingShape) -> BindingFacts:
    """Give a binding's facts."""
    subjects = tuple(
        SubjectRef(clean(s.kind), clean(s.name), clean(s.namespace)) for s in shape.subjects or ()
    )
    return BindingFacts(
        clean(shape.metadata.namespace),
        clean(shape.metadata.name),
        clean(shape.role_ref.kind),
        clean(shape.role_ref.name),
        subjects,
    )


def _texts(given: list[str] | None) -> tuple[str, ...]:
    return tuple(clean(text) for text in given or ())
