"""Cluster reader: where the API server is and who we are to it, by the official client."""

import asyncio
import base64
import binascii
import json
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from mission_control.errors import MissionControlError
from mission_control.model.fleet import ClusterAccess
from mission_control.observe.redaction import printable, redact_text

DEADLINE_SECONDS = 8.0
"""A plugin that hands out credentials has to answer within this time."""


class NoAccessError(MissionControlError):
    """Nothing tells where the API server is, or who we are to it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    Where the API server is, and how it is spoken to.

    `who` is whom our credentials say we are: their own words, which nobody has verified.
    `verified` tells whether the server's certificate is. `kube_context` is the one that was
    taken, or `in-cluster`; empty where that is not told.
    """

    host: str
    context: ssl.SSLContext
    server_name: str | None
    authorization: Callable[[], str | None]
    who: str
    verified: bool
    kube_context: str = ""


class CredentialDesk:
    """
    Finds the API server and refreshes who we are, off the event loop, one at a time.

    The official client reads files and may run a plugin that hangs. While one attempt hangs
    no other is begun, and its thread holds up neither anybody else's work nor our ending.
    """

    def __init__(self, access: ClusterAccess) -> None:
        """Serve this access."""
        self._access = access
        self._pending: asyncio.Future[object] | None = None

    async def find(self) -> Endpoint:
        """Find the API server; raises NoAccessError when that fails or takes too long."""
        return cast("Endpoint", await self._attempt(lambda: _load(self._access)))

    async def authorize(self, endpoint: Endpoint) -> str | None:
        """Give the Authorization header of this moment; raises NoAccessError without one."""
        return cast("str | None", await self._attempt(endpoint.authorization))

    async def _attempt(self, work: Callable[[], object]) -> object:
        if self._pending is not None and not self._pending.done():
            raise NoAccessError("an earlier attempt to get credentials still hangs")
        self._pending = _in_daemon(work)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asyncio.shield(self._pending)
        except NoAccessError:
            raise
        except TimeoutError:
            detail = f"credentials were not there within {DEADLINE_SECONDS:.0f} s"
            raise NoAccessError(detail) from None
        except Exception as error:  # noqa: BLE001  (whatever the official client raises ends here)
            told = printable(redact_text(f"{type(error).__name__}: {error}"))[:200]
            raise NoAccessError(told) from None


def _in_daemon(work: Callable[[], object]) -> "asyncio.Future[object]":
    """Run work in a thread that nobody waits for at the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def settle(result: object, error: Exception | None) -> None:
        if error is None:
            future.set_result(result)
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


def _load(access: ClusterAccess) -> Endpoint:
    # Imported here, in a thread and only where a cluster is read: it takes a tenth of a second.
    import kubernetes.client  # noqa: PLC0415
    import kubernetes.config  # noqa: PLC0415

    config = cast("Any", kubernetes.config)
    found = cast("Any", kubernetes.client.Configuration())
    inherited = found.proxy
    if access.in_cluster:
        config.load_incluster_config(client_configuration=found)
    else:
        # Nothing is written back: a refreshed token stays in memory.
        config.load_kube_config(
            config_file=access.kubeconfig,
            context=access.context,
            client_configuration=found,
            persist_config=False,
        )
    if found.proxy and found.proxy != inherited:
        raise NoAccessError("the kubeconfig wants a proxy-url, which is not supported")
    return Endpoint(
        host=str(found.host),
        context=_context(found),
        server_name=found.tls_server_name or None,
        authorization=lambda: _authorization(found),
        who=_whom(found, _authorization(found)),
        verified=bool(found.verify_ssl),
        kube_context=_context_in_use(access, config),
    )


def _context_in_use(access: ClusterAccess, config: Any) -> str:  # noqa: ANN401
    """Give the name of the context that is taken: where none is named, the current one's."""
    if access.in_cluster or access.context:
        return access.chosen
    _, current = config.list_kube_config_contexts(config_file=access.kubeconfig)
    return printable(redact_text(str(current["name"])))[:253]


def _context(found: Any) -> ssl.SSLContext:  # noqa: ANN401  (the official client's own type)
    data = found.ca_cert_data or None
    context = ssl.create_default_context(cafile=found.ssl_ca_cert or None, cadata=data)
    if not found.verify_ssl:  # insecure-skip-tls-verify, which doctor complains of
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if found.cert_file:
        context.load_cert_chain(found.cert_file, found.key_file or None, password="")
    return context


def _authorization(found: Any) -> str | None:  # noqa: ANN401
    key = found.get_api_key_with_prefix("BearerToken", alias="authorization")
    if key:
        return str(key)
    return str(found.get_basic_auth_token()) if found.username else None


def _whom(found: Any, authorization: str | None) -> str:  # noqa: ANN401
    """Say whom the credentials name."""
    if authorization and authorization[:7].casefold() == "bearer ":
        return _subject(authorization[7:].strip()) or "the bearer of an opaque token"
    if authorization:
        return f"user {printable(str(found.username))[:80]}"
    return "the holder of a client certificate" if found.cert_file else "nobody (anonymous)"


def _subject(token: str) -> str:
    """Give the `sub` of a JWT (RFC 7519, section 4.1.2), which nobody has verified."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004  (header, payload, signature)
        return ""
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    subject = cast("dict[str, object]", payload).get("sub") if isinstance(payload, dict) else None
    return printable(redact_text(str(subject)))[:120] if subject else ""
