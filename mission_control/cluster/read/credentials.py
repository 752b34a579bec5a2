"""The API server's address and our credentials, from what files and plugins say."""

import asyncio
import atexit
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
from pathlib import Path
from typing import Any, TypeVar, cast

from mission_control.cluster.read.kubeconfig import (
    Login,
    NoAccessError,
    Plugin,
    States,
    WatchedFiles,
    check_server,
    header_value,
    mapping_of,
    read_login,
)
from mission_control.model.clock import Clock
from mission_control.model.fleet import ClusterAccess
from mission_control.processes.bounded_process import Ended, OutputTooLongError, run_bounded
from mission_control.processes.own_process import DaemonWork
from mission_control.redaction.redact import excerpt, printable, redact_text

MAX_OUTPUT_BYTES = 1024 * 1024
_OURS = "MISSION_CONTROL_"

Credential = tuple[Mapping[str, str], datetime | None]
"""What a user of a kubeconfig would hold, all inline, and when it expires."""


async def ask_plugin(plugin: Plugin, environ: Mapping[str, str], seconds: float) -> Credential:
    """
    Run a plugin and give what it hands out; raises NoAccessError for all else.

    That is a token, a certificate with its key, or both, and when it expires.

    It gets our environment, which holds what it logs in with, without our own settings. What it
    prints may hold credentials: of its standard error a redacted excerpt is told, of its standard
    output nothing. One that is too slow is ended, with all that it began.
    """
    what = f"the exec plugin {excerpt(plugin.command[0].encode())}"
    told: dict[str, object] = {"interactive": False}
    if plugin.cluster is not None:
        told["cluster"] = plugin.cluster
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": told}
    inherited = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    environment = {**inherited, **plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        ended = await run_bounded(plugin.command, Path(), environment, seconds, MAX_OUTPUT_BYTES)
    except TimeoutError:
        raise NoAccessError(
            f"{what} did not answer within {seconds:.0f} s, and was ended"
        ) from None
    except OutputTooLongError:
        raise NoAccessError(f"{what} wrote more than {MAX_OUTPUT_BYTES} bytes") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be started"
        hint = f" ({excerpt(plugin.hint.encode())})" if plugin.hint else ""
        raise NoAccessError(f"{what} cannot be run: {why}{hint}") from None
    return _credential(ended, plugin, what)


def _credential(ended: Ended, plugin: Plugin, what: str) -> Credential:
    said = excerpt(ended.error.encode())
    because = f": {said}" if said else ""
    if ended.code != 0:
        raise NoAccessError(f"{what} ended with {ended.code}{because}")
    try:
        answer = mapping_of(json.loads(ended.output), what)
    except (ValueError, RecursionError):
        raise NoAccessError(f"{what} answered something that is not JSON{because}") from None
    named = answer.get("kind"), answer.get("apiVersion")
    if named != ("ExecCredential", plugin.api_version):
        raise NoAccessError(f"{what} did not answer an ExecCredential of {plugin.api_version}")
    status = mapping_of(answer.get("status"), f"{what}: its status")
    token, certificate, key = (
        _text(status, name, what) for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key):
        raise NoAccessError(f"{what} gave a certificate without its key, or a key alone")
    if not token and not certificate:
        raise NoAccessError(f"{what} gave neither a token nor a certificate{because}")
    shown = {"client-certificate-data": certificate, "client-key-data": key}
    user = {name: base64.b64encode(pem.encode()).decode() for name, pem in shown.items() if pem}
    if token:
        user["token"] = header_value(token, f"{what}: its token")
    return user, read_instant(_text(status, "expirationTimestamp", what), what)


def _text(status: Mapping[str, object], name: str, what: str) -> str:
    value = status.get(name)
    if value is not None and not isinstance(value, str):
        raise NoAccessError(f"{what}: its {name} is not text")
    return value or ""


def read_instant(text: str, what: str) -> datetime | None:
    """Read an instant (RFC 3339), None for no text; raises NoAccessError for what is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NoAccessError(f"{what}: its time of expiry is not an instant") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


DEADLINE_SECONDS = 8.0
"""Files and a plugin together have to hand out credentials within this time."""
MIN_SECONDS = 0.5
LOOK_SECONDS = 2.0
"""A look at whether files have changed may take so long, while what they said still serves."""
EARLY_SECONDS = 60.0
"""A plugin is asked again so long before what it handed out expires."""
MEMORY = "/dev/shm"  # noqa: S108  (only the place of a folder that is made for us alone)
"""Where what OpenSSL has to read from files is put for that time, if it can: never on a disk."""

_WRITING = threading.Lock()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    Where the API server is, and how it is spoken to.

    `host` is its URL, with the path below which the API is served. `who` is the name in our
    credentials: their own words, unverified. `verified` tells whether the server's
    certificate is. `impersonated` are headers; `by` is then the account that impersonates.
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
    holds up neither other work nor the end of the process. A plugin that hangs is ended.
    """

    def __init__(self, access: ClusterAccess, clock: Clock | None = None) -> None:
        """Serve this access; without a clock what expires is never taken for still good."""
        self._access = access
        self._clock = clock
        self._work = DaemonWork[str, object]("kubernetes-credentials", 1)

    async def find(self, seconds: float | None = None) -> Endpoint:
        """Find the API server; raises NoAccessError when that fails or takes too long."""
        loop = asyncio.get_running_loop()
        within = DEADLINE_SECONDS if seconds is None else seconds
        until = loop.time() + within
        files = WatchedFiles()
        official = await self._attempt(_official, within)
        left = max(MIN_SECONDS, until - loop.time())
        login = await self._attempt(partial(read_login, self._access, os.environ, files), left)
        given: Mapping[str, str] = {}
        ends_at = None
        if login.provider is not None:
            given = {"token": self._provided(*login.provider)}
        if login.plugin is not None:
            left = max(MIN_SECONDS, until - loop.time())
            given, expires = await ask_plugin(login.plugin, os.environ, left)
            ends_at = self._end_of(expires)
        login = replace(login, user={**login.user, **given})
        left = max(MIN_SECONDS, until - loop.time())
        endpoint = await self._attempt(partial(_endpoint, official, login, files), left)
        return replace(endpoint, ends_at=ends_at)

    async def has_changed(self, endpoint: Endpoint) -> States | None:
        """Return the states of the files it was read from, None where they are as they were."""
        if endpoint.files is None:
            return None
        states = await self._attempt(endpoint.files.current, LOOK_SECONDS)
        return None if states == endpoint.loaded else states

    async def authorize(self, endpoint: Endpoint) -> str | None:
        """Return the Authorization header of this moment; raises NoAccessError without one."""
        if endpoint.files is not None:
            return endpoint.authorization()  # it is known since the files were read
        return await self._attempt(endpoint.authorization)

    def _end_of(self, expires: datetime | None) -> float | None:
        """Return when what a plugin handed out expires; at once where there is no clock."""
        if expires is None:
            return None
        now = asyncio.get_running_loop().time()
        return now if self._clock is None else now + (expires - self._clock()).total_seconds()

    def _provided(self, name: str, config: Mapping[str, str]) -> str:
        """
        Return the token that an auth-provider handed out before; nothing is refreshed.

        To refresh it is a POST, and would use up a token that the kubeconfig's owner needs.
        """
        what = f"the auth-provider {printable(redact_text(name))[:80]}"
        token = config.get("id-token" if name == "oidc" else "access-token", "")
        remedy = "it is never renewed from here: log in again, or use an exec plugin"
        if not token:
            raise NoAccessError(f"{what} holds no token; {remedy}")
        expires = read_instant(config.get("expiry", ""), what) or expiry_of_token(token)
        if expires is not None and self._clock is not None and expires <= self._clock():
            raise NoAccessError(f"the token of {what} expired at {expires.isoformat()}; {remedy}")
        return header_value(token, f"the token of {what}")

    async def _attempt(self, work: Callable[[], T], seconds: float | None = None) -> T:
        if self._work.is_under_way("attempt"):
            raise NoAccessError("an earlier attempt to get credentials still hangs")
        within = DEADLINE_SECONDS if seconds is None else seconds
        try:
            async with asyncio.timeout(within):
                return cast("T", await asyncio.shield(self._work.ask("attempt", work)))
        except NoAccessError as error:
            raise NoAccessError(_shown(str(error))) from None
        except TimeoutError:
            detail = f"credentials were not there within {within:.0f} s"
            raise NoAccessError(detail) from None
        except Exception as error:  # noqa: BLE001  (whatever a library raises ends here)
            raise NoAccessError(_shown(f"{type(error).__name__}: {error}")) from None


def _shown(text: str) -> str:
    return printable(redact_text(text[:4096]))[:300]


def _official() -> Any:  # noqa: ANN401  (the official client's types are half told)
    # Imported here, in a thread and only where a cluster is read: it takes 0.4 s.
    import kubernetes  # noqa: PLC0415

    return kubernetes


@contextmanager
def _resolved(official: Any, login: Login) -> Generator[Any]:  # noqa: ANN401
    """
    Return what the official client makes of a login; the files that it writes are gone afterwards.

    It knows where they are for the whole process, by what is in them: keys too. That is forgotten
    with the files, and nothing else may write some meanwhile.
    """
    found = official.client.Configuration()  # the proxy that it takes from outside is never used
    if login.pod is not None:
        official.config.incluster_config.InClusterConfigLoader(
            login.pod / "token", login.pod / "ca.crt", try_refresh_token=False, environ=os.environ
        ).load_and_set(found)
        yield found
        return
    loader = official.config.kube_config
    # It writes Latin-1 into a header where all others write UTF-8.
    user = {key: text.encode().decode("latin-1") for key, text in login.user.items()}
    config = {
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": login.cluster}],
        "users": [{"name": "it", "user": user}],
    }
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with _WRITING, tempfile.TemporaryDirectory(prefix="mission-control-", dir=where) as folder:
        try:
            loader.KubeConfigLoader(config, "it", temp_file_path=folder).load_and_set(found)
            yield found
        finally:
            loader._cleanup_temp_files()  # noqa: SLF001
            atexit.unregister(loader._cleanup_temp_files)  # noqa: SLF001


def _endpoint(official: Any, login: Login, files: WatchedFiles) -> Endpoint:  # noqa: ANN401
    """Make of what is known how the API server is spoken to; raises NoAccessError."""
    with _resolved(official, login) as found:
        _check_whole(found, login)
        context = _context(found)
    scheme, _, secret = str(found.api_key.get("BearerToken", "")).partition(" ")
    # In a pod the official client leaves the end of the token's line where it was.
    authorization = f"{scheme.capitalize()} {secret.strip()}" if secret else None
    host = check_server(found.host, "KUBERNETES_SERVICE_HOST")
    who = _whom(login.user)
    acting = dict(login.impersonated).get("impersonate-user", "")
    parts = (host, login.cluster, login.user, login.impersonated)
    return Endpoint(
        host=host,
        context=context,
        server_name=found.tls_server_name,
        authorization=lambda: authorization,
        who=printable(redact_text(acting))[:120] if acting else who,
        verified=found.verify_ssl,
        impersonated=login.impersonated,
        by=who if acting else "",
        identity=hashlib.sha256(repr(parts).encode()).hexdigest(),
        files=files,
        loaded=files.loaded(),
        kube_context=printable(redact_text(login.kube_context))[:253],
    )


def _check_whole(found: Any, login: Login) -> None:  # noqa: ANN401
    """Refuse what the official client leaves out in silence: it would go on as no one we know."""
    given = {**login.cluster, **login.user}
    used = {
        "token" if "token" in given else "username": found.api_key,
        "client-certificate-data": found.cert_file,
        "client-key-data": found.key_file,
        "certificate-authority-data": found.ssl_ca_cert,
        "tls-server-name": found.tls_server_name,
        "insecure-skip-tls-verify": not found.verify_ssl,
        "server": found.host == given.get("server"),
    }
    for key, value in used.items():
        if bool(given.get(key)) != bool(value):
            raise NoAccessError(f"the official client does not use {key} as it is told to")


def _context(found: Any) -> ssl.SSLContext:  # noqa: ANN401
    """Make the TLS context; the system's authorities are asked only where none is named."""
    what = "the kubeconfig's certificate-authority"
    try:
        context = ssl.create_default_context(cafile=found.ssl_ca_cert)
        what = "the client's certificate and key"
        if found.cert_file:
            context.load_cert_chain(found.cert_file, found.key_file, password="")
    except (OSError, ValueError) as error:
        told = getattr(error, "reason", None) or "not a usable PEM"
        raise NoAccessError(f"{what}: {told}") from None
    if not found.verify_ssl:  # insecure-skip-tls-verify, which doctor complains of
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _whom(user: Mapping[str, str]) -> str:
    """Name the account of the credentials."""
    if "token" in user:
        return _subject(user["token"]) or "the bearer of an opaque token"
    if "username" in user:
        return f"user {printable(user['username'])[:80]}"
    named = "client-certificate-data" in user
    return "the holder of a client certificate" if named else "anonymous"


def _subject(token: str) -> str:
    """Return the `sub` of a JWT (RFC 7519, section 4.1.2), unverified."""
    subject = _claims(token).get("sub")
    return printable(redact_text(str(subject)))[:120] if subject else ""


def expiry_of_token(token: str) -> datetime | None:
    """Return when a JWT expires, None where it does not tell."""
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
