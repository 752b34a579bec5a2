"""Fixtures: a real Chromium on the real pages of a real demo, everything on loopback."""

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.ports import free_ports
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
    """A demo that runs: where its pages, its API and its simulator are."""

    process: subprocess.Popen[bytes]
    pages: str
    api: str
    control: str

    def posture(self) -> dict[str, object]:
        """Ask the API for its posture."""
        with urllib.request.urlopen(f"{self.api}/api/v1/posture", timeout=5) as answer:  # noqa: S310
            return json.load(answer)

    def until(self, condition: Callable[[dict[str, object]], bool]) -> None:
        """Wait until the posture is as described."""
        for _ in range(200):
            try:
                if condition(self.posture()):
                    return
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail("the demo's posture never became what was waited for")


@pytest.fixture(scope="module")
def demo(browser: object) -> Iterator[Callable[[str], Demo]]:
    """Give a way to run a demo in a scenario; each runs once and is kept for the module."""
    running: dict[str, Demo] = {}

    def start(scenario: str) -> Demo:
        if scenario not in running:
            running[scenario] = run_demo(scenario)
            code = "HALTED" if scenario not in {"calm", "closed"} else ""
            running[scenario].until(
                lambda p: p["evidence_age_seconds"] is not None or p["posture"] == code
            )
        return running[scenario]

    yield start
    for one in running.values():
        one.process.send_signal(signal.SIGTERM)
    for one in running.values():
        one.process.wait(timeout=10)


def run_demo(scenario: str) -> Demo:
    """Run a demo with a quick cadence on free ports."""
    port = free_ports(12)
    ui_port, floor = port + 1, port + 2
    words = ["demo", "--scenario", scenario, "--interval", "0.5", "--port", port]
    words += ["--ui-port", ui_port, "--floor-port", floor]
    process = subprocess.Popen(
        [sys.executable, "-m", "mission_control", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Demo(
        process,
        f"http://127.0.0.1:{ui_port}",
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{floor}",
    )
