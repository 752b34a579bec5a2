"""Fixtures: a real Chromium on the real pages of a real demo, everything on loopback."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import pytest

from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port
from tests.real_parts import lacking

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Start Chromium once a module: Playwright's loop must end before other tests run loops."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        lacking("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only where it is used)

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@dataclass(frozen=True)
class Demo:
    """A demo that runs: where its pages, its API and its simulator are, and what it complains."""

    process: subprocess.Popen[bytes]
    complaints: IO[bytes]
    port: int

    @property
    def api(self) -> str:
        """Return the address of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pages(self) -> str:
        """Return the address of its pages."""
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def control(self) -> str:
        """Return the address of its simulator."""
        return f"http://127.0.0.1:{self.port + 2}"

    def posture(self) -> dict[str, object]:
        """Ask the API for its posture."""
        with urllib.request.urlopen(f"{self.api}/api/v1/posture", timeout=5) as answer:  # noqa: S310
            return json.load(answer)

    def until(self, condition: Callable[[dict[str, object]], bool]) -> None:
        """Wait until the posture is as described; fails at once where the demo ended."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            with suppress(OSError):
                if condition(self.posture()):
                    return
            if self.process.poll() is not None:
                self.complaints.seek(0)
                told = self.complaints.read().decode(errors="replace")[-4000:]
                pytest.fail(f"the demo ended with {self.process.returncode}:\n{told}")
            time.sleep(0.1)
        pytest.fail("the demo's posture never became what was waited for")


@pytest.fixture(scope="module")
def demo(browser: object) -> Iterator[Callable[[str], Demo]]:
    """
    Return a way to run a demo in a scenario; the calm one is kept for the module.

    Of the others the newest alone: each takes an eighth of a core.
    """
    running: dict[str, Demo] = {}

    def start(scenario: str) -> Demo:
        if scenario not in running:
            for other in [name for name in running if name != "calm"]:
                end(running.pop(other))
            running[scenario] = run_demo(scenario)
            code = "HALTED" if scenario not in {"calm", "closed"} else ""
            running[scenario].until(
                lambda p: p["evidence_age_seconds"] is not None or p["posture"] == code
            )
            wait_for_port(running[scenario].process, running[scenario].port + 1)
        return running[scenario]

    yield start
    for one in running.values():
        end(one)


def end(demo: Demo) -> None:
    """End a demo."""
    demo.process.send_signal(signal.SIGTERM)
    demo.process.wait(timeout=PATIENCE_SECONDS)
    demo.complaints.close()


def run_demo(scenario: str) -> Demo:
    """Run a demo with a quick cadence on free ports."""
    port = free_ports(12)
    words = ["demo", "--scenario", scenario, "--no-past", "--interval", "0.5"]
    words += ["--port", port]
    words += ["--ui-port", port + 1, "--floor-port", port + 2]
    complaints = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the demo; a pipe would fill)
    process = subprocess.Popen(
        [sys.executable, "-m", "mission_control", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=complaints,
    )
    return Demo(process, complaints, port)
