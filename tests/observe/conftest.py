"""Fixtures: raw sockets that answer whatever a test says, byte for byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from mission_control.model.fleet import Agent, Kind
from mission_control.observe.http_transport import Transports
from mission_control.observe.service_probe import ServiceProbe

NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """A socket on loopback that plays a script for each request it is sent."""

    def __init__(self, script: Script) -> None:
        """Play this script."""
        self.script = script
        self.heads: list[str] = []
        self.connections = 0
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read requests one after another and play the script for each."""
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                await self.script(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[RawServer]]]:
    """Give a way to start a raw server."""
    async with AsyncExitStack() as stack:

        async def start(script: Script, tls: ssl.SSLContext | None = None) -> RawServer:
            raw = RawServer(script)
            server = await asyncio.start_server(raw.talk, "127.0.0.1", 0, ssl=tls)
            stack.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            raw.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
            return raw

        yield start


@pytest.fixture
async def transports() -> AsyncIterator[Transports]:
    """Give the production transports."""
    opened = Transports()
    yield opened
    await opened.aclose()


@pytest.fixture
def probe(transports: Transports) -> ServiceProbe:
    """Give the real probe, by a clock that stands still."""
    return ServiceProbe(transports, lambda: NOW)


@pytest.fixture
def agent() -> Callable[..., Agent]:
    """Give a way to name a service at an address."""

    def name(url: str, **more: object) -> Agent:
        return Agent("target", Kind.STRATEGY, url, **{"deadline_seconds": 10.0, **more})  # type: ignore[arg-type]

    return name
