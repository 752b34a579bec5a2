"""Commands whose cluster cannot be had, or hangs: what they say of it, and what they never show."""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mission_control.cli.doctor import RBAC, REMEDIES
from mission_control.cli.failures import RedactedTalk
from tests.ports import free_ports

WORD, SECRET = "password", "hunter2-hunter2"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
FLEET = """\
cluster:
  kubeconfig: config
agents:
  - agent_name: marketdata
    service_dns: http://127.0.0.1:1
    kind: marketdata
    criticality: critical
"""


@pytest.fixture
def fleet(tmp_path) -> Path:
    """Write a fleet whose cluster is found by a kubeconfig beside it."""
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    return path


def write_config(folder: Path, url: str, body: str = "") -> None:
    """Write the kubeconfig; with a body, one whose credentials come from a script of it."""
    user: dict[str, object] = {"token": "t"}
    if body:
        script = folder / "plugin"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        version = "client.authentication.k8s.io/v1"
        user = {"exec": {"apiVersion": version, "command": str(script)}}
    document = {
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "config").write_text(yaml.safe_dump(document))


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the URL of a server that takes every connection and answers none."""
    taken = list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listening.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for each in taken:
        each.close()


def doctor(run, tmp_path, fleet):
    """Run the doctor, and return its checks by subject, with all that it wrote."""
    port = free_ports(2)
    flags = ["--port", port, "--ui-port", port + 1, "--root", tmp_path, "--json"]
    result = run("doctor", "--fleet-file", fleet, *flags)
    checks = {c["subject"]: c for c in json.loads(result.stdout)["checks"]}
    return checks, f"{result.stdout}{result.stderr}"


def test_a_plugin_that_fails_is_one_finding_of_the_doctor(run, tmp_path, fleet):
    """The credentials could not be had, and why: no list is tried, and nothing secret is shown."""
    write_config(tmp_path, "http://127.0.0.1:1", f"echo '{WORD}={SECRET} {JWT}' >&2; exit 1")
    checks, said = doctor(run, tmp_path, fleet)

    assert "FAIL" == checks["cluster"]["outcome"]
    assert "the credentials could not be obtained: the exec plugin" in checks["cluster"]["detail"]
    assert RBAC not in said
    assert SECRET not in said
    assert JWT not in said
    assert not any("/" in subject or subject == "account" for subject in checks)


def test_a_hung_api_server_is_one_finding_with_its_own_remedy(
    run, tmp_path, fleet, silent, monkeypatch
):
    """What does not answer is no want of rights."""
    reach = "mission_control.cluster.read.examination.REACH_SECONDS"
    monkeypatch.setattr(reach, 1.0)
    monkeypatch.setattr("mission_control.cluster.read.observer.ROUND_SECONDS", 1.0)
    write_config(tmp_path, silent)
    checks, said = doctor(run, tmp_path, fleet)

    assert "FAIL" == checks["cluster"]["outcome"]
    assert silent in checks["cluster"]["detail"]
    assert "overloaded" in checks["cluster"]["remedy"]
    assert RBAC not in said


def test_a_refusal_alone_is_mended_by_rights():
    """Of all reasons only that we are denied has to do with what our account may do."""
    assert {"DENIED"} == {reason for reason, remedy in REMEDIES.items() if remedy == RBAC}


def test_a_snapshot_of_a_hung_cluster_ends_and_names_every_list(
    run, tmp_path, fleet, silent, monkeypatch
):
    """All lists share one time, and each that was not had is a gap with its reason."""
    monkeypatch.setattr("mission_control.cluster.read.observer.ROUND_SECONDS", 1.0)
    monkeypatch.setattr("mission_control.config_snapshot.run.READING_SECONDS", 2.0)
    write_config(tmp_path, silent)
    result = run("config-snapshot", "--fleet-file", fleet, "--root", tmp_path)
    account = json.loads(next(tmp_path.glob("**/config_snapshots/*/run.json")).read_bytes())
    shown = next(c["gaps"] for c in account["coverage"] if c["source"] == "cluster")
    gaps = {gap["what"]: gap["reason"] for gap in shown}

    assert 0 == result.exit_code
    assert 8 * 2 <= sum(source.endswith(", for Secrets") for source in gaps)
    assert all("TIMEOUT: " in why for why in gaps.values())
    assert any("never asked" in why for why in gaps.values())  # the one time was over before


@pytest.mark.parametrize("command", ["status", "doctor", "get"])
def test_credentials_are_had_before_any_service_is_asked(run, tmp_path, command):
    """A plugin that takes its time competes with no answer of a service."""
    done = tmp_path / "done"
    write_config(tmp_path, "http://127.0.0.1:1", f"sleep 1; touch {done}; exit 1")
    before = list[bool]()

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                asked, _ = listening.accept()
                before.append(done.exists())
                asked.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        path = tmp_path / "fleet.yaml"
        path.write_text(FLEET.replace("127.0.0.1:1", f"127.0.0.1:{port}"))
        about = ["/ops/status"] if command == "get" else []
        run(command, *about, "--fleet-file", path, MISSION_CONTROL_ROOT=str(tmp_path))
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert {True} == set(before)


def test_what_a_library_logs_in_a_command_is_redacted(capsys):
    """A warning is shown without its secrets, on one line, and capped."""
    record = logging.makeLogRecord(
        {"levelno": logging.ERROR, "levelname": "ERROR",
         "msg": "exec: %s\n" + "x" * 9000, "args": (f"{WORD}={SECRET} {JWT}",)}
    )  # fmt: skip
    broken = logging.makeLogRecord({"name": "lib", "msg": "%d", "args": (SECRET,)})
    handler = RedactedTalk()
    handler.emit(record)
    handler.emit(broken)
    said = capsys.readouterr().err

    assert said.startswith("ERROR: exec: ")
    assert SECRET not in said
    assert JWT not in said
    assert 2 == len(said.splitlines())
    assert len(said) < 1000


def test_every_command_has_its_logging_redacted(run):
    """Whatever command is run, what is logged on the way goes through the same."""
    run("schedule", "--help")

    assert any(isinstance(h, RedactedTalk) for h in logging.getLogger().handlers)
