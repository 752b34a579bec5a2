"""A real S3-compatible server (moto's) on loopback, and a line to it that can be cut."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mission_control.durable_copy.model import S3Address
from mission_control.durable_copy.s3_store import S3Place, S3Store
from mission_control.redaction.redact import redact_text
from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port
from tests.real_parts import lacking

PYTHON = Path(sys.prefix) / "s3_server/bin/python"
SERVER = """
import io, sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto, alone = DomainDispatcherApplication(create_backend_app), threading.Lock()

def answer(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(size))
    with alone:
        return moto(environ, start_response)

run_simple("127.0.0.1", int(sys.argv[1]), answer, threaded=True)
"""
"""moto's server, one request at a time: it looks whether a name is free and takes it in two steps,
between which others of its threads may take it; S3 does both in one."""
KEY_ID, SECRET = "AKIDOFTHETEST", "hunter2-of-the-test"
SIGNED_AS = {"authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"}
_numbers = itertools.count(1)


@dataclass
class S3Server:
    """A server, and what a test does behind our back."""

    port: int

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """Make a bucket that no other test has."""
        name = f"record-{next(_numbers)}"
        self.put(name, b"")
        return name

    def put(self, path: str, content: bytes) -> None:
        """Put an object, over whatever is there."""
        self._ask("PUT", path, content)

    def get(self, path: str) -> bytes:
        """Return an object's bytes."""
        return self._ask("GET", path).content

    def remove(self, path: str) -> None:
        """Remove an object."""
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, content: bytes = b"") -> httpx.Response:
        with httpx.Client(trust_env=False, headers=SIGNED_AS, timeout=PATIENCE_SECONDS) as client:
            answer = client.request(method, f"{self.url}/{path}", content=content)
            return answer.raise_for_status()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Start the server once."""
    if not PYTHON.exists():
        lacking("moto's S3 server is in .venv/s3_server: `make setup` puts it there")
    port = free_ports(1)
    command = [str(PYTHON), "-c", SERVER, str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            wait_for_port(process, port)
            yield S3Server(port)
        finally:
            process.terminate()


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """Write a credentials file."""
    path = tmp_path / "s3.credentials"
    path.write_text(f"aws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n")
    return path


def store_at(
    url: str, bucket: str, credentials: Path, seconds: float = PATIENCE_SECONDS
) -> S3Store:
    """Return our store at an address, with a deadline for each request."""
    address = S3Address(bucket, "floor/copy")
    place = S3Place(address, "us-east-1", url, credentials, seconds, retries=0)
    return S3Store(place, redact_text)


@dataclass
class Line:
    """
    A line to the server, whose weather a test makes.

    `weather` is `fair`, `cut` (connections are closed), `hang` (nothing comes back) or `broken`
    (every request gets a 500); it turns to `after` with the request of that number.
    """

    port: int = 0
    weather: str = "fair"
    after: tuple[int, str] | None = None
    requests: int = 0
    carrying: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def received(self, data: bytes) -> None:
        """Count what is sent, and let the weather turn."""
        self.requests += data.startswith((b"PUT /", b"GET /"))
        if self.after is not None and self.requests >= self.after[0]:
            self.weather = self.after[1]


@asynccontextmanager
async def line_to(server: S3Server) -> AsyncIterator[Line]:
    """Lay a line to the server for the time of the block."""
    line = Line()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        line.carrying[task] = writer
        try:
            await _carry(line, server.port, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(carry, "127.0.0.1", 0)
    line.port = listening.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listening.close()
        for task in line.carrying:
            task.cancel()
        await asyncio.gather(*line.carrying, return_exceptions=True)
        closing = (w.wait_closed() for w in line.carrying.values())
        await asyncio.gather(*closing, return_exceptions=True)
        await asyncio.sleep(0)


async def _carry(
    line: Line, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    behind, onwards = await asyncio.open_connection("127.0.0.1", port)
    back = asyncio.create_task(_bring_back(line, behind, writer))
    try:
        while data := await reader.read(65536):
            line.received(data)
            if line.weather == "cut":
                return
            if line.weather == "broken":
                writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 3\r\n\r\nohh")
                await writer.drain()
            elif line.weather == "fair":
                onwards.write(data)
                await onwards.drain()
    finally:
        back.cancel()
        onwards.close()
        await asyncio.gather(back, onwards.wait_closed(), return_exceptions=True)


async def _bring_back(
    line: Line, behind: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while data := await behind.read(65536):
        if line.weather == "fair":
            writer.write(data)
            await writer.drain()
