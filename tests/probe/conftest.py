"""Fixtures: raw sockets that answer whatever a test says, byte for byte."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mission_control.model.fleet import Agent, Kind
from mission_control.probe.opening import Address, Names
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports
from tests.real_parts import lacking

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
        self.port = 0

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
    """Yield a way to start a raw server."""
    async with AsyncExitStack() as stack:

        async def start(
            script: Script,
            tls: ssl.SSLContext | None = None,
            *,
            address: str = "127.0.0.1",
            port: int = 0,
        ) -> RawServer:
            raw = RawServer(script)
            server = await asyncio.start_server(raw.talk, address, port, ssl=tls)
            stack.callback(server.close)
            raw.port = server.sockets[0].getsockname()[1]
            raw.url = f"{'https' if tls else 'http'}://{address}:{raw.port}"
            return raw

        yield start


class NameServer:
    """Takes the place of `socket.getaddrinfo`: answers, or does not, where names lead."""

    def __init__(self) -> None:
        """Know no name."""
        self.leads: dict[str, list[str]] = {}
        self.hangs: set[str] = set()
        self.fails: set[str] = set()
        self.asked = Counter[str]()
        self.release = threading.Event()

    def __call__(self, host: str, port: int | None, **how: int) -> list[Address]:
        """Return where a name leads."""
        self.asked[host] += 1
        if host in self.hangs:
            self.release.wait(60)
        if host in self.fails:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host not in self.leads:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [found for to in self.leads[host] for found in socket.getaddrinfo(to, port, **how)]


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    """Yield what says where names lead; lookups that hang end with the test."""
    server = NameServer()
    yield server
    server.release.set()


@pytest.fixture
async def pass_time() -> AsyncIterator[Callable[[float], None]]:
    """Yield a way to let so many seconds pass by the clock of the event loop."""
    loop = asyncio.get_running_loop()
    real, passed = loop.time, [0.0]
    loop.time = lambda: real() + sum(passed)  # type: ignore[method-assign]
    yield passed.append
    loop.time = real  # type: ignore[method-assign]


@pytest.fixture
async def transports(name_server: NameServer) -> AsyncIterator[Transports]:
    """Yield the production transports, with names of the test's own."""
    opened = Transports(Names(name_server))
    yield opened
    await opened.aclose()


@pytest.fixture
def probe(transports: Transports) -> ServiceProbe:
    """Return the real probe, by a clock that does not move."""
    return ServiceProbe(transports, lambda: NOW)


@pytest.fixture
def agent() -> Callable[..., Agent]:
    """Return a way to name a service at an address."""

    def name(url: str, **more: object) -> Agent:
        return Agent("target", Kind.STRATEGY, url, **{"deadline_seconds": 10.0, **more})  # type: ignore[arg-type]

    return name


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1 and its key."""
    folder.mkdir(parents=True, exist_ok=True)
    key, cert = folder / "key.pem", folder / "cert.pem"
    openssl = shutil.which("openssl") or lacking("openssl is not installed")
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    files = ("-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert))
    subprocess.run([openssl, "req", "-x509", *files, *subject], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1 and its key."""
    return make_certificate(tmp_path)
