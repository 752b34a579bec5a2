"""The proof, computed for each request, that Mission Control only reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from mission_control.api.answers import AnyRequest, give_once
from mission_control.api.options import ApiParts, describes
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.model.fleet import NO_CLUSTER
from mission_control.read_only.model import AttestationFacts

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
        """Return whether every single route is certain to be read-only."""
        return bool(self.routes) and all(route.read_only for route in self.routes)

    @property
    def violations(self) -> tuple[ProvenRoute, ...]:
        """Return the routes that break the proof."""
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


Document = dict[str, Any]
MUST_REFUSE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

COPIES = (
    "copies recorded artifacts to this place only: creates what is not there yet (PUT with "
    "If-None-Match in a store, a new file in a folder) and reads it back; never overwrites or "
    "removes what was copied, and never speaks with services or the cluster"
)


DELIVERS = (
    "tells these addresses of alerts, each by its one method, and asks a dead-man's switch with "
    "GET; follows no redirect, and never speaks with services or the cluster; what is not guarded "
    "goes through apprise, which speaks with its services itself"
)


class AttestationDocument(TypedDict):
    """
    The proof, computed for this very answer.

    `transport` is what the reading edges sent and refused. `cluster_reader` is null where no
    cluster is read; of its account, `verified` means that the API server itself named us, and
    `read_only` is null where it is not known. Two things are sent
    elsewhere, to configured places alone: `durable_copy`, whose `destination` is null where there
    is none, and `deliveries` of alerts, whose `channels` are empty where there are none.
    """

    ts: str
    at_et: str
    proven: bool
    routes_proven: bool
    routes: list[Document]
    violations: list[Document]
    transport: Document
    cluster: str
    cluster_reader: Document | None
    durable_copy: Document
    deliveries: Document
    label: NotRequired[str]


def deliveries_document(facts: AttestationFacts) -> Document:
    """Say what left for the channels that alerts go to, and what their guards refused."""
    return {
        "proven": all(channel.proven for channel in facts.deliveries),
        "does": DELIVERS,
        "channels": [
            {
                **document(channel, "sent", "refused"),
                "guarded": bool(channel.refused),
                "sent": [{"method": m, "count": n} for m, n in channel.sent],
                "refused": [{"door": d, "refused": r} for d, r in channel.refused],
            }
            for channel in facts.deliveries
        ],
    }


def transport_document(facts: AttestationFacts) -> Document:
    """
    Say what the observing edges proved of themselves.

    Proven only when every writing method was tried and refused, and only GET was ever sent; a
    method that was not tried proves nothing.
    """
    refused = {method for method, was_refused in facts.refused if was_refused}
    tried = {method for method, _ in facts.refused}
    sent_other = any(method != "GET" and count for method, count in facts.requests_by_method)
    return {
        "proven": refused == tried and refused >= MUST_REFUSE and not sent_other,
        "sent": [{"method": m, "count": n} for m, n in sorted(facts.requests_by_method)],
        "refused": [{"method": m, "refused": r} for m, r in sorted(facts.refused)],
    }


def cluster_proof(facts: AttestationFacts) -> Document | None:
    """Say what the cluster reader proved of itself; None where no cluster is read."""
    if facts.cluster == NO_CLUSTER:
        return None
    account = facts.account
    refused = all(was_refused for _, was_refused in facts.cluster_refused)
    harmful = account is not None and account.read_only is False
    grants = [f"{g.role} in {g.where} by {g.binding}" for g in account.grants] if account else []
    return {
        "proven": bool(facts.cluster_refused) and refused and not harmful,
        "refused": [{"door": d, "refused": r} for d, r in facts.cluster_refused],
        "account": account and document(account, "grants") | {"grants": grants},
    }


async def attest(parts: ApiParts, application: Litestar) -> AttestationDocument:
    """Compute the proof over the running application and the edges in use."""
    facts = await parts.attestation()
    routes: RouteProof = prove_read_only(application)
    transport = transport_document(facts)
    cluster = cluster_proof(facts)
    deliveries = deliveries_document(facts)
    edges = transport["proven"] and deliveries["proven"]
    now = parts.clock()
    return {
        "ts": utc_text(now),
        "at_et": new_york_text(now),
        "proven": routes.proven and edges and (cluster is None or cluster["proven"]),
        "routes_proven": routes.proven,
        "routes": document(routes.routes),
        "violations": document(routes.violations),
        "transport": transport,
        "cluster": facts.cluster,
        "cluster_reader": cluster,
        "durable_copy": {"destination": parts.options.durable_copy or None, "does": COPIES},
        "deliveries": deliveries,
    }


def attestation_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the proof."""

    @get(
        "/api/v1/attestation/read-only",
        summary="The proof, computed now, that nothing here can write",
        tags=["attestation"],
        responses={200: describes(AttestationDocument, "Routes and transport")},
    )
    async def read_only(request: AnyRequest) -> Response[bytes]:
        return give_once(await attest(parts, request.app), parts.options.label)

    return [read_only]
