"""`serve` and `demo`: the server as a process of its own, asked by the other commands."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime

import httpx
import pytest

from mission_control.floor.watch import SWITCH_SECONDS
from mission_control.records.marker import read_marker, write_marker
from mission_control.records.model import RecordMarker
from tests.hanging_files import hanging
from tests.ports import PATIENCE_SECONDS, free_ports

PORTS_OF_A_DEMO = 12


@contextmanager
def process(*arguments: object, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run `mission-control` in a process of its own, with these variables and no others."""
    given = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    with subprocess.Popen(
        [sys.executable, "-m", "mission_control", *(str(a) for a in arguments)],
        env={**given, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(url: str, word: str = "") -> None:
    """Wait until a server answers there at all, and with this word in its answer."""
    ends = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < ends:
            with suppress(httpx.TransportError):
                if word in client.get(url).text:
                    return
            time.sleep(0.05)
    pytest.fail(f"nothing answers {word!r} at {url}")


def stop(running: subprocess.Popen[str], number: signal.Signals) -> tuple[int, float]:
    """Send a signal, and return the exit code and the seconds that stopping took."""
    began = time.monotonic()
    running.send_signal(number)
    code = running.wait(PATIENCE_SECONDS)
    return code, time.monotonic() - began


def test_a_demo_is_served_asked_and_stopped(run):
    """
    The demo tells its addresses, answers the other commands, and ends soon after Ctrl-C.
    """
    base = free_ports(PORTS_OF_A_DEMO)
    floor_port = base + 2
    url = f"http://127.0.0.1:{base}"
    flags = ["--no-ui", "--port", base, "--ui-port", base + 1, "--floor-port", floor_port]
    with process("demo", "--scenario", "stale-tick", *flags) as demo:
        wait_for(f"{url}/healthz")
        status = run("status", "--url", url)
        body = run("get", "/api/v1/posture", "--url", url)
        missing = run("get", "/no/such/path", "--url", url)
        code, seconds = stop(demo, signal.SIGINT)
        shown = demo.stderr.read() if demo.stderr else ""

    assert (0, True) == (code, seconds < 10)
    assert 3 == status.exit_code
    assert "DEMO" in status.stdout.splitlines()[0]
    assert ("HALTED", 0) == (json.loads(body.stdout)["posture"], body.exit_code)
    assert 4 == missing.exit_code
    assert url in shown
    assert "stale-tick" in shown


def test_the_predecessors_two_variables_serve(fleet_file, tmp_path, run):
    """
    `serve` runs on AGENTS_CONFIG_PATH and EXECUTION_HALTED_FILE alone, and ends on SIGTERM.
    """
    switch = tmp_path / "EXECUTION_HALTED"
    switch.write_text("1\n")
    port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    two = {"AGENTS_CONFIG_PATH": str(fleet_file), "EXECUTION_HALTED_FILE": str(switch)}
    with process("serve", "--port", port, "--ui-port", port + 1, **two) as server:
        wait_for(f"{url}/api/v1/posture", '"confirmed":true')
        status = run("--json", "status", "--url", url)
        code, seconds = stop(server, signal.SIGTERM)

    assert (0, True) == (code, seconds < 10)
    values = json.loads(status.stdout)
    assert ["marketdata"] == [agent["agent_name"] for agent in values["agents"]]
    # A plain file is no live mount of the ConfigMap, so it can only contradict.
    switch_said = values["posture"]["kill_switch"]
    assert (False, "KILL_SWITCH_UNCONFIRMED") == (
        switch_said["execution_halted"], values["posture"]["reasons"][0]["code"],
    )  # fmt: skip


def fifo(path):
    """Put what waits for a writer in the switch's place."""
    path.unlink()
    os.mkfifo(path)
    return nullcontext()


@pytest.mark.parametrize("hurt", [fifo, hanging], ids=["fifo", "hanging"])
def test_a_switch_that_hangs_holds_up_neither_its_return_nor_the_end(fleet_file, tmp_path, hurt):
    """
    The posture says what is wrong, a file that is well again confirms, and SIGTERM ends the server.
    """
    switch = tmp_path / "EXECUTION_HALTED"
    switch.write_text("1\n")
    fleet_file.write_text(f"kill_switch: {{file: authoritative}}\n{fleet_file.read_text()}")
    port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    two = {"AGENTS_CONFIG_PATH": str(fleet_file), "EXECUTION_HALTED_FILE": str(switch)}
    with (
        hurt(switch),
        process("serve", "--port", port, "--ui-port", port + 1, **two) as server,
    ):
        wait_for(f"{url}/api/v1/posture", "KILL_SWITCH_UNCONFIRMED")
        if hurt is fifo:
            wait_for(f"{url}/api/v1/safety", "it is a FIFO")
        switch.rename(tmp_path / "hangs")
        switch.write_text("1\n")
        wait_for(f"{url}/api/v1/posture", f"confirmed by {switch}")
        (tmp_path / "hangs").replace(switch)
        time.sleep(SWITCH_SECONDS + 1)  # it is being read again by now, and hangs where it can
        code, seconds = stop(server, signal.SIGTERM)

    assert (0, True) == (code, seconds < PATIENCE_SECONDS / 2)


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_busy_port_is_one_clear_message(fleet_file, command):
    """
    A port that is taken is a matter of configuration: exit code 78, the port and the flag.
    """
    base = free_ports(PORTS_OF_A_DEMO)
    flags = {"serve": ["--fleet-file", fleet_file], "demo": ["--no-ui", "--floor-port", base + 1]}
    with (
        socket.create_server(("127.0.0.1", 0)) as busy,
        process(command, "--port", port := busy.getsockname()[1], *flags[command]) as server,
    ):
        _, shown = server.communicate(timeout=PATIENCE_SECONDS)

    assert 78 == server.returncode
    assert f"port {port} on 127.0.0.1 is busy" in shown
    assert "--port" in shown
    assert "Traceback" not in shown


def test_a_busy_port_is_found_before_a_demo_tells_of_itself():
    """
    R15.26: a demo that cannot be served prints nothing of where it would be.
    """
    base = free_ports(PORTS_OF_A_DEMO)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        flags = ["--port", base, "--ui-port", busy.getsockname()[1], "--floor-port", base + 1]
        with process("demo", "--no-past", *flags) as demo:
            _, shown = demo.communicate(timeout=PATIENCE_SECONDS)

    assert 78 == demo.returncode
    assert "is busy" in shown
    assert "Nothing here is real" not in shown


def test_a_root_that_is_not_there_is_refused(fleet_file, tmp_path):
    """
    R15.27: a mistyped root begins no second record: exit code 78, and nothing is made.
    """
    root = tmp_path / "nope"
    with process("serve", "--fleet-file", fleet_file, "--root", root) as server:
        _, shown = server.communicate(timeout=PATIENCE_SECONDS)

    assert (78, False) == (server.returncode, root.exists())
    assert f"flag --root: there is no folder {root} " in shown
    assert f"mkdir -p {root}" in shown


def test_another_host_than_loopback_is_refused(fleet_file):
    """
    Without authentication only loopback is listened on: exit code 78 before anything is bound.
    """
    with process("serve", "--fleet-file", fleet_file, "--host", "10.0.0.7") as server:
        _, shown = server.communicate(timeout=PATIENCE_SECONDS)

    assert 78 == server.returncode
    assert "no reader would be asked for a token" in shown


@pytest.mark.parametrize("held", ["", "fedcba9876543210"], ids=["no record", "another record"])
@pytest.mark.parametrize("command", [("serve",), ("readiness", "--namespace", "trading-floor")])
def test_a_root_without_the_record_that_is_wanted_is_refused(fleet_file, tmp_path, command, held):
    """
    With the record's id in the settings a root that was lost begins no new one: exit code 78.
    """
    root = tmp_path / "root"
    if held:
        write_marker(root, RecordMarker(held, datetime(2026, 11, 20, tzinfo=UTC), continues=False))
    given = {"MISSION_CONTROL_RECORD_ID": "0123456789abcdef", "MISSION_CONTROL_ROOT": str(root)}
    with process(*command, "--fleet-file", fleet_file, **given) as server:
        _, shown = server.communicate(timeout=PATIENCE_SECONDS)

    assert 78 == server.returncode
    assert f"the root holds {f'record {held}' if held else 'no record'}" in shown
    assert "MISSION_CONTROL_RECORD_ID" in shown
    assert bool(held) is root.exists()


def test_the_record_that_is_wanted_is_served(fleet_file, tmp_path):
    """
    A root that holds the wanted record is served; a head that is not needed changes nothing.
    """
    root, port = tmp_path / "root", free_ports(2)
    root.mkdir()
    given = {"MISSION_CONTROL_ROOT": str(root)}
    flags = ["--fleet-file", fleet_file, "--port", port, "--ui-port", port + 1]
    url = f"http://127.0.0.1:{port}/api/v1/posture"
    with process("serve", *flags, **given) as server:
        wait_for(url, "RECORD_NEW")
        stop(server, signal.SIGTERM)
    marker = read_marker(root)
    assert marker is not None
    again = ["--record-id", marker.record_id, "--history-is-new", "0" * 64]
    with process("serve", *flags, *again, **given) as server:
        wait_for(url, "RECORD_NEW")
        with httpx.Client(trust_env=False) as client:
            said = client.get(url).text
        code, _ = stop(server, signal.SIGTERM)

    assert (0, False) == (code, "STANDING_UNKNOWN" in said)


def test_the_scenarios_are_listed(run):
    """
    `demo --list` names every scenario with what an operator should see, and starts nothing.
    """
    lines = run("demo", "--list").stdout.splitlines()
    values = json.loads(run("demo", "--list", "--json").stdout)

    assert len(values) == len(lines)
    assert {"calm", "kill-switch-off", "critical-drip"} <= {value["name"] for value in values}
    assert all(value["description"] for value in values)
