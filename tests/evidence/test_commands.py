"""`evidence export` and `evidence verify`, as an auditor and a cron run call them."""

import hashlib
import json
import os

import pytest
from click.testing import CliRunner

from mission_control.cli.main import cli
from tests.evidence.incident import SINCE, UNTIL
from tests.evidence.test_seal import PRIVATE, PUBLIC

FLEET = """\
agents:
  - agent_name: marketdata-mcp-server
    service_dns: http://127.0.0.1:1
    kind: marketdata
    criticality: critical
"""
PERIOD = ("--from", SINCE.isoformat(), "--to", UNTIL.isoformat())


@pytest.fixture
def run(recorded, tmp_path, monkeypatch):
    """Return what runs a command on the root of the incident, in an empty folder."""
    for name in list(os.environ):
        if name.startswith("MISSION_CONTROL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "key.pem").write_bytes(PRIVATE)
    (tmp_path / "key.pub").write_bytes(PUBLIC)
    settings = {
        "MISSION_CONTROL_ROOT": str(recorded[0]),
        "MISSION_CONTROL_FLEET_FILE": "fleet.yaml",
    }

    def running(*arguments, **environ):
        return CliRunner(env=settings | environ).invoke(cli, ["evidence", *map(str, arguments)])

    return running


def test_a_bundle_is_exported_signed_and_verified(run, tmp_path):
    """R12.29: One ZIP with what lies beside it; its digest is printed, and what is missing said."""
    made = run(
        "export", *PERIOD, "-o", "b.zip", "--sign-key", "key.pem", "--timestamp-request", "--json"
    )
    told = json.loads(made.stdout)
    verified = run("verify", "b.zip", "--key", "key.pub")

    assert (0, 0) == (made.exit_code, verified.exit_code), made.output + verified.output
    assert hashlib.sha256((tmp_path / "b.zip").read_bytes()).hexdigest() == told["sha256"]
    assert ["b.zip.sig", "b.zip.tsq"] == told["beside"]
    assert not told["whole"]
    assert told["first"].startswith("WITH GAPS: ")
    assert "signature: valid\n" in verified.stdout
    assert verified.stdout.endswith(f"SHA-256 {told['sha256']}: intact\n")
    assert [] == [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_what_is_missing_is_said_on_stderr_and_only_the_digest_on_stdout(run):
    """R12.32: A person sees the gaps before the path."""
    made = run("export", *PERIOD)
    name = f"evidence_{SINCE:%Y%m%dT%H%M%SZ}_{UNTIL:%Y%m%dT%H%M%SZ}.zip"

    assert made.stdout.split()[1] == name
    assert made.stderr.startswith("WITH GAPS: ")
    assert "posture: 2026-11-18T14:36:58.000Z to 2026-11-18T14:38:00.000Z: nothing" in made.stderr


def test_a_bundle_goes_to_stdout(run, tmp_path):
    """R12.29: A pipe takes it as a file does."""
    made = run("export", *PERIOD, "-o", "-")
    run("export", *PERIOD, "-o", "b.zip")

    assert (tmp_path / "b.zip").read_bytes() == made.stdout_bytes


def test_a_source_that_cannot_be_read_is_exit_1_with_the_bundle(run, tmp_path):
    """R12.32: The bundle is there, and the exit code says that it lacks a source."""
    (tmp_path / "empty").mkdir()
    made = run("export", *PERIOD, "-o", "b.zip", MISSION_CONTROL_ROOT=str(tmp_path / "empty"))

    assert 1 == made.exit_code
    assert made.stderr.startswith("NOT READ: changes, posture, services, events, alerts")
    assert 0 == run("verify", "b.zip").exit_code


def test_an_altered_bundle_is_exit_4_and_named(run, tmp_path):
    """R12.35: Each thing that is not as it was exported, in text and as JSON."""
    run("export", *PERIOD, "-o", "b.zip")
    content = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(content.replace(b'"NO-GO"', b'"GO!!!"', 1))

    text, as_json = run("verify", "b.zip"), run("verify", "b.zip", "--json")

    assert (4, 4) == (text.exit_code, as_json.exit_code)
    told = json.loads(as_json.stdout)
    assert not told["intact"]
    assert [f for f in told["discrepancies"] if f["path"].endswith("/readiness_report.json")]
    assert "NOT intact" in text.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("export", "--from", "never"), "is no time such as", id="no time"),
        pytest.param(
            ("export", "--from", UNTIL.isoformat(), "--to", SINCE.isoformat()),
            "before",
            id="turned",
        ),
        pytest.param(("export", "--from", "2026-01-01"), "at most 31 days", id="too long"),
        pytest.param(("export", *PERIOD, "--incident", "x" * 501), "500", id="a long incident"),
        pytest.param(("export", *PERIOD, "--sign-key", "key.pub"), "no private key", id="no key"),
        pytest.param(
            ("export", *PERIOD, "-o", "-", "--timestamp-request"),
            "need a file",
            id="beside nothing",
        ),
        pytest.param(
            ("verify", "key.pem", "--key", "fleet.yaml"), "no public key", id="no public key"
        ),
    ],
)
def test_wrong_usage_is_exit_2(run, arguments, said):
    """R12.29: What cannot be asked for is said, and nothing is written."""
    result = run(*arguments)

    assert 2 == result.exit_code, result.output
    assert said in " ".join(result.stderr.split())


def test_nothing_is_ever_replaced(run, tmp_path):
    """R12.29: A bundle that is there stays as it is."""
    (tmp_path / "b.zip").write_bytes(b"another")
    result = run("export", *PERIOD, "-o", "b.zip")

    assert 1 == result.exit_code
    assert "it is there already, and stays" in result.stderr
    assert b"another" == (tmp_path / "b.zip").read_bytes()


def test_a_bundle_that_is_not_there_is_exit_1(run):
    """R12.35: It cannot be read, which is not the same as altered."""
    result = run("verify", "nothing.zip")

    assert 1 == result.exit_code
    assert "It cannot be read" in result.stderr
