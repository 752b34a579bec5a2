"""Server: ports, and stopping in time."""

import fcntl
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from mission_control.asgi import bind
from mission_control.errors import ConfigurationError
from mission_control.processes.own_process import raise_open_files_limit
from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port


def test_a_busy_port_is_one_clear_error():
    """A busy port is a configuration error that names the port, the setting and the remedy."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is busy") as busy:
            bind("127.0.0.1", port, where="--port, MISSION_CONTROL_PORT")

    assert "--port, MISSION_CONTROL_PORT" == busy.value.where
    assert busy.value.remedy


def test_the_limit_of_open_files_is_raised():
    """The soft limit of open files is raised to the hard one."""
    raised = raise_open_files_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert soft == hard
    assert raised == soft


@contextmanager
def serving(tmp_path, before="pass"):
    """Serve a fleet of one service that refuses, after a statement; gives process and port."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "agents:\n  - {agent_name: a, kind: marketdata, service_dns: 'http://127.0.0.1:1'}\n"
    )
    port = free_ports(1)
    environment = {
        "PATH": os.environ["PATH"],
        "MISSION_CONTROL_FLEET_FILE": str(fleet),
        "MISSION_CONTROL_PORT": str(port),
        "MISSION_CONTROL_ROOT": str(tmp_path),
    }
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{before}; from mission_control.__main__ import main; main()",
            "serve",
        ],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        wait_for_port(process, port)
        yield process, port
    finally:
        process.kill()
        process.communicate()


def test_a_locked_record_does_not_keep_a_server_from_serving(tmp_path):
    """While another process stands still with the ledger's lock, the floor is watched and told."""
    records = tmp_path / "audit_artifacts"
    records.mkdir()
    with (records / ".ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        patient = "from mission_control.records import ledger; ledger.LOCK_SECONDS = 600"
        with serving(tmp_path, patient) as (process, port):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            client.request("GET", "/api/v1/posture")
            answer = client.getresponse()
            body = answer.read()
            fcntl.flock(lock, fcntl.LOCK_UN)
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=20)
            client.close()

    assert (200, 0) == (answer.status, code)
    assert b'"posture":"HALTED"' in body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_does_not_hold_the_process(tmp_path, number):
    """With a client on the event stream, the process stops when told to, and exits with 0."""
    with serving(tmp_path) as (process, port):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        client.request("GET", "/api/v1/stream")
        answer = client.getresponse()
        first = answer.readline()
        process.send_signal(number)
        code = process.wait(timeout=PATIENCE_SECONDS)
        client.close()

    assert (200, 0) == (answer.status, code)
    assert first
