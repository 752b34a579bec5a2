"""The scripts of the playbook, as cron, an operator and a person start them."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
FLEET_FILE = str(SCRIPTS.parent / "deploy/fleets/agenttrader.yaml")


def start(command, folder, **environ):
    """Run a script with cron's PATH and these variables, without a terminal."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("script", "arguments", "code"),
    [
        ("readiness_check.sh", ["-n", "trading-floor", "--skip-preflight", "--rounds", "1"], 3),
        ("readiness_check.sh", ["--help"], 0),
        ("readiness_check.sh", ["--no-such-flag"], 2),
        ("report_v2_deploy.sh", ["--namespace", "trading-floor", "--skip-health"], 0),
        ("report_v2_deploy.sh", ["--output-dir"], 2),
        ("blueprint_generator.sh", ["--namespace", "trading-floor"], 0),
        ("blueprint_generator.sh", ["--help"], 0),
        ("blueprint_generator.sh", ["--no-such-flag"], 2),
        ("capture_config_snapshot.sh", ["-n", "trading-floor"], 0),
        ("capture_config_snapshot.sh", ["--help"], 0),
        ("capture_config_snapshot.sh", ["--no-such-flag"], 2),
        ("capture_lkg.sh", ["trading-floor"], 3),
        ("capture_lkg.sh", [], 3),
        ("capture_lkg.sh", ["--help"], 0),
        ("capture_lkg.sh", ["NOT A NAME"], 78),
        ("capture_lkg.sh", ["--nothing"], 2),
        ("replay_from_logs.py", [], 1),
        ("replay_from_logs.py", ["-o", "-", "/no/such.log"], 1),
        ("replay_from_logs.py", ["--help"], 0),
        ("replay_from_logs.py", ["--nothing"], 2),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else str(v),
)
def test_scripts_work_from_cron(tmp_path, script, arguments, code):
    """By its playbook name, from any folder; without a cluster no capture is written."""
    done = start(
        [str(SCRIPTS / script), *arguments],
        "/",
        HOME=str(tmp_path),
        MISSION_CONTROL_FLEET_FILE=FLEET_FILE,
        MISSION_CONTROL_ROOT=str(tmp_path),
        MISSION_CONTROL_DEADLINE_SECONDS="0.5",
    )

    assert code == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "ops").exists()
    assert os.access(SCRIPTS / script, os.X_OK)


@pytest.mark.parametrize("name", ["readiness_check.sh", "report_v2_deploy.sh"])
def test_scripts_are_found_by_their_bare_name_and_through_a_link(tmp_path, name):
    """A person types `bash readiness_check.sh` beside it; an operator links it into ~/bin."""
    link = tmp_path / "gate"
    link.symlink_to(SCRIPTS / name)
    for command, folder in ((["bash", name], SCRIPTS), ([str(link)], tmp_path)):
        done = start([*command, "--help"], folder, HOME=str(tmp_path))
        assert (0, "") == (done.returncode, done.stderr)


def test_a_script_never_guesses_its_fleet(tmp_path):
    """Where no fleet is named the script judges none, says what to set, and ends with 78."""
    done = start([str(SCRIPTS / "readiness_check.sh")], tmp_path, HOME=str(tmp_path))

    assert 78 == done.returncode
    assert "MISSION_CONTROL_FLEET_FILE" in done.stderr
    assert [] == list(tmp_path.iterdir())
