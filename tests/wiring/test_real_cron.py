"""A real cron, on a machine that does not keep New York's time, runs the day of this floor."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from tests.real_parts import lacking

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240.0
FLEET = """\
agents:
  - agent_name: marketdata
    service_dns: http://127.0.0.1:1
    kind: marketdata
    criticality: critical
"""
ALONE = """\
set -e
mount -t tmpfs none /var/spool/cron
mkdir -p /var/spool/cron/crontabs
mount -t tmpfs none /etc/cron.d
mount -t tmpfs none /run
mount --bind /dev/null /etc/crontab
mount --bind /usr/share/zoneinfo/Asia/Tokyo /etc/localtime
install -m 600 "$1" /var/spool/cron/crontabs/root
exec cron -f
"""
"""Cron with a spool, a clock's zone and a process file of its own, unseen by the machine's."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_cron_judges_the_floor_that_is_in_force_here(tmp_path):
    """
    The printed lines, installed, run readiness by the very configuration of who printed them.

    The settings come from the predecessor's names, the folder and flags, none of which cron has.
    """
    if os.geteuid() or shutil.which("cron") is None or shutil.which("unshare") is None:
        lacking("a real cron needs root and Debian's packages cron and util-linux")
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "switch").write_text("1\n")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TZ": "Asia/Tokyo",
        "AGENTS_CONFIG_PATH": "fleet.yaml",
        "EXECUTION_HALTED_FILE": str(tmp_path / "switch"),
        "NAMESPACE": "floor-two",
    }
    here = [sys.executable, "-m", "mission_control"]
    python_path = {"PYTHONPATH": str(PROJECT)}

    def ask(*words: str) -> str:
        return subprocess.run(
            [*here, *words],
            cwd=tmp_path,
            env=environ | python_path,
            capture_output=True,
            check=True,
            text=True,
        ).stdout

    in_force = orjson.loads(ask("--json", "config", "check"))
    printed = ask("schedule", "--crontab", "--local")
    (tmp_path / "crontab").write_text(_now(printed))

    cron = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", ALONE, "sh", str(tmp_path / "crontab")],
        start_new_session=True,
    )
    try:
        run = _wait_for_run(tmp_path / "audit_artifacts" / "ops_runs")
    finally:
        os.killpg(cron.pid, signal.SIGTERM)
        cron.wait(timeout=PATIENCE_SECONDS)

    assert "those of Asia/Tokyo" in printed
    assert in_force["config_digest"] == run["config_digest"]
    assert in_force["fleet"]["digest"] == run["fleet_digest"]


def _now(printed: str) -> str:
    """Keep the variables and the line of T-15, to be run every minute, whatever New York's time."""
    lines = [x for x in printed.splitlines() if x and not x.startswith("#")]
    variables = [x for x in lines if x.split("=")[0].isupper() or x.startswith("MISSION")]
    (line,) = {x.partition(" && ")[2] for x in lines if "readiness_check.sh" in x and "09:15" in x}
    return "\n".join([*variables, f"* * * * * {line} --rounds 1", ""])


def _wait_for_run(runs: Path) -> dict[str, object]:
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        for found in runs.glob("*_readiness/run.json"):
            return orjson.loads(found.read_bytes())
        time.sleep(0.5)
    pytest.fail("cron never ran it")
