"""A real Alertmanager, and a receiver that remembers what it was told, both on loopback."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.ports import free_ports, wait_for_port
from tests.real_parts import lacking

PATIENCE_SECONDS = 60
PROGRAM = "prometheus-alertmanager"


def until(true: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what is true, as soon as it is; fails when it does not become so in time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = true()
        if found:
            return found
        time.sleep(0.02)
    return pytest.fail(f"it has not become true within {seconds:g} s")


@dataclass(frozen=True)
class Told:
    """One request that a receiver got."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """Return its JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """
    An HTTP server that remembers each request, and answers as a test wants.

    `answer` says status and body for a request; while `hangs` it does not answer at all, and
    never a request that has `hangs_on` in its body.
    """

    port: int = 0
    told: list[Told] = field(default_factory=list)
    answer: Callable[[Told], tuple[int, bytes]] = lambda _: (200, b"ok")
    headers: dict[str, str] = field(default_factory=dict)
    hangs: threading.Event = field(default_factory=threading.Event)
    hangs_on: bytes = b""

    def url(self, path: str = "/") -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}{path}"

    def documents(self, path: str) -> list[Any]:
        """Return the JSON of every request to a path, the oldest first."""
        return [t.document for t in list(self.told) if t.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver for the time of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {k.lower(): v for k, v in self.headers.items()}
            body = self.rfile.read(length)
            if len(body) != length:
                return  # its sender was killed while it wrote: nothing was told
            told = Told(time.monotonic(), self.command, self.path, headers, body)
            while receiver.hangs.is_set() or (receiver.hangs_on and receiver.hangs_on in body):
                time.sleep(0.02)
            receiver.told.append(told)
            status, said = receiver.answer(told)
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET = do_PUT = _take  # noqa: N815  (as the library has it)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return  # a client that was killed

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hangs.clear()
        receiver.hangs_on = b""
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Alertmanager:
    """A running Alertmanager."""

    port: int

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that fire there now."""
        with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            return client.get(f"{self.url}/api/v2/alerts").raise_for_status().json()

    def subjects(self, **labels: str) -> list[str]:
        """Return the subjects of the alerts that fire there and have these labels, sorted."""
        return sorted(
            a["labels"].get("subject", "")
            for a in self.alerts()
            if labels.items() <= a["labels"].items()
        )


def routing(
    receiver: Receiver, group_by: tuple[str, ...] = ("floor", "alertname", "subject")
) -> dict:
    """Return a configuration that tells the receiver at once, each group below `/pages`."""
    return {
        "route": {
            "receiver": "pages",
            "group_by": list(group_by),
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "4h",
        },
        "receivers": [
            {
                "name": "pages",
                "webhook_configs": [{"url": receiver.url("/pages"), "send_resolved": True}],
            }
        ],
    }


def require_alertmanager(program: str = PROGRAM) -> str:
    """Return where a program of Alertmanager's package is, or skip with the reason."""
    found = shutil.which(program)
    if found is None:
        lacking(f"{program} is not installed: apt-get install prometheus-alertmanager")
    return found


@contextmanager
def alertmanager(folder: Path, configuration: dict) -> Iterator[Alertmanager]:
    """Run a real Alertmanager for the time of the block."""
    program, port = require_alertmanager(), free_ports(1)
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration))
    command = [
        program,
        f"--config.file={file}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        f"--storage.path={folder / 'alertmanager'}",
    ]
    with (
        (folder / "alertmanager.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for_port(process, port)
            running = Alertmanager(port)
            until(lambda: httpx.get(f"{running.url}/-/ready", trust_env=False).is_success)
            yield running
        finally:
            process.terminate()
