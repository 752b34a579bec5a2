"""The live proof that Mission Control only reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from mission_control.api.answers import AnyRequest, give_once
from mission_control.api.options import ApiParts, describes
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.floor.ports import AttestationFacts
from mission_control.model.fleet import NO_CLUSTER

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class ProvenRoute:
    """One route as it is registered; `read_only` only where that is certain."""

    path: str
    kind: str
    methods: tuple[str, ...]
    read_only: bool


@dataclass(frozen=True, slots=True)
class RouteProof:
    """Every route and mount, sorted by path; an application without routes proves nothing."""

    routes: tuple[ProvenRoute, ...]

    @property
    def proven(self) -> bool:
        """Tell whether every single route is certain to be read-only."""
        return bool(self.routes) and all(route.read_only for route in self.routes)

    @property
    def violations(self) -> tuple[ProvenRoute, ...]:
        """Give the routes that break the proof."""
        return tuple(route for route in self.routes if not route.read_only)


def prove_read_only(application: Litestar) -> RouteProof:
    """
    Walk over everything that is registered, and prove what can be proven.

    Only a plain HTTP route whose methods are all GET, HEAD or OPTIONS is certain. A mount, a
    bare ASGI route or a websocket takes whatever it is sent, so each breaks the proof.
    """
    routes = sorted(_walk(application.routes), key=lambda r: (r.path, r.kind))
    return RouteProof(tuple(routes))


def _walk(routes: Iterable[BaseRoute]) -> Iterator[ProvenRoute]:
    for route in routes:
        methods: Sequence[str] = sorted(str(method) for method in route.methods)
        certain = type(route) is HTTPRoute and bool(methods) and set(methods) <= READING_METHODS
        yield ProvenRoute(route.path, _kind_of(route), tuple(methods), certain)


def _kind_of(route: BaseRoute) -> str:
    if getattr(getattr(route, "route_handler", None), "is_mount", False):
        return "mount"
    return route.scope_type.value


MUST_REFUSE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

COPIES = (
    "copies recorded artifacts to this place only: creates what is not there yet (PUT with "
    "If-None-Match in a store, a new file in a folder) and reads it back; never overwrites or "
    "removes what was copied, and never speaks with services or the cluster"
)


class RouteDocument(TypedDict):
    """One route of the running application."""

    path: str
    kind: str
    methods: list[str]
    read_only: bool


class SentDocument(TypedDict):
    """How often a method really left this process since it started."""

    method: str
    count: int


class RefusedDocument(TypedDict):
    """Whether a forbidden method, tried just now, was refused."""

    method: str
    refused: bool


class TransportDocument(TypedDict):
    """What the observing transport sent and what it refuses."""

    proven: bool
    sent: list[SentDocument]
    refused: list[RefusedDocument]


class ClusterDoorDocument(TypedDict):
    """Whether a request that must never reach the API server, tried just now, was refused."""

    door: str
    refused: bool


class AccountDocument(TypedDict):
    """
    Who we are to the cluster, and whether that account can only read.

    `verified` tells that the API server itself named us; `read_only` null that it cannot be told.
    """

    who: str
    verified: bool
    read_only: bool | None
    detail: str
    grants: list[str]


class ClusterProofDocument(TypedDict):
    """What the cluster reader proved of itself; not proven where nothing was tried."""

    proven: bool
    refused: list[ClusterDoorDocument]
    account: AccountDocument | None


class CopyDoorDocument(TypedDict):
    """
    The one thing that leaves for elsewhere, to one configured place, by a room of its own.

    It observes nothing and can reach neither services nor the cluster; `destination` is null
    where none is configured, and then nothing is sent at all.
    """

    destination: str | None
    does: str


class AttestationDocument(TypedDict):
    """The proof, computed for this very answer."""

    ts: str
    at_et: str
    proven: bool
    routes_proven: bool
    routes: list[RouteDocument]
    violations: list[RouteDocument]
    transport: TransportDocument
    cluster: str
    cluster_reader: ClusterProofDocument | None
    durable_copy: CopyDoorDocument
    label: NotRequired[str]


def transport_document(facts: AttestationFacts) -> TransportDocument:
    """
    Say what the observing edges proved of themselves.

    Proven only when every writing method was tried and refused, and nothing but GET was ever
    sent; what was not tried proves nothing.
    """
    refused = {method for method, was_refused in facts.refused if was_refused}
    tried = {method for method, _ in facts.refused}
    sent_other = any(method != "GET" and count for method, count in facts.requests_by_method)
    return {
        "proven": refused == tried and refused >= MUST_REFUSE and not sent_other,
        "sent": [{"method": m, "count": n} for m, n in sorted(facts.requests_by_method)],
        "refused": [{"method": m, "refused": r} for m, r in sorted(facts.refused)],
    }


def cluster_proof(facts: AttestationFacts) -> ClusterProofDocument | None:
    """Say what the cluster reader proved of itself; None where no cluster is read."""
    if facts.cluster == NO_CLUSTER:
        return None
    account = facts.account
    refused = all(was_refused for _, was_refused in facts.cluster_refused)
    harmful = account is not None and account.read_only is False
    return {
        "proven": bool(facts.cluster_refused) and refused and not harmful,
        "refused": [{"door": d, "refused": r} for d, r in facts.cluster_refused],
        "account": None
        if account is None
        else {
            "who": account.who,
            "verified": account.verified,
            "read_only": account.read_only,
            "detail": account.detail,
            "grants": [f"{g.role} in {g.where} by {g.binding}" for g in account.grants],
        },
    }


async def attest(parts: ApiParts, application: Litestar) -> AttestationDocument:
    """Compute the proof over the running application and the edges in use."""
    facts = await parts.attestation.facts()
    routes: RouteProof = prove_read_only(application)
    transport = transport_document(facts)
    cluster = cluster_proof(facts)
    now = parts.clock()
    return {
        "ts": utc_text(now),
        "at_et": new_york_text(now),
        "proven": routes.proven and transport["proven"] and (cluster is None or cluster["proven"]),
        "routes_proven": routes.proven,
        "routes": [_route(route) for route in routes.routes],
        "violations": [_route(route) for route in routes.violations],
        "transport": transport,
        "cluster": facts.cluster,
        "cluster_reader": cluster,
        "durable_copy": {"destination": parts.options.durable_copy or None, "does": COPIES},
    }


def _route(route: ProvenRoute) -> RouteDocument:
    return {
        "path": route.path,
        "kind": route.kind,
        "methods": list(route.methods),
        "read_only": route.read_only,
    }


def attestation_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Give the route of the proof."""

    @get(
        "/api/v1/attestation/read-only",
        summary="The proof, computed now, that nothing here can write",
        tags=["attestation"],
        responses={200: describes(AttestationDocument, "Routes and transport")},
    )
    async def read_only(request: AnyRequest) -> Response[bytes]:
        return give_once(await attest(parts, request.app), parts.options.label)

    return [read_only]
