"""Observe: transports that reach services: no redirects, cookies, proxies or decompression."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib.metadata import version
from types import SimpleNamespace

import aiohttp
from httpx_aiohttp import AiohttpTransport

from mission_control.model.fleet import TlsFiles
from mission_control.observe.guarded_transport import GuardedTransport

KEEP_ALIVE_SECONDS = 75.0
"""Longer than any interval that is allowed, so that a service keeps its connection."""

USER_AGENT = f"mission-control/{version('mission-control')}"

PHASES: ContextVar[list[tuple[str, float]] | None] = ContextVar("PHASES", default=None)
"""Where the phases of opening a connection are noted for the request under way."""

_Hook = Callable[[aiohttp.ClientSession, SimpleNamespace, object], Awaitable[None]]


class Transports:
    """
    The guarded transports of one process: one for all, and one for each set of TLS files.

    Certificates are always verified, against the system's authorities or the agent's own.
    """

    def __init__(self) -> None:
        """Open nothing yet; sessions belong to the event loop that asks first."""
        self._shared: GuardedTransport | None = None
        self._own: dict[TlsFiles, GuardedTransport] = {}

    def for_agent(self, tls: TlsFiles | None) -> GuardedTransport:
        """
        Give the transport for an agent's TLS files, the shared one where it has none.

        Raises OSError (ssl.SSLError among them) when a certificate file cannot be used.
        """
        if tls is None:
            self._shared = self._shared or _open(ssl.create_default_context())
            return self._shared
        if tls not in self._own:
            context = ssl.create_default_context(cafile=tls.ca_file)
            if tls.cert_file is not None:
                context.load_cert_chain(tls.cert_file, tls.key_file)
            self._own[tls] = _open(context)
        return self._own[tls]

    def opened(self) -> tuple[GuardedTransport, ...]:
        """List the transports in use."""
        shared = () if self._shared is None else (self._shared,)
        return (*shared, *self._own.values())

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self.opened():
            await transport.aclose()


@asynccontextmanager
async def open_transports() -> AsyncGenerator[Transports]:
    """Give transports for the time of the block, and close all connections after it."""
    transports = Transports()
    try:
        yield transports
    finally:
        await transports.aclose()


def _open(context: ssl.SSLContext) -> GuardedTransport:
    """
    Open a transport without limits of its own: the probe's deadline and caps are the limits.

    httpx-aiohttp neither follows redirects nor decompresses; cookies and proxies are switched
    off in the session, and tests hold all four over real sockets.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, ssl=context, keepalive_timeout=KEEP_ALIVE_SECONDS, ttl_dns_cache=30
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(),
        read_bufsize=2**14,
        trace_configs=[_phase_trace()],
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    )
    return GuardedTransport(AiohttpTransport(verify=context, trust_env=False, client=session))


def _phase_trace() -> aiohttp.TraceConfig:
    """Note how long resolving and connecting took, only where a connection is opened."""
    trace = aiohttp.TraceConfig()
    trace.on_dns_resolvehost_start.append(_begin("dns"))
    trace.on_dns_resolvehost_end.append(_end("dns"))
    trace.on_connection_create_start.append(_begin("connect"))
    trace.on_connection_create_end.append(_end("connect"))
    return trace


def _begin(name: str) -> _Hook:
    async def on_start(_session: aiohttp.ClientSession, ctx: SimpleNamespace, _p: object) -> None:
        setattr(ctx, name, asyncio.get_running_loop().time())

    return on_start


def _end(name: str) -> _Hook:
    async def on_end(_session: aiohttp.ClientSession, ctx: SimpleNamespace, _p: object) -> None:
        noted, began = PHASES.get(), getattr(ctx, name, None)
        if noted is not None and began is not None:
            noted.append((name, asyncio.get_running_loop().time() - began))

    return on_end
