"""Which cluster it is that is read, by the UID of its own namespace."""

import asyncio
from urllib.parse import urlsplit

import msgspec

from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.guard import CORE
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.project_containers import clean
from mission_control.cluster.read.shapes import Named
from mission_control.model.cluster_identity import NAMESPACE, ClusterIdentity
from mission_control.model.reading import Unseen, UnseenReason

PATH = f"{CORE}/namespaces/{NAMESPACE}"
KEPT_SECONDS = 60.0
"""What the API server said, a denial included, is asked again after this, or when it is another."""
READ_SECONDS = 3.0
"""No list waits for a name any longer."""
MOST_OF_A_UID, _MOST_OF_A_SERVER = 64, 300


class _Namespace(Named):
    kind: str = ""


_NAMESPACE = msgspec.json.Decoder(_Namespace)


class IdentityReader:
    """Says which cluster is read; a UID that cannot be had is named as unknown, and no error."""

    def __init__(self, lister: ClusterLister) -> None:
        """Read through this lister."""
        self._lister = lister
        self._kept: tuple[Endpoint, float, ClusterIdentity] | None = None

    async def read(self, until: float) -> ClusterIdentity:
        """
        Read it, or give what was said lately.

        It takes three seconds at most, and never beyond that instant of the event loop's clock.
        """
        endpoint, now = self._lister.server.endpoint, asyncio.get_running_loop().time()
        kept = self._kept
        if kept is not None and kept[0] is endpoint and now - kept[1] < KEPT_SECONDS:
            return kept[2]
        uid, unknown = await self._uid(min(until, now + READ_SECONDS))
        made = _identity(self._lister, endpoint, uid, unknown)
        answered = bool(uid) or unknown == UnseenReason.DENIED.lower()
        self._kept = (endpoint, now, made) if endpoint is not None and answered else None
        return made

    def without_uid(self, why: str) -> ClusterIdentity:
        """Say which cluster was to be read, where the API server was not reached at all."""
        return _identity(self._lister, self._lister.server.endpoint, "", why)

    async def _uid(self, until: float) -> tuple[str, str]:
        """Return the UID, or an empty one and why."""
        body = await self._lister.get_text(PATH, until)
        if isinstance(body, Unseen):
            return "", body.code.lower()
        try:
            read = _NAMESPACE.decode(body.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return "", UnseenReason.CONTRACT_INVALID.lower()
        uid = clean(read.metadata.uid, MOST_OF_A_UID)
        if (read.kind, read.metadata.name) != ("Namespace", NAMESPACE) or not uid:
            return "", UnseenReason.CONTRACT_INVALID.lower()
        return uid, ""


def _identity(
    lister: ClusterLister, endpoint: Endpoint | None, uid: str, unknown: str
) -> ClusterIdentity:
    context = (endpoint.kube_context if endpoint else "") or lister.server.access.chosen
    return ClusterIdentity(context, shown_server(endpoint.host) if endpoint else "", uid, unknown)


def shown_server(url: str) -> str:
    """Return an API server's URL as it is recorded: no user, no password, no query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return clean(f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}", _MOST_OF_A_SERVER)
