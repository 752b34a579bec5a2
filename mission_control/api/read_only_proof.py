"""API: the proof that no route of the running application can write."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from litestar import Litestar
from litestar.routes import BaseRoute, HTTPRoute

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
