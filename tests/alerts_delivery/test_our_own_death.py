"""Our own death pages: by an alert that stops firing, and by a ping that stops coming."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.alertmanager import Receiver, alertmanager, receiving, routing, until
from tests.alerts_delivery.channels import SWIFT

ROOT = Path(__file__).parents[2]


@contextmanager
def living(folder: Path, manager: str, ping: str) -> Iterator[subprocess.Popen]:
    """Run a process that says that it lives."""
    command = [sys.executable, "-m", "tests.alerts_delivery.alive", str(folder), manager, ping]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(pager: Receiver) -> list[str]:
    """Return what Alertmanager told of the alert that always fires."""
    return [
        each["status"]
        for told in pager.documents("/pages")
        for each in told["alerts"]
        if each["labels"]["alertname"] == "Watchdog"
    ]


def pings(ping: Receiver) -> list[tuple[str, str]]:
    """Return what the dead-man's switch was asked."""
    return [(t.method, t.path) for t in list(ping.told)]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGSTOP, id="frozen"),
        pytest.param(signal.SIGUSR1, id="its deciding loop has stalled"),
    ],
)
def test_whatever_stops_us_is_told(tmp_path, end):
    """The alert resolves, which pages, and the ping stops, after which its switch pages (R15.6)."""
    with (
        receiving() as pager,
        receiving() as ping,
        alertmanager(tmp_path, routing(pager)) as manager,
        living(tmp_path, manager.url, ping.url("/ping/uuid")) as process,
    ):
        until(lambda: heard(pager) == ["firing"])
        until(lambda: len(pings(ping)) >= 3)
        time.sleep(2 * SWIFT.watchdog_valid_seconds)
        assert ["firing"] == heard(pager)  # it is kept up

        process.send_signal(end)
        until(lambda: heard(pager) == ["firing", "resolved"])
        last = len(pings(ping))
        time.sleep(4 * SWIFT.heartbeat_seconds)
        assert last == len(pings(ping))
        assert {("GET", "/ping/uuid")} == set(pings(ping))
