"""Observe: the proof, made by trying, that the observing edges cannot write."""

from collections.abc import Callable

import httpx

from mission_control.jobs.ports import AttestationFacts
from mission_control.observe.guarded_transport import GuardedTransport, RefusedRequest

FORBIDDEN_METHODS = ("POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "OPTIONS", "HEAD")


class _NothingLeaves(httpx.AsyncBaseTransport):
    """Stands where the network would be and records whether anything got that far."""

    def __init__(self) -> None:
        self.reached = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.reached = True
        return httpx.Response(204, request=request)


class Attestation:
    """Reports what was sent and tries, each time it is asked, what must be refused."""

    def __init__(
        self, transports: Callable[[], tuple[GuardedTransport, ...]], cluster: str
    ) -> None:
        """Attest for the guarded transports in use; `cluster` names the watched one."""
        self._transports = transports
        self._cluster = cluster

    async def facts(self) -> AttestationFacts:
        """Try each forbidden method on the guard; nothing can reach the network from here."""
        counts: dict[str, int] = {}
        for transport in self._transports():
            for method, count in transport.sent.items():
                counts[method] = counts.get(method, 0) + count
        refused = [(method, await _is_refused(method)) for method in FORBIDDEN_METHODS]
        return AttestationFacts(tuple(sorted(counts.items())), tuple(refused), self._cluster)


async def _is_refused(method: str) -> bool:
    behind = _NothingLeaves()
    try:
        await GuardedTransport(behind).handle_async_request(
            httpx.Request(method, "http://127.0.0.1/healthz")
        )
    except RefusedRequest:
        return not behind.reached
    return False
