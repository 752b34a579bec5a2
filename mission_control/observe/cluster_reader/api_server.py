"""Cluster reader: one API server, spoken to through the guard alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    Endpoint,
    NoAccessError,
    authorize,
    load_endpoint,
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
    return HeldTransport(
        lambda: endpoint.context,
        max_body_bytes=MAX_PAGE_BYTES,
        server_name=endpoint.server_name,
    )


class ApiServer:
    """
    Sends GET to one API server as whom the configuration says we are.

    Where it is and who we are is found when first needed, and anew after a 401: a kubeconfig
    may be exchanged while we run. `sent` counts what really left, over all of that.
    """

    def __init__(
        self, access: ClusterAccess, *, load: Load = load_endpoint, open_: Open = open_transport
    ) -> None:
        """Find nothing yet."""
        self.access = access
        self.endpoint: Endpoint | None = None
        self._load = load
        self._open = open_
        self._authorization: str | None = None
        self._guard: ClusterGuard | None = None
        self._retired = 0

    @property
    def sent(self) -> Mapping[str, int]:
        """Count what really left, by method."""
        now = self._guard.sent["GET"] if self._guard else 0
        return {"GET": self._retired + now}

    @property
    def watched(self) -> Sequence[str]:
        """List the namespaces that may be asked about."""
        return self.access.namespaces

    async def prepare(self) -> None:
        """Find the server and refresh who we are; raises BadAnswerError when that fails."""
        try:
            if self.endpoint is None:
                self.endpoint = await self._load(self.access)
            self._authorization = await authorize(self.endpoint)
        except NoAccessError as error:
            self.endpoint = None
            raise BadAnswerError(UnseenReason.UNREADABLE, str(error)) from None
        if self._guard is None:
            self._guard = ClusterGuard(self._open(self.endpoint), self.access.namespaces)

    async def get(
        self, path: str, parameters: Mapping[str, str] | None = None, accept: str = JSON
    ) -> bytes:
        """
        Ask for a path and give the body of a 200; raises BadAnswerError for everything else.

        RefusedRequest is raised for what must never be asked. The time limit is whoever awaits it.
        """
        if self.endpoint is None or self._guard is None:
            await self.prepare()
        endpoint, guard = self.endpoint, self._guard
        if endpoint is None or guard is None:
            raise BadAnswerError(UnseenReason.UNREADABLE, "the API server was not found")
        query = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": USER_AGENT}
        if self._authorization:
            headers["authorization"] = self._authorization
        try:
            request = httpx.Request("GET", f"{endpoint.host}{path}{query}", headers=headers)
            response = await guard.handle_async_request(request)
            body = await response.aread()
        except FAILURES as error:
            raise BadAnswerError(reason_for(error), describe(error)) from None
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadAnswerError(UnseenReason.ENCODED, "the answer is compressed")
        if response.status_code == 401:  # noqa: PLR2004
            await self.forget()
        check_status(response.status_code, body)
        return body

    async def forget(self) -> None:
        """Drop connections and credentials; both are found anew when next needed."""
        self.endpoint = None
        if self._guard is not None:
            self._retired += self._guard.sent["GET"]
            guard, self._guard = self._guard, None
            await guard.aclose()
