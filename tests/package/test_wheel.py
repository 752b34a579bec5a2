"""The wheel carries all that runs, and runs anywhere: an empty folder, no source tree."""

import json
import re
import signal
import subprocess
import zipfile
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest

from tests.cli.test_serving import PORTS_OF_A_DEMO, wait_for
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
SHIPPED = "mission_control/shipped"
NOT_SHIPPED = {
    "scripts/record_demo.py",
    "scripts/replay_from_logs.py",
    "scripts/write_sbom.py",
}
"""What makes the demo's week or the bill of materials, and another spelling of `replay`."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def tracked(*folders: str) -> set[str]:
    """Return the files that git knows below folders."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.splitlines() if (ROOT / name).is_file()}


def test_the_wheel_holds_every_file_of_ours_and_no_other(wheel):
    """
    Modules, templates, static files, migrations, the demo's week; runbooks, manifests, scripts.
    """
    shipped = tracked("runbooks", "deploy", "scripts") - NOT_SHIPPED
    expected = tracked("mission_control", "ops_ui") | {f"{SHIPPED}/{name}" for name in shipped}

    with zipfile.ZipFile(wheel) as archive:
        actual = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert expected == actual
    for one in ("runbooks/KILL_SWITCH.md", "deploy/fleets/agenttrader.yaml"):
        assert f"{SHIPPED}/{one}" in actual
    for one in ("evidence/verify.py", "alerts/rules.yaml", "history/migrations/env.py"):
        assert f"mission_control/{one}" in actual


def test_the_wheel_says_what_it_is_and_nothing_of_this_machine(wheel):
    """The metadata name the licence, both programs and the ranges; no path of the builder's."""
    with zipfile.ZipFile(wheel) as archive:
        about = {
            name.split("/", 1)[1]: archive.read(name)
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    metadata = message_from_bytes(about["METADATA"])

    assert ("mission-control", "MIT") == (metadata["Name"], metadata["License-Expression"])
    assert "licenses/LICENSE" in about
    programs = about["entry_points.txt"].decode()
    assert "mission-control = " in programs
    assert "mission-control-ui = " in programs
    assert [] == [name for name, text in about.items() if str(ROOT).encode() in text]


def test_programs_answer_from_an_empty_folder(installed):
    """Version, configuration and a round need nothing but the wheel, and leave nothing behind."""
    fleet = f"{_shipped(installed)}/deploy/fleets/agenttrader.yaml"
    version = installed.run("mission-control", "--version")
    checked = installed.run("mission-control", "config", "check", "--json", "--fleet-file", fleet)
    unset = installed.run("mission-control", "config", "check")

    assert re.fullmatch(r"mission-control \d+\.\d+\.\d+\n", version.stdout)
    assert 0 == checked.returncode, checked.stderr
    runbooks = json.loads(checked.stdout)["settings"]["runbooks"]["value"]
    assert f"{_shipped(installed)}/runbooks" == runbooks
    assert (78, True) == (unset.returncode, "MISSION_CONTROL_FLEET_FILE" in unset.stderr)
    assert [] == list(installed.empty.iterdir())


def _shipped(installed) -> Path:
    return Path(installed.run("mission-control", "config", "shipped").stdout.strip())


def test_where_shipped_files_are_is_said(installed):
    """`config shipped` names a folder of the environment, and with --json every file there."""
    folder = _shipped(installed)
    listed = json.loads(installed.run("mission-control", "config", "shipped", "--json").stdout)

    assert installed.home in folder.parents
    assert {"folder": str(folder), "files": sorted(listed["files"])} == listed
    assert set(listed["files"]) == tracked("runbooks", "deploy", "scripts") - NOT_SHIPPED


def test_shipped_scripts_find_their_program(installed):
    """A playbook's script runs from a bare PATH; so does the crontab that names it."""
    script = _shipped(installed) / "scripts/ops_pre_market.sh"
    fleet = f"{_shipped(installed)}/deploy/fleets/agenttrader.yaml"

    helped = subprocess.run(
        [script, "--help"],
        capture_output=True,
        text=True,
        cwd=installed.empty,
        env={"PATH": "/usr/bin:/bin"},
        timeout=100,
        check=False,
    )
    crontab = installed.run(
        "mission-control", "schedule", "--crontab", MISSION_CONTROL_FLEET_FILE=fleet
    )

    assert (0, True) == (helped.returncode, "pre-market" in helped.stdout), helped.stderr
    assert str(script) in crontab.stdout


def test_the_demo_runs_with_its_recorded_week_and_its_pages(installed):
    """
    The Floor page answers with its styles, a runbook opens, and last week is there.
    """
    base = free_ports(PORTS_OF_A_DEMO)
    api, pages = f"http://127.0.0.1:{base}", f"http://127.0.0.1:{base + 1}"
    flags = ["--port", base, "--ui-port", base + 1, "--floor-port", base + 2]
    with (
        installed.started("mission-control", "demo", *flags) as demo,
        httpx.Client(trust_env=False, timeout=60) as client,
    ):
        wait_for(f"{api}/livez")
        wait_for(pages, "marketdata-mcp-server")
        wait_for(f"{api}/api/v1/posture", '"posture":"OK"')
        style = client.get(f"{pages}/static/style.css")
        runbook = client.get(f"{api}/api/v1/runbooks/KILL_SWITCH")
        reports = client.get(f"{api}/api/v1/reports/deploy/latest.md")
        status = installed.run("mission-control", "--json", "status", "--url", api)
        demo.send_signal(signal.SIGTERM)
        ended = demo.wait(30)

    assert [200, 200, 200] == [a.status_code for a in (style, runbook, reports)]
    assert "Deploy" in reports.text.splitlines()[0]
    # A busy machine may bring a silence in between, which halts.
    code_of = {"OK": 0, "HALTED": 3}
    assert status.returncode == code_of[json.loads(status.stdout)["posture"]["posture"]]
    assert 0 == ended
    assert [] == list(installed.empty.iterdir())


EVERY_MODULE = """
import importlib, pkgutil, sys
for package in ("mission_control", "ops_ui"):
    for each in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if "migrations" not in each.name and not each.name.endswith("__main__"):
            importlib.import_module(each.name)
import kubernetes
kubernetes.client.Configuration
kubernetes.config.kube_config.KubeConfigLoader
kubernetes.config.incluster_config.InClusterConfigLoader
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_every_module_loads_without_what_the_lock_leaves_out(installed):
    """
    No module of ours, and nothing it uses, imports a package that is in `left_out.txt` alone.
    """
    lines = (ROOT / "requirements/left_out.txt").read_text().splitlines()
    left_out = {line.split(" ;")[0] for line in lines if not line.startswith("#")}
    names = {name.replace("-", "_") for name in left_out}

    loaded = installed.run("python", "-W", "ignore", "-c", EVERY_MODULE)

    assert 0 == loaded.returncode, loaded.stderr[-2000:]
    assert names
    assert set() == names & set(loaded.stdout.split())
    present = installed.run(
        "python", "-c", "import importlib.metadata as m\nfor d in m.distributions(): print(d.name)"
    )
    assert set() == left_out & set(present.stdout.split())
