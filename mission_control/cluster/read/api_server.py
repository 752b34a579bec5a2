"""One API server, spoken to through the guard alone, and what its answers are worth."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import httpx
import msgspec

from mission_control.cluster.read.credentials import EARLY_SECONDS, CredentialDesk, Endpoint
from mission_control.cluster.read.guard import ClusterGuard
from mission_control.cluster.read.kubeconfig import NoAccessError, States
from mission_control.cluster.read.shapes import UNDECODABLE
from mission_control.model.clock import Clock
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Exchange, UnseenReason
from mission_control.probe.failure import FAILURES, describe, reason_for
from mission_control.probe.transport import USER_AGENT, HeldTransport
from mission_control.processes.followed_file import SETTLED_SECONDS
from mission_control.redaction.redact import printable, redact_text

MAX_PAGE_BYTES = 32 * 1024 * 1024
_REASONS = {
    401: UnseenReason.DENIED,
    403: UnseenReason.DENIED,
    404: UnseenReason.NOT_OFFERED,
    410: UnseenReason.LIST_EXPIRED,
    429: UnseenReason.THROTTLED,
}


class ListMetadata(msgspec.Struct):
    """The part of a list's metadata that tells whether there is more."""

    continue_: str | None = msgspec.field(default=None, name="continue")
    remaining: int | None = msgspec.field(default=None, name="remainingItemCount")


class Page(msgspec.Struct):
    """One page of a list, its objects unread."""

    kind: str = ""
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[msgspec.Raw] | None = None


class Status(msgspec.Struct):
    """How the API server says why it refuses."""

    message: str = ""


class BadAnswerError(Exception):
    """An answer that cannot be used: why, and what it said."""

    def __init__(self, reason: UnseenReason, detail: str, status: int | None = None) -> None:
        """Say why."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.exchange = Exchange(status)


def check_status(status: int, body: bytes) -> None:
    """Raise BadAnswerError for anything but 200."""
    if status == 200:  # noqa: PLR2004
        return
    reason = _REASONS.get(status, UnseenReason.HTTP_STATUS)
    if 300 <= status < 400:  # noqa: PLR2004
        reason = UnseenReason.REDIRECTED
    said = _message(body)
    raise BadAnswerError(reason, f"answered {status}" + (f": {said}" if said else ""), status)


def check_size(body: bytes) -> None:
    """Raise BadAnswerError for a body that was cut off at the cap."""
    if len(body) > MAX_PAGE_BYTES:
        detail = f"the page is larger than {MAX_PAGE_BYTES // 1024 // 1024} MiB"
        raise BadAnswerError(UnseenReason.BODY_TOO_LARGE, detail)


def read_page(body: bytes, kind: str) -> Page:
    """
    Read a page of a list of this kind; raises BadAnswerError for what is none.

    A page that says nothing of its items is no empty list: an empty list proves something.
    """
    check_size(body)
    try:
        page = _PAGE.decode(body)
    except msgspec.ValidationError as error:
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, f"not a list: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadAnswerError(UnseenReason.NOT_JSON, f"not JSON: {error}"[:200]) from None
    if page.kind != f"{kind}List":
        other = printable(page.kind[:40]) or "nothing"
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, f"not a {kind}List, but {other}")
    if page.items is None:
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, f"a {kind}List without items")
    if page.metadata.remaining and not page.metadata.continue_:
        detail = f"{page.metadata.remaining} more are reported, without a way to read them"
        raise BadAnswerError(UnseenReason.PARTIAL, detail)
    return page


def _message(body: bytes) -> str:
    try:
        message = _STATUS.decode(body[: 64 * 1024]).message
    except UNDECODABLE:
        return ""
    return printable(redact_text(message))[:200]


_PAGE = msgspec.json.Decoder(Page)
_STATUS = msgspec.json.Decoder(Status)


JSON = "application/json"
TEXT = "text/plain, */*"
FAILED_SECONDS = 5.0
"""What failed is not tried again before, however many ask."""
NO_CREDENTIALS = "the credentials could not be obtained"
_MENDABLE = frozenset(
    {
        UnseenReason.TLS_FAILURE,
        UnseenReason.CONNECTION_REFUSED,
        UnseenReason.CONNECTION_LOST,
        UnseenReason.DNS_FAILURE,
    }
)
"""What may be so because the server moved, or because certificates were exchanged."""

log = logging.getLogger(__name__)

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
    """
    The server as it was found: who we are to it, and the guard that leads there.

    `looked_at` is when its files were read. `changing` is the state in which they were seen to
    differ from what was read, and since when. Instants are by the event loop's clock.
    """

    endpoint: Endpoint
    guard: ClusterGuard
    looked_at: float
    authorization: str | None = None
    rejected: bool = False
    doubted: bool = False
    changing: tuple[States, float] | None = None

    def is_over(self, now: float) -> bool:
        """Return whether its credentials serve no more."""
        ends_at = self.endpoint.ends_at
        return self.rejected or (ends_at is not None and now >= ends_at)

    def is_due(self, now: float) -> bool:
        """Return whether it is time to look for another."""
        ends_at = self.endpoint.ends_at
        soon = ends_at is not None and now >= ends_at - EARLY_SECONDS
        return self.rejected or self.doubted or soon


class ApiServer:
    """
    Sends GET to one API server with the credentials that the configuration names.

    Where it is and who we are is found when first needed. The files that say so are looked at in
    each round, and at once where a connection fails or the server does not know us (401); what
    changed is taken when it has settled. What cannot be used leaves the earlier one in force for
    as long as it works, and `trouble` says why. `sent` counts what really left, over all.
    """

    def __init__(
        self,
        access: ClusterAccess,
        *,
        load: Load | None = None,
        open_: Open = open_transport,
        clock: Clock | None = None,
    ) -> None:
        """Find nothing yet; `load` finds the server otherwise than by the configuration."""
        self.access = access
        self.trouble = ""
        self._desk = CredentialDesk(access, clock)
        self._load = load
        self._open = open_
        self._session: _Session | None = None
        self._failed: tuple[float, str] | None = None
        self._preparing = asyncio.Lock()
        self._sent = Counter[str]()

    @property
    def endpoint(self) -> Endpoint | None:
        """Return where the server is; None before it was found."""
        return self._session.endpoint if self._session else None

    @property
    def sent(self) -> Mapping[str, int]:
        """Count what really left, by method."""
        return {"GET": self._sent["GET"]}

    @property
    def watched(self) -> Sequence[str]:
        """List the namespaces that may be asked about."""
        return self.access.namespaces

    async def prepare(self, seconds: float | None = None) -> None:
        """
        Find the server and refresh who we are; raises BadAnswerError when that fails.

        Finding it takes at most `seconds`, as long as a round can wait where None are given.
        """
        async with self._preparing:
            now = asyncio.get_running_loop().time()
            failed = self._failed
            if self._session is None and failed and now - failed[0] < FAILED_SECONDS:
                raise BadAnswerError(UnseenReason.UNREADABLE, failed[1])
            try:
                session = await self._newest(self._session, seconds)
                if session.endpoint.files is None:
                    session.authorization = await self._desk.authorize(session.endpoint)
            except NoAccessError as error:
                await self.forget()
                detail = f"{NO_CREDENTIALS}: {error}"
                self._failed = (asyncio.get_running_loop().time(), detail)
                raise BadAnswerError(UnseenReason.UNREADABLE, detail) from None
            self._failed = None

    async def _newest(self, session: _Session | None, seconds: float | None) -> _Session:
        """Return the session to use now: the one there is, or a new one."""
        if session is None:
            return await self._take(await self._find(seconds))
        if session.is_due(asyncio.get_running_loop().time()) or await self._is_settled(session):
            return await self._renew(session)
        return session

    async def _renew(self, session: _Session) -> _Session:
        """Find the server again; where that fails, what there is stays as long as it works."""
        loop = asyncio.get_running_loop()
        session.looked_at = loop.time()
        try:
            endpoint = await self._find()
        except NoAccessError as error:
            if session.is_over(loop.time()):
                raise
            self._say(f"what leads to the API server changed and cannot be used: {error}")
            return session
        self._say("")
        known = session.endpoint
        if endpoint.identity and endpoint.identity == known.identity and not session.rejected:
            session.endpoint = replace(endpoint, context=known.context)
            session.doubted, session.changing = False, None
            return session
        return await self._take(endpoint)

    async def _find(self, seconds: float | None = None) -> Endpoint:
        return await (self._load(self.access) if self._load else self._desk.find(seconds))

    async def _take(self, endpoint: Endpoint) -> _Session:
        """Lead to this endpoint from now on."""
        authorization = await self._desk.authorize(endpoint)
        await self.forget()
        prefix = httpx.URL(endpoint.host).raw_path.decode("ascii").rstrip("/")
        guard = ClusterGuard(self._open(endpoint), self.access.namespaces, prefix)
        guard.sent = self._sent
        now = asyncio.get_running_loop().time()
        # Known before any request can go out: none goes out as no one in particular.
        self._session = _Session(endpoint, guard, now, authorization)
        return self._session

    async def _is_settled(self, session: _Session) -> bool:
        """Return whether the files differ from what was read, and have not changed for a while."""
        now = asyncio.get_running_loop().time()
        try:
            states = await self._desk.has_changed(session.endpoint)
        except NoAccessError as error:
            self._say(f"the files that lead to the API server cannot be looked at: {error}")
            return False
        if states is None:
            session.changing = None
            self._say("")
            return False
        if session.changing is None or session.changing[0] != states:
            session.changing = (states, now)
            return False
        return now - session.changing[1] >= SETTLED_SECONDS

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.warning("%s; what was read before is used", trouble)
        self.trouble = trouble

    async def get(
        self, path: str, parameters: Mapping[str, str] | None = None, accept: str = JSON
    ) -> bytes:
        """
        Ask for a path and give the body of a 200; raises BadAnswerError for everything else.

        Where the server cannot be reached, or does not know us, the files are read again at once,
        and it is asked once more if they say something new. RefusedRequest is raised for what
        must never be asked. The caller sets the time limit.
        """
        if self._session is None:
            await self.prepare()
        session = self._session
        if session is None:
            raise BadAnswerError(UnseenReason.UNREADABLE, "the API server was not found")
        try:
            return await _send(session, path, parameters, accept)
        except BadAnswerError as bad:
            rejected = bad.exchange.status == 401  # noqa: PLR2004
            if not rejected and bad.reason not in _MENDABLE:
                raise
            session.rejected = session.rejected or rejected
            session.doubted = True
            other = await self._look_again(session)
            if other is None:
                raise
        return await _send(other, path, parameters, accept)

    async def _look_again(self, session: _Session) -> _Session | None:
        """Return the session to use in place of one that failed; None where there is no other."""
        async with self._preparing:
            if self._session is not session:
                return self._session
            is_new = asyncio.get_running_loop().time() - session.looked_at < FAILED_SECONDS
            try:
                if is_new and await self._desk.has_changed(session.endpoint) is None:
                    return None
                other = await self._renew(session)
            except NoAccessError:
                return None  # the next round finds the same, and says so
            return other if other is not session else None

    async def forget(self) -> None:
        """Drop connections and credentials; both are found again when next needed."""
        session, self._session = self._session, None
        if session is not None:
            await session.guard.aclose()


async def _send(
    session: _Session, path: str, parameters: Mapping[str, str] | None, accept: str
) -> bytes:
    query = f"?{urlencode(parameters)}" if parameters else ""
    endpoint = session.endpoint
    headers = [("accept", accept), ("accept-encoding", "identity"), ("user-agent", USER_AGENT)]
    headers += endpoint.impersonated
    if session.authorization:
        headers.append(("authorization", session.authorization))
    try:
        request = httpx.Request("GET", f"{endpoint.host}{path}{query}", headers=headers)
        response = await session.guard.handle_async_request(request)
        body = await response.aread()
    except FAILURES as error:
        told = printable(redact_text(describe(error)))
        raise BadAnswerError(reason_for(error), told) from None
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BadAnswerError(UnseenReason.ENCODED, "the answer is compressed")
    check_status(response.status_code, body)
    return body
