"""Observe: the only way out. It can send GET and nothing else."""

from collections import Counter

import httpx

from mission_control.errors import MissionControlError

FORBIDDEN_SEGMENTS = frozenset({"state", "recover", "execute"})
"""Paths that act although asked with GET: `/state` moves the execution engine (facts, b)."""


SENT = "sent"
"""The extension of a request in which a transport counts, by method, what it sends again."""


class RefusedRequest(MissionControlError):  # noqa: N818  (a refusal, not a failure)
    """A request that Mission Control must never send was refused before anything was sent."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """
    Wraps the transport that reaches the network and refuses all that is not a harmless GET.

    Everything that observes sends through one of these (semantics, section 10). `sent` counts
    what really left, by method.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        """Guard this transport."""
        self._inner = inner
        self.sent: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a GET; raises RefusedRequest for any other method or a path that acts."""
        if request.method != "GET":
            raise RefusedRequest(f"{request.method} is refused: Mission Control only reads")
        segments = request.url.path.casefold().split("/")
        if any(s.split(";", 1)[0].strip() in FORBIDDEN_SEGMENTS for s in segments):
            raise RefusedRequest(f"{request.url.path} is refused: it acts when it is asked")
        self.sent["GET"] += 1
        request.extensions[SENT] = self.sent
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is guarded."""
        await self._inner.aclose()
