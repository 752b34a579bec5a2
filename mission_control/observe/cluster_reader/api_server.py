"""Cluster reader: one API server, spoken to through the guard alone."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import UnseenReason
from mission_control.observe.cluster_reader.api_answers import (
    MAX_PAGE_BYTES,
    BadAnswerError,
    check_status,
)
from mission_control.observe.cluster_reader.credentials import (
    CredentialDesk,
    Endpoint,
    NoAccessError,
)
from mission_control.observe.cluster_reader.guard import ClusterGuard
from mission_control.observe.connection_failure import FAILURES, describe, reason_for
from mission_control.observe.http_transport import USER_AGENT, HeldTransport

JSON = "application/json"
TEXT = "text/plain, */*"

Load = Callable[[ClusterAccess], Awaitable[Endpoint]]
Open = Callable[[Endpoint], httpx.AsyncBaseTransport]


def open_transport(endpoint: Endpoint) -> httpx.AsyncBaseTransport:
    """Open held connections to an API server, which is found already."""

    async def context() -> ssl.SSLContext:
        return endpoint.context

    return HeldTransport(
        context,
        max_body_bytes=MAX_PAGE_BYTES,
        server_name=endpoint.server_name,
    )


@dataclass(slots=True)
class _Session:
    """One finding of the server: who we are to it, and the guard that leads there."""

    endpoint: Endpoint
    guard: ClusterGuard
    authorization: str | None = None
    rejected: bool = False


class ApiServer:
    """
    Sends GET to one API server as whom the configuration says we are.

    Where it is and who we are is found when first needed, and anew in the next round after a
    401: a kubeconfig may be exchanged while we run. `sent` counts what really left, over all.
    """

    def __init__(
        self, access: ClusterAccess, *, load: Load | None = None, open_: Open = open_transport
    ) -> None:
        """Find nothing yet; `load` finds the server otherwise than by the configuration."""
        self.access = access
        self._desk = CredentialDesk(access)
        self._load = load
        self._open = open_
        self._session: _Session | None = None
        self._preparing = asyncio.Lock()
        self._retired = 0

    @property
    def endpoint(self) -> Endpoint | None:
        """Give where the server is; None before it was found."""
        return self._session.endpoint if self._session else None

    @property
    def sent(self) -> Mapping[str, int]:
        """Count what really left, by method."""
        now = self._session.guard.sent["GET"] if self._session else 0
        return {"GET": self._retired + now}

    @property
    def watched(self) -> Sequence[str]:
        """List the namespaces that may be asked about."""
        return self.access.namespaces

    async def prepare(self) -> None:
        """Find the server and refresh who we are; raises BadAnswerError when that fails."""
        async with self._preparing:
            if self._session is not None and self._session.rejected:
                await self.forget()
            try:
                session = self._session or await self._find()
                session.authorization = await self._desk.authorize(session.endpoint)
            except NoAccessError as error:
                await self.forget()
                raise BadAnswerError(UnseenReason.UNREADABLE, str(error)) from None
            self._session = session

    async def _find(self) -> _Session:
        endpoint = await (self._load(self.access) if self._load else self._desk.find())
        return _Session(endpoint, ClusterGuard(self._open(endpoint), self.access.namespaces))

    async def get(
        self, path: str, parameters: Mapping[str, str] | None = None, accept: str = JSON
    ) -> bytes:
        """
        Ask for a path and give the body of a 200; raises BadAnswerError for everything else.

        RefusedRequest is raised for what must never be asked. The time limit is whoever awaits it.
        """
        if self._session is None:
            await self.prepare()
        session = self._session
        if session is None:
            raise BadAnswerError(UnseenReason.UNREADABLE, "the API server was not found")
        query = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": USER_AGENT}
        if session.authorization:
            headers["authorization"] = session.authorization
        try:
            url = f"{session.endpoint.host}{path}{query}"
            request = httpx.Request("GET", url, headers=headers)
            response = await session.guard.handle_async_request(request)
            body = await response.aread()
        except FAILURES as error:
            raise BadAnswerError(reason_for(error), describe(error)) from None
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadAnswerError(UnseenReason.ENCODED, "the answer is compressed")
        if response.status_code == 401:  # noqa: PLR2004
            session.rejected = True
        check_status(response.status_code, body)
        return body

    async def forget(self) -> None:
        """Drop connections and credentials; both are found anew when next needed."""
        session, self._session = self._session, None
        if session is not None:
            self._retired += session.guard.sent["GET"]
            await session.guard.aclose()
