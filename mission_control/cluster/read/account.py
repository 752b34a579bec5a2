"""Who we are to the cluster, and what that account may do, by GET alone."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mission_control.cluster.decide.account import judge_account
from mission_control.cluster.model.facts import (
    AccountFacts,
    BindingFacts,
    RoleFacts,
    Rule,
    SubjectRef,
)
from mission_control.cluster.read.api_server import ApiServer, BadAnswerError
from mission_control.cluster.read.lister import RawList
from mission_control.cluster.read.projection import clean, project_all
from mission_control.cluster.read.shapes import Loose, Named
from mission_control.model.reading import Unseen, UnseenReason

if TYPE_CHECKING:
    from msgspec.json import Decoder

    from mission_control.cluster.read.objects import ObjectReader


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
    """The subject to which a binding grants a role."""

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


def project_role(shape: RoleShape) -> RoleFacts:
    """Return a role's facts."""
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
    """Return a binding's facts."""
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


KEPT_SECONDS = 60.0
"""Bindings are read at most this often, however often the proof is asked for."""
_NAMED = re.compile(r'User "([^"]{1,200})" cannot ')

Shape = TypeVar("Shape", bound=Named)
Fact = TypeVar("Fact")


class AccountReader:
    """Reads the roles bound to our own account, and judges them; remembers that for a minute."""

    def __init__(self, server: ApiServer) -> None:
        """Judge our account on this server."""
        self._server = server
        self._known: tuple[float, AccountFacts] | None = None
        self._reading = asyncio.Lock()

    async def read(self, objects: "ObjectReader") -> AccountFacts:
        """Say who we are, and whether that account can only read, by what `objects` reads."""
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if self._known is not None and now - self._known[0] < KEPT_SECONDS:
                return self._known[1]
            account = await self._read(objects)
            self._known = (now, account)
            return account

    async def _read(self, objects: "ObjectReader") -> AccountFacts:
        try:
            await self._server.prepare()
        except BadAnswerError as bad:
            return AccountFacts("unknown", verified=False, read_only=None, detail=bad.detail)
        endpoint = self._server.endpoint
        who, verified = (endpoint.who if endpoint else "unknown"), False
        by = endpoint.by if endpoint else ""
        roles, bindings = await asyncio.gather(
            _lists(objects, "roles", "clusterroles"),
            _lists(objects, "rolebindings", "clusterrolebindings"),
        )
        denied = [r for r in (*roles, *bindings) if isinstance(r, Unseen)]
        for reading in denied:
            named = _NAMED.search(reading.detail)
            if reading.reason is UnseenReason.DENIED and named:
                who, verified = named.group(1), True
        if denied:
            detail = f"roles and bindings could not be read: {denied[0].detail or denied[0].code}"
            return AccountFacts(who, verified, None, detail=detail)
        held, odd_roles = _project(roles, "role", ROLE, project_role)
        given, odd_bindings = _project(bindings, "binding", BINDING, project_binding)
        if odd_roles or odd_bindings:
            detail = "some roles or bindings cannot be understood"
            return AccountFacts(who, verified, None, detail=detail)
        namespaces = objects.namespaces
        judged = judge_account(who, held, given, verified=verified, namespaces=namespaces)
        if not by:
            return judged
        detail = f"{judged.detail}; what {by} may do, who acts as it, was not looked at"
        return replace(
            judged, read_only=None if judged.read_only else judged.read_only, detail=detail
        )


async def _lists(objects: "ObjectReader", namespaced: str, of_cluster: str) -> Sequence[RawList]:
    each = (objects.raw(namespaced, n) for n in objects.namespaces)
    return await asyncio.gather(objects.raw(of_cluster), *each)


def _project(
    lists: Sequence[RawList],
    kind: str,
    decoder: "Decoder[Shape]",
    project: Callable[[Shape], Fact],
) -> tuple[list[Fact], bool]:
    raw = tuple(chain.from_iterable(r.value for r in lists if not isinstance(r, Unseen)))
    facts, odd = project_all(raw, kind, decoder, project)
    return facts, bool(odd)
