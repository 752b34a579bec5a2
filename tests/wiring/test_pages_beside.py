"""Server: the pages beside it may die; Mission Control goes on."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port


def answers(url):
    """Tell whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310  (loopback)
            return answer.status == 200
    except OSError:
        return False


def pages_of(pid):
    """List the processes that a process started to serve its pages."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in listed
        if b"ops_ui" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    ]


def test_the_death_of_the_pages_never_affects_the_server(tmp_path):
    """When the pages' process is killed, Mission Control answers as before and stops cleanly."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "agents:\n  - {agent_name: a, kind: marketdata, service_dns: 'http://127.0.0.1:1'}\n"
    )
    port = free_ports(2)
    ui_port = port + 1
    process = subprocess.Popen(
        [sys.executable, "-m", "mission_control", "serve", "--with-ui"],
        env={
            "PATH": os.environ["PATH"],
            "MISSION_CONTROL_FLEET_FILE": str(fleet),
            "MISSION_CONTROL_PORT": str(port),
            "MISSION_CONTROL_UI_PORT": str(ui_port),
            "MISSION_CONTROL_ROOT": str(tmp_path),
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        pages, api = f"http://127.0.0.1:{ui_port}/healthz", f"http://127.0.0.1:{port}/healthz"
        wait_for_port(process, ui_port)
        wait_for_port(process, port)
        (child,) = pages_of(process.pid)
        before = (answers(pages), answers(api))
        os.kill(child, signal.SIGKILL)
        ends = time.monotonic() + PATIENCE_SECONDS
        while answers(pages) and time.monotonic() < ends:
            time.sleep(0.05)
        after = (answers(pages), answers(api))
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()

    assert ((True, True), (False, True), 0) == (before, after, code)


SECRETS = {
    "DATABASE_PASSWORD": "canary-1",
    "AWS_SECRET_ACCESS_KEY": "canary-2",
    "PGPASSWORD": "canary-3",
    "SOMETHING_ELSE": "canary-4",
}


def descendants(pid):
    """List every process below one."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [n for child in map(int, listed) for n in (child, *descendants(child))]


def test_no_child_inherits_a_password_or_a_key(tmp_path):
    """The pages, the readers and what reads long answers get what Python needs, and no more."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "agents:\n  - {agent_name: a, kind: marketdata, service_dns: 'http://127.0.0.1:1'}\n"
    )
    port = free_ports(2)
    process = subprocess.Popen(
        [sys.executable, "-m", "mission_control", "serve", "--with-ui"],
        env={
            **SECRETS,
            "MISSION_CONTROL_DATABASE_URL": f"sqlite:///{tmp_path}/canary-5.sqlite3",
            "PATH": os.environ["PATH"],
            "MISSION_CONTROL_FLEET_FILE": str(fleet),
            "MISSION_CONTROL_PORT": str(port),
            "MISSION_CONTROL_UI_PORT": str(port + 1),
            "MISSION_CONTROL_ROOT": str(tmp_path),
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(process, port + 1)
        wait_for_port(process, port)
        ends, held = time.monotonic() + PATIENCE_SECONDS, {}
        while len(held) < len(CHILDREN) and time.monotonic() < ends:
            held |= environments(process.pid)
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    canaries = (*SECRETS.values(), "canary-5")

    assert CHILDREN == set(held)
    assert [] == [(name, c) for name, told in held.items() for c in canaries if c in told]


def environments(pid):
    """Give the environment of each of our kinds of children that runs by now."""
    found = {}
    for child in descendants(pid):
        with suppress(OSError):  # it has just ended
            line, told = (Path(f"/proc/{child}/{f}").read_text() for f in ("cmdline", "environ"))
            found |= {name: told for name in CHILDREN if name in line}
    return found


CHILDREN = {"ops_ui", "readers_process", "interpreting_process"}
