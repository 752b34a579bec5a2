"""Settings become the gate of the API, and what listens for it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial
from ipaddress import ip_network

from mission_control.access.decide import address_of, is_loopback
from mission_control.access.in_force import AccessFiles, InForce
from mission_control.access.issuer import IssuerKeys
from mission_control.access.load import load_certificate, load_tokens
from mission_control.access.model import IssuerRules
from mission_control.access.run import AccessGate
from mission_control.api.connection_limits import LimitedHttpProtocol
from mission_control.configuration.settings import Settings
from mission_control.model.clock import Clock
from mission_control.model.fleet import TlsFiles
from mission_control.probe.transport import Transports
from mission_control.processes.followed_file import FollowedFile


def access_files(settings: Settings) -> AccessFiles:
    """Read tokens and certificate; raises ConfigurationError with what is wrong with either."""
    files = AccessFiles()
    if settings.tokens_file is not None:
        digest, tokens = load_tokens(settings.tokens_file)
        file = FollowedFile(settings.tokens_file, load_tokens, digest)
        files.tokens = InForce("tokens", tokens, file)
    if settings.tls_certificate is not None and settings.tls_key is not None:
        load = partial(load_certificate, key=settings.tls_key)
        digest, context = load(settings.tls_certificate)
        followed = FollowedFile(settings.tls_certificate, load, digest)
        files.certificate = InForce("certificates", context, followed)
    return files


@contextlib.asynccontextmanager
async def opened_gate(
    settings: Settings, transports: Transports, clock: Clock, monotonic: Callable[[], float]
) -> AsyncGenerator[AccessGate]:
    """Keep the gate of the API for the time of the block, and follow its files."""
    files = access_files(settings)
    issuer = _issuer(settings, transports)
    gate = AccessGate(settings.auth, files, issuer, clock, monotonic, settings.rate_limit)
    if not files.followed:
        yield gate
        return
    following = asyncio.create_task(files.follow())
    try:
        yield gate
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _issuer(settings: Settings, transports: Transports) -> IssuerKeys | None:
    """Return the issuer; its keys are read through the guard that every probe passes."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    rules = IssuerRules(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_algorithms,
        settings.oidc_scope_claim,
        dict(settings.oidc_scopes),
    )
    ca_file = settings.oidc_ca_file
    tls = TlsFiles(ca_file=str(ca_file)) if ca_file is not None else None
    return IssuerKeys(rules, transports.for_agent(tls))


def limited_protocol(settings: Settings) -> type[LimitedHttpProtocol]:
    """Return what reads requests, within the limits of connections."""
    proxies = [ip_network(each) for each in settings.behind_proxy]

    def is_exempt(client: str) -> bool:
        address = address_of(client)
        return is_loopback(client) or any(address in network for network in proxies if address)

    limits = {
        "max_connections": settings.max_connections,
        "max_per_client": settings.max_connections_per_client,
        "is_exempt": staticmethod(is_exempt),
    }
    return type("ReadsRequests", (LimitedHttpProtocol,), limits)
