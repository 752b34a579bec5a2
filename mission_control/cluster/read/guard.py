"""The only way to the API server. It sends GET on known paths and nothing else."""

import re
from collections import Counter
from collections.abc import Sequence

import httpx

from mission_control.cluster.model.resources import (
    CORE,
    GROUPS,
    METRICS,
    RESOURCES,
    STARTERS,
    Resource,
)
from mission_control.model.cluster_identity import NAMESPACE
from mission_control.probe.transport import SENT, RefusedRequest


def collection_path(root: str, resource: Resource, namespace: str) -> str:
    """Return the path of a resource's list; `namespace` is empty for what belongs to none."""
    inside = f"/namespaces/{namespace}" if resource.namespaced else ""
    return f"{root}{inside}/{resource.name}"


_NAME = r"[a-z0-9][a-z0-9.:-]{0,252}"
_PARAMETERS = frozenset(
    {"limit", "continue", "fieldSelector", "container", "tailLines", "limitBytes", "previous"}
)
"""`watch` and `follow` are not among them: they never end; nor is `command`: it acts."""


def allowed_paths(namespaces: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return what the paths that may be asked for look like, all others being refused."""
    watched = "|".join(re.escape(n) for n in sorted(namespaces)) or r"(?!)"
    inside = rf"/namespaces/(?:{watched})"
    resources = (*RESOURCES.values(), *STARTERS.values())
    roots = sorted({root for r in resources for root in r.roots})
    patterns = [
        r"/version",
        re.escape(GROUPS),
        *(re.escape(root) for root in roots),
        re.escape(METRICS),
    ]
    for resource in resources:
        root = "|".join(re.escape(root) for root in resource.roots)
        if resource.name == "namespaces":
            patterns.append(rf"{re.escape(CORE)}/namespaces/(?:{watched}|{re.escape(NAMESPACE)})")
        else:
            where = inside if resource.namespaced else ""
            patterns.append(rf"(?:{root}){where}/{resource.name}(?:/{_NAME})?")
    patterns.append(rf"{re.escape(CORE)}{inside}/pods/{_NAME}/log")
    patterns.append(rf"{re.escape(METRICS)}/nodes")
    patterns.append(rf"{re.escape(METRICS)}{inside}/pods")
    return tuple(re.compile(p) for p in patterns)


class ClusterGuard(httpx.AsyncBaseTransport):
    """
    Wraps the transport that reaches the API server and refuses all that is not on the list.

    GET alone is not read-only there: `exec`, `attach`, `portforward` and `proxy` answer to it.
    So each path has to be known, in a watched namespace (kube-system itself may be read, for its
    UID names the cluster, and nothing in it), without escapes, with known parameters
    and without an upgrade (docs/semantics.md#10). `sent` counts what really left.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, namespaces: Sequence[str], prefix: str = ""
    ) -> None:
        """
        Guard this transport, for these namespaces.

        `prefix` is the path below which the API is served, as it is sent and without a slash at
        its end; nothing that does not begin with it is asked for.
        """
        self._inner = inner
        self._prefix = prefix
        self._allowed = allowed_paths(namespaces)
        self.sent: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a GET; raises RefusedRequest for anything that is not on the list."""
        refused = self._why_refused(request)
        if refused:
            raise RefusedRequest(refused)
        self.sent["GET"] += 1
        request.extensions[SENT] = self.sent
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is guarded."""
        await self._inner.aclose()

    def _why_refused(self, request: httpx.Request) -> str:
        if request.method != "GET":
            return f"{request.method} is refused: Mission Control only reads"
        raw = request.url.raw_path.decode("ascii", errors="replace").partition("?")[0]
        known = raw.startswith(f"{self._prefix}/")
        path = raw[len(self._prefix) :]
        if not known or not any(pattern.fullmatch(path) for pattern in self._allowed):
            return f"{raw} is refused: it is not on the list of what is read"
        unknown = sorted(set(request.url.params) - _PARAMETERS)
        if unknown:
            return f"the parameter {unknown[0]} is refused: it is not on the list"
        upgrades = {"upgrade", "sec-websocket-key"} & {k.lower() for k in request.headers}
        return "an upgrade is refused: it opens a stream" if upgrades else ""
