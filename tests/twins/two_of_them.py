"""A small floor of real HTTP servers, and two Mission Controls in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from mission_control.model.fleet import Agent, Kind
from tests.floor.floor_of_values import rich
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
SERVICES = ("svc-1", "svc-2", "svc-3")
REPLICAS = ("mc-a", "mc-b")
TAKES_OVER_SECONDS = 4
"""Long enough that one hears the other meanwhile on a machine that is busy."""
KEY = "the-key-of-the-test-0123456789"


@dataclass
class Service:
    """A service that answers `/ops/status`, and says the mode that a test gives it."""

    name: str
    port: int = 0
    mode: str = "OBSERVE"

    def document(self) -> bytes:
        """Return what it says now."""
        now = datetime.now(UTC)  # noqa: TID251  (other processes look at their own clocks)
        document: Any = rich(Agent(self.name, Kind.INGEST), now)
        document["agent_identity"]["agent_mode"] = self.mode
        return json.dumps(document).encode()


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """Serve it for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = service.document()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Replica:
    """One of the two: its process, while there is one."""

    name: str
    port: int
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def get(self, path: str) -> Any:
        """Return its JSON answer; None where it has none now."""
        with suppress(httpx.HTTPError), httpx.Client(trust_env=False, timeout=10) as client:
            answer = client.get(f"http://127.0.0.1:{self.port}{path}")
            return answer.json() if answer.is_success else None
        return None

    def codes(self, subject: str = "") -> set[str]:
        """Return the codes of its posture's reasons, or of those about one subject."""
        posture = self.get("/api/v1/posture") or {"reasons": []}
        return {r["code"] for r in posture["reasons"] if subject in ("", r["subject"])}


@dataclass
class Two:
    """The floor, and both that watch it."""

    services: dict[str, Service] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)


@contextmanager
def two_of_them(folder: Path, webhook: str, manager: str = "") -> Iterator[Two]:
    """Run three services and two Mission Controls, with one fleet file for both."""
    with ExitStack() as stack:
        two = Two()
        for name in SERVICES:
            two.services[name] = stack.enter_context(serving(Service(name)))
        ports = free_ports(4)
        fleet, switch, key = folder / "fleet.yaml", folder / "EXECUTION_HALTED", folder / "key"
        switch.write_text("1\n")
        key.write_text(KEY)
        fleet.write_text(yaml.safe_dump(_fleet(two, ports)))
        for number, name in enumerate(REPLICAS):
            root, port = folder / name, ports + 2 * number
            root.mkdir()
            given = {
                "FLEET_FILE": fleet,
                "ROOT": root,
                "REPLICA": name,
                "PORT": port,
                "UI_PORT": port + 1,
                "KILL_SWITCH_FILE": switch,
                "ALERT_WEBHOOK_URL": webhook,
                "ALERT_WEBHOOK_SECRET_FILE": key,
            }
            if manager:
                given["ALERTMANAGER_URL"] = manager
            environment = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME"}}
            environment |= {f"MISSION_CONTROL_{k}": str(v) for k, v in given.items()}
            program = ["-m", "tests.twins.serving", str(TAKES_OVER_SECONDS), "serve"]
            command = [sys.executable, *program]
            replica = Replica(name, port, command, environment, folder / f"{name}.log")
            two.replicas[name] = replica
            stack.callback(replica.kill)
            replica.start()
        yield two


def _fleet(two: Two, ports: int) -> dict[str, object]:
    services = [
        {
            "agent_name": service.name,
            "kind": "ingest",
            "criticality": "critical",
            "service_dns": f"http://127.0.0.1:{service.port}",
        }
        for service in two.services.values()
    ]
    twins = [
        {
            "agent_name": name,
            "kind": "ops",
            "twin": True,
            "interval_seconds": 0.5,
            "service_dns": f"http://127.0.0.1:{ports + 2 * number}",
        }
        for number, name in enumerate(REPLICAS)
    ]
    return {
        "kill_switch": {"file": "authoritative"},
        "safety": {"freshness": "none"},
        "agents": [*services, *twins],
    }
