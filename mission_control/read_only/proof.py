"""Read-only proof: the proof, made by trying, that the observing edges cannot write."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx

from mission_control.alerts.deliver.model import Reached
from mission_control.alerts.deliver.posting import AddressGuard
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.guard import ClusterGuard
from mission_control.cluster.read.objects import ObjectReader
from mission_control.probe.transport import GuardedTransport, RefusedRequest
from mission_control.read_only.model import AttestationFacts, DeliveryFacts

FORBIDDEN_METHODS = ("POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "OPTIONS", "HEAD")


class _NothingLeaves(httpx.AsyncBaseTransport):
    """Takes the place of the network and records whether anything got that far."""

    def __init__(self) -> None:
        self.reached = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.reached = True
        return httpx.Response(204, request=request)


@dataclass(frozen=True, slots=True)
class Attestation:
    """Reports what was sent and tries, each time it is asked, what must be refused."""

    transports: Callable[[], tuple[GuardedTransport, ...]]
    cluster: str
    api: ApiServer | None = None
    objects: ObjectReader | None = None
    deliveries: Callable[[], Sequence[Reached]] = tuple

    async def facts(self) -> AttestationFacts:
        """Try each forbidden method on the guard; nothing can reach the network from here."""
        counts: dict[str, int] = {}
        for transport in self.transports():
            for method, count in transport.sent.items():
                counts[method] = counts.get(method, 0) + count
        refused = [(method, await _is_refused(method)) for method in FORBIDDEN_METHODS]
        doors = list[tuple[str, bool]]()
        if self.api is not None:
            for method, count in self.api.sent.items():
                counts[method] = counts.get(method, 0) + count
            inside = self.api.access.floor_namespace
            for name, request in cluster_doors(inside):
                doors.append((name, await _guard_refuses(request, inside)))
        return AttestationFacts(
            tuple(sorted(counts.items())),
            tuple(refused),
            self.cluster,
            tuple(doors),
            await self.objects.account() if self.objects is not None else None,
            tuple([await _delivery(reached) for reached in self.deliveries()]),
        )


def cluster_doors(namespace: str) -> Iterator[tuple[str, httpx.Request]]:
    """Yield requests that the API server must never get from us, by what they would do."""
    inside = f"http://127.0.0.1/api/v1/namespaces/{namespace}"
    pod = f"{inside}/pods/p"
    for method in FORBIDDEN_METHODS:
        yield f"{method} pods", httpx.Request(method, f"{inside}/pods")
    for name, url in (
        ("GET secrets", f"{inside}/secrets"),
        ("GET secrets of every namespace", "http://127.0.0.1/api/v1/secrets"),
        ("GET pods/exec", f"{pod}/exec?command=sh"),
        ("GET pods/attach", f"{pod}/attach"),
        ("GET pods/portforward", f"{pod}/portforward"),
        ("GET pods/proxy", f"{pod}/proxy/"),
        ("GET services/proxy", f"{inside}/services/s/proxy/"),
        ("GET nodes/proxy", "http://127.0.0.1/api/v1/nodes/n/proxy/run"),
        ("GET a watch that never ends", f"{inside}/pods?watch=true"),
        ("GET a log that never ends", f"{pod}/log?follow=true"),
        ("GET with an escape", f"{inside}/pods/..%2Fsecrets"),
        ("GET another namespace", "http://127.0.0.1/api/v1/namespaces/kube-system/configmaps"),
    ):
        yield name, httpx.Request("GET", url)
    upgrade = {"connection": "Upgrade", "upgrade": "websocket"}
    yield "GET with an upgrade", httpx.Request("GET", f"{inside}/pods", headers=upgrade)


async def _guard_refuses(request: httpx.Request, namespace: str) -> bool:
    behind = _NothingLeaves()
    return await _refuses(ClusterGuard(behind, (namespace,)), request) and not behind.reached


async def _is_refused(method: str) -> bool:
    behind = _NothingLeaves()
    request = httpx.Request(method, "http://127.0.0.1/healthz")
    return await _refuses(GuardedTransport(behind), request) and not behind.reached


def delivery_doors(method: str, url: httpx.URL) -> Iterator[tuple[str, httpx.Request]]:
    """Yield requests that a channel's guard must refuse, by what they would do."""
    for other in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        if other != method:
            yield other, httpx.Request(other, url)
    for name, elsewhere in (
        ("another path", url.copy_with(path=f"{url.path.rstrip('/')}/-/reload")),
        ("another query", url.copy_with(query=b"another=1")),
        ("another host", url.copy_with(host="another.invalid")),
        ("another port", url.copy_with(port=1)),
    ):
        yield f"{method} {name}", httpx.Request(method, elsewhere)
    yield f"{method} as another host", httpx.Request(method, url, headers={"host": "another"})
    upgrade = {"connection": "Upgrade", "upgrade": "websocket"}
    yield f"{method} with an upgrade", httpx.Request(method, url, headers=upgrade)


async def _delivery(reached: Reached) -> DeliveryFacts:
    channel, tried = reached.channel, list[tuple[str, bool]]()
    if reached.url is not None:
        for name, request in delivery_doors(channel.method, httpx.URL(reached.url)):
            behind = _NothingLeaves()
            guard = AddressGuard(behind, channel.method, reached.url)
            tried.append((name, await _refuses(guard, request) and not behind.reached))
    return DeliveryFacts(
        channel.name,
        channel.kind.value,
        channel.address,
        channel.method,
        tuple(sorted(reached.sent.items())),
        tuple(tried),
    )


async def _refuses(guard: httpx.AsyncBaseTransport, request: httpx.Request) -> bool:
    try:
        await guard.handle_async_request(request)
    except RefusedRequest:
        return True
    return False
