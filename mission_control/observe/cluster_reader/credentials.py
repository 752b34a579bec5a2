"""Cluster reader: how the API server is spoken to, and as whom, from what files and plugins say."""

import asyncio
import base64
import binascii
import hashlib
import json
import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar, cast

from mission_control.jobs.ports import Clock
from mission_control.model.fleet import ClusterAccess
from mission_control.observe.cluster_reader.exec_plugin import Credential, ask_plugin, read_instant
from mission_control.observe.cluster_reader.kubeconfig import Login, read_login
from mission_control.observe.cluster_reader.kubeconfig_files import (
    NoAccessError,
    States,
    WatchedFiles,
)
from mission_control.observe.redaction import printable, redact_text

DEADLINE_SECONDS = 8.0
"""Files and a plugin together have to hand out credentials within this time."""
MIN_SECONDS = 0.5
LOOK_SECONDS = 2.0
"""A look at whether files have changed may take so long, while what they said still serves."""
EARLY_SECONDS = 60.0
"""A plugin is asked again so long before what it handed out expires."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    Where the API server is, and how it is spoken to.

    `host` is its URL, with the path below which the API is served. `who` is whom our credentials
    say we are: their own words, which nobody has verified. `verified` tells whether the server's
    certificate is. `impersonated` are headers; `by` is then who it is that acts as another.
    `kube_context` is the one that was taken, or `in-cluster`; empty where that is not told.

    `identity` is a digest of all that makes requests differ, empty where none was made. `files`
    are what it was read from, in the states of `loaded`. `ends_at` is when a plugin's credentials
    expire, by the event loop's clock.
    """

    host: str
    context: ssl.SSLContext
    server_name: str | None
    authorization: Callable[[], str | None]
    who: str
    verified: bool
    impersonated: tuple[tuple[str, str], ...] = ()
    by: str = ""
    identity: str = ""
    files: WatchedFiles | None = None
    loaded: States = ()
    ends_at: float | None = None
    kube_context: str = ""


class CredentialDesk:
    """
    Finds the API server and who we are to it, off the event loop, one attempt at a time.

    Files may lie on a mount that hangs. While one attempt hangs no other is begun, and its thread
    holds up neither anybody else's work nor our ending. A plugin that hangs is ended.
    """

    def __init__(self, access: ClusterAccess, clock: Clock | None = None) -> None:
        """Serve this access; without a clock what expires is never taken for still good."""
        self._access = access
        self._clock = clock
        self._pending: asyncio.Future[object] | None = None

    async def find(self, seconds: float | None = None) -> Endpoint:
        """Find the API server; raises NoAccessError when that fails or takes too long."""
        loop = asyncio.get_running_loop()
        within = DEADLINE_SECONDS if seconds is None else seconds
        until = loop.time() + within
        files = WatchedFiles()
        login = await self._attempt(partial(read_login, self._access, os.environ, files), within)
        if login.provider is not None:
            login = self._provided(login, *login.provider)
        credential = Credential()
        if login.plugin is not None:
            left = max(MIN_SECONDS, until - loop.time())
            credential = await ask_plugin(login.plugin, os.environ, left)
            login = _with(login, credential)
        left = max(MIN_SECONDS, until - loop.time())
        endpoint = await self._attempt(partial(_endpoint, login, files), left)
        return replace(endpoint, ends_at=self._end_of(login, credential))

    async def has_changed(self, endpoint: Endpoint) -> States | None:
        """Give the states of the files it was read from, None where they are as they were."""
        if endpoint.files is None:
            return None
        states = await self._attempt(endpoint.files.current, LOOK_SECONDS)
        return None if states == endpoint.loaded else states

    async def authorize(self, endpoint: Endpoint) -> str | None:
        """Give the Authorization header of this moment; raises NoAccessError without one."""
        if endpoint.files is not None:
            return endpoint.authorization()  # it is known since the files were read
        return await self._attempt(endpoint.authorization)

    def _end_of(self, login: Login, credential: Credential) -> float | None:
        """Give when what a plugin handed out expires; at once where there is no clock."""
        if login.plugin is None or credential.expires is None:
            return None
        now = asyncio.get_running_loop().time()
        if self._clock is None:
            return now
        return now + (credential.expires - self._clock()).total_seconds()

    def _provided(self, login: Login, name: str, config: Mapping[str, str]) -> Login:
        """
        Use what an auth-provider handed out before; nothing is refreshed.

        To refresh it is a POST, and would use up a token that the kubeconfig's owner needs.
        """
        what = f"the auth-provider {printable(redact_text(name))[:80]}"
        token = config.get("id-token" if name == "oidc" else "access-token", "")
        remedy = "it is never renewed from here: log in again, or use an exec plugin"
        if not token:
            raise NoAccessError(f"{what} holds no token; {remedy}")
        expires = read_instant(config.get("expiry", ""), what) or _expiry_of(token)
        if expires is not None and self._clock is not None and expires <= self._clock():
            raise NoAccessError(f"the token of {what} expired at {expires.isoformat()}; {remedy}")
        return _with(login, Credential(token))

    async def _attempt(self, work: Callable[[], T], seconds: float | None = None) -> T:
        if self._pending is not None and not self._pending.done():
            raise NoAccessError("an earlier attempt to get credentials still hangs")
        within = DEADLINE_SECONDS if seconds is None else seconds
        pending = _in_daemon(work)
        self._pending = cast("asyncio.Future[object]", pending)
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(pending)
        except NoAccessError as error:
            raise NoAccessError(_shown(str(error))) from None
        except TimeoutError:
            detail = f"credentials were not there within {within:.0f} s"
            raise NoAccessError(detail) from None
        except Exception as error:  # noqa: BLE001  (whatever a library raises ends here)
            raise NoAccessError(_shown(f"{type(error).__name__}: {error}")) from None


def _shown(text: str) -> str:
    return printable(redact_text(text[:4096]))[:300]


def _in_daemon(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Run work in a thread that nobody waits for at the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if error is None:
            future.set_result(cast("T", result))
        else:
            future.set_exception(error)
            future.exception()  # looked at, so that nobody complains that nobody did

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as caught:  # noqa: BLE001  (it is handed to whoever waits)
            error = caught
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="kubernetes-credentials", daemon=True).start()
    return future


def _with(login: Login, credential: Credential) -> Login:
    """Add what a plugin handed out to what the files say."""
    token = credential.token
    return replace(
        login,
        authorization=f"Bearer {token}" if token else None,
        certificate=credential.certificate or login.certificate,
        key=credential.key or login.key,
    )


def _endpoint(login: Login, files: WatchedFiles) -> Endpoint:
    """Make of what is known how the API server is spoken to; raises NoAccessError."""
    authorization = login.authorization
    who = _whom(login)
    acting = dict(login.impersonated).get("impersonate-user", "")
    parts = (
        login.server, login.authority, login.insecure, login.server_name, login.certificate,
        login.key, authorization, login.impersonated,
    )  # fmt: skip
    return Endpoint(
        host=login.server,
        context=_context(login),
        server_name=login.server_name,
        authorization=lambda: authorization,
        who=printable(redact_text(acting))[:120] if acting else who,
        verified=not login.insecure,
        impersonated=login.impersonated,
        by=who if acting else "",
        identity=hashlib.sha256(repr(parts).encode()).hexdigest(),
        files=files,
        loaded=files.loaded(),
        kube_context=printable(redact_text(login.kube_context))[:253],
    )


def _context(login: Login) -> ssl.SSLContext:
    """Make the TLS context; the system's authorities are asked only where none is named."""
    try:
        if login.authority is None:
            context = ssl.create_default_context()
        else:
            pem = login.authority.decode("ascii", errors="ignore")
            context = ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        told = getattr(error, "reason", None) or "it holds no certificate"
        raise NoAccessError(f"the kubeconfig's certificate-authority: {told}") from None
    if login.insecure:  # insecure-skip-tls-verify, which doctor complains of
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if login.certificate is not None and login.key is not None:
        try:
            with _as_file(login.certificate) as cert, _as_file(login.key) as key:
                context.load_cert_chain(cert, key, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            told = getattr(error, "reason", None) or "they cannot be used"
            raise NoAccessError(f"the client's certificate and key: {told}") from None
    return context


@contextmanager
def _as_file(content: bytes) -> Generator[str]:
    """Give a file that only we can read, for the time of the block: OpenSSL takes no bytes."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.name


def _whom(login: Login) -> str:
    """Say whom the credentials name."""
    authorization = login.authorization
    if authorization and authorization[:7].casefold() == "bearer ":
        return _subject(authorization[7:]) or "the bearer of an opaque token"
    if authorization:
        return f"user {printable(login.user)[:80]}"
    return "the holder of a client certificate" if login.certificate else "nobody (anonymous)"


def _subject(token: str) -> str:
    """Give the `sub` of a JWT (RFC 7519, section 4.1.2), which nobody has verified."""
    subject = _claims(token).get("sub")
    return printable(redact_text(str(subject)))[:120] if subject else ""


def _expiry_of(token: str) -> datetime | None:
    """Give when a JWT expires, None where it does not tell."""
    expires = _claims(token).get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    with suppress(OverflowError, ValueError):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=expires)
    return None


def _claims(token: str) -> Mapping[str, object]:
    parts = token.strip().split(".")
    if len(parts) != 3:  # noqa: PLR2004  (header, payload, signature)
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", payload) if isinstance(payload, dict) else {}
