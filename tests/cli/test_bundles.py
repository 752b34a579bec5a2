"""`pre-market`, `post-market` and their scripts: everything of that hour, in one run."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mission_control.records.verification import verify

PROJECT = Path(__file__).parents[2]
EIGHT_THIRTY = datetime(2026, 11, 18, 13, 30, 5, tzinfo=UTC)
HALF_PAST_FOUR = datetime(2026, 11, 18, 21, 30, 5, tzinfo=UTC)
THEIRS = {
    "meta.txt",
    "deploy_report.md",
    "deploy_report.json",
    "marketdata_health.json",
    "marketdata_health.status",
    "kubectl.meta",
    "k8s.workloads.txt",
    "k8s.pods.txt",
    "k8s.events.txt",
    "k8s.kill_switch_configmap.yaml",
    "logs.marketdata-mcp-server.txt",
    "logs.gamma-strategy.txt",
    "logs.whale-strategy.txt",
}
"""The predecessor's files; `k8s.top_pods.txt` is of the pre-market run alone."""
OURS = {"readiness_report.md", "readiness_report.json", "heartbeat.json", "posture.json"}
OURS |= {"pods.json", "k8s.nodes.txt"}


def bundle(served, kind):
    """Return the folder of the one bundle, and its own account."""
    (folder,) = (served.folder / "audit_artifacts/ops_runs").glob(f"*_{kind}*")
    return folder, json.loads((folder / "run.json").read_bytes())


def gaps(account):
    """Return every gap of a run's coverage by its source."""
    return {c["source"]: {g["what"]: g["reason"] for g in c["gaps"]} for c in account["coverage"]}


def test_a_pre_market_run_holds_everything_of_that_hour(floor):
    """Every file of the predecessor's and ours; what was not read is a named gap (R9.3, R12.6)."""
    served = floor("calm")
    served.clock.set(EIGHT_THIRTY)
    result = served.run("pre-market", "--json")
    folder, account = bundle(served, "pre_market")
    files = {p.name for p in folder.iterdir()}

    assert 0 == result.exit_code, result.stderr
    assert THEIRS | OURS | {"k8s.top_pods.txt", "run.json"} <= files
    assert "20261118T133005Z_pre_market" == folder.name
    assert "GO" == json.loads(result.stdout)["readiness"]
    shown = gaps(account)
    assert {"alerts": "no history is kept"} == shown["alerts"]
    assert {"posture timeline": "no history is kept"} == shown["posture timeline"]
    assert (
        "agenttrader_v2_ops_snapshot: pre_market"
        == ((folder / "meta.txt").read_text().splitlines()[0])
    )
    assert 'EXECUTION_HALTED": "1"' in (folder / "k8s.kill_switch_configmap.yaml").read_text()
    assert "marketdata_health_http_code=200\n" == (
        (folder / "marketdata_health.status").read_text()
    )
    assert verify(served.folder).intact


def test_a_run_started_in_time_is_the_planned_one(floor):
    """It says so, and bears the plan's key; a second one is recorded beside it (R8.5)."""
    served = floor("calm")
    served.clock.set(EIGHT_THIRTY)
    first = served.run("pre-market")
    second = served.run("pre-market")
    runs = sorted((served.folder / "audit_artifacts/ops_runs").glob("*_pre_market*"))
    planned = [json.loads((r / "run.json").read_bytes())["planned"] for r in runs]
    key = "2026-11-18_pre_market_readiness_133000Z"

    assert f"This is the planned run {key}." in first.stderr
    assert f"The planned run {key} is SUCCEEDED; this one is recorded beside it." in second.stderr
    assert [key, None] == [p and p["key"] for p in planned]


def test_a_run_after_the_deadline_is_no_planned_one(floor):
    """At 10:15 nothing of 08:30 is produced any more, and nothing is misfiled as it."""
    served = floor("calm")
    served.clock.set(datetime(2026, 11, 18, 15, 15, tzinfo=UTC))
    served.run("pre-market")
    _, account = bundle(served, "pre_market")

    assert None is account["planned"]
    assert ("ops_pre_market", "2026-11-18") == (account["job"], account["session_date"])


def test_a_readiness_check_in_time_is_the_planned_one(floor):
    """The script that cron starts at 09:15 brings the verdict that was planned for then."""
    served = floor("calm")
    served.clock.set(datetime(2026, 11, 18, 14, 15, 1, tzinfo=UTC))
    result = served.run("readiness")
    (run,) = (served.folder / "audit_artifacts/ops_runs").iterdir()
    account = json.loads((run / "run.json").read_bytes())

    assert 0 == result.exit_code, result.stderr
    assert "2026-11-18_pre_open_readiness_141500Z" == account["planned"]["key"]
    assert run.name.endswith("Z_pre_open_readiness")


def test_the_verification_after_the_open_is_one_run_of_both(floor):
    """With a deploy report, the readiness of 09:35 is the planned verification."""
    served = floor("calm")
    served.clock.set(datetime(2026, 11, 18, 14, 35, 1, tzinfo=UTC))
    result = served.run("readiness", "--with-deploy-report")
    folder, account = bundle(served, "open_verification")
    files = {p.name for p in folder.iterdir()}

    assert 0 == result.exit_code, result.stderr
    assert "2026-11-18_open_verification_143500Z" == account["planned"]["key"]
    assert {"deploy_report.json", "deploy_report.md", "readiness_report.json"} <= files


@pytest.mark.parametrize(
    ("at", "arguments", "words"),
    [
        (datetime(2026, 11, 18, 13, 30, 5, tzinfo=UTC), (), "the next is planned for 09:15 EST"),
        (datetime(2026, 11, 18, 14, 35, 5, tzinfo=UTC), (), "that of 09:15 EST was due by 09:30"),
        (datetime(2026, 11, 18, 14, 15, 5, tzinfo=UTC), ("--rounds", "1"), "what was asked for"),
        (datetime(2026, 11, 26, 14, 15, 5, tzinfo=UTC), (), "holiday: Thanksgiving Day"),
    ],
    ids=["another's time", "too late", "not looked at enough", "a holiday"],
)
def test_a_check_that_is_no_planned_run_says_why(floor, at, arguments, words):
    """A readiness without its bundle is not the one of 08:30, and one round is none at all."""
    served = floor("calm")
    served.clock.set(at)
    result = served.run("readiness", *arguments)
    (run,) = (served.folder / "audit_artifacts/ops_runs").iterdir()

    assert f"No planned run is due: {words}" in result.stderr
    assert None is json.loads((run / "run.json").read_bytes())["planned"]


def test_a_claim_makes_no_tree_dirty(floor, tmp_path):
    """Where the root is the fleet's repository, what we write there is not its change."""
    served = floor("calm")
    served.clock.set(datetime(2026, 11, 18, 14, 15, 1, tzinfo=UTC))
    for command in (
        ["git", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True)
    result = served.run("readiness", "--repository", tmp_path, "--json")
    checks = {c["name"]: c for c in json.loads(result.stdout)["checks"]}

    assert "This is the planned run" in result.stderr
    assert "PASS" == checks["change_control.clean_working_tree"]["status"]


def test_a_post_market_run_holds_what_a_closed_market_shows(floor):
    """Its readiness is best effort, and its exit code is that of the capture."""
    served = floor("calm")
    served.clock.set(HALF_PAST_FOUR)
    result = served.run("post-market")
    folder, account = bundle(served, "post_market")
    files = {p.name for p in folder.iterdir()}

    assert 0 == result.exit_code, result.stderr
    assert THEIRS | OURS <= files
    assert "k8s.top_pods.txt" not in files
    assert "2026-11-18_post_market_capture_213000Z" == account["planned"]["key"]
    assert "NO-GO" == account["notes"]["verdict"]
    assert "NO-GO SESSION_CLOSED" == account["notes"]["detail"]


@pytest.mark.parametrize(
    ("scenario", "source", "word"),
    [
        ("pods-denied", "cluster lists", "DENIED"),
        ("critical-drip", "floor", "TIMEOUT"),
    ],
)
def test_what_could_not_be_had_is_a_gap_and_never_an_old_copy(floor, scenario, source, word):
    """
    A bundle of a hurt floor names what is missing, and holds none of yesterday's files (R12.6).
    """
    served = floor(scenario)
    served.clock.set(EIGHT_THIRTY)
    old = served.folder / "audit_artifacts"
    old.mkdir()
    (old / "deploy_report.md").write_text("yesterday's report")
    result = served.run("pre-market")
    folder, account = bundle(served, "pre_market")

    assert 0 == result.exit_code, result.stderr
    assert any(word in reason for reason in gaps(account)[source].values())
    for name in ("k8s.pods.txt", "k8s.workloads.txt"):
        text = (folder / name).read_text() if (folder / name).exists() else ""
        assert "\nNAMESPACE" not in text or ": read 2026-11-18T" in text
    assert "yesterday" not in (folder / "deploy_report.md").read_text()


def test_after_a_restart_the_container_before_is_heard_as_well(floor):
    """Its last lines are below those of the container that runs now."""
    served = floor("crash-loop")
    served.clock.set(EIGHT_THIRTY)
    served.run("pre-market")
    folder, _ = bundle(served, "pre_market")
    logs = [p.read_text() for p in folder.glob("logs.*.txt")]

    assert any("(previous) <==" in text for text in logs)


def test_without_a_cluster_the_bundle_says_so(fleet_file, run, tmp_path):
    """What is left is recorded, and each missing part is a gap."""
    result = run("pre-market", "--fleet-file", fleet_file, "--root", tmp_path / "root",
                 MISSION_CONTROL_INTERVAL_SECONDS="1")  # fmt: skip
    (folder,) = (tmp_path / "root/audit_artifacts/ops_runs").iterdir()
    account = json.loads((folder / "run.json").read_bytes())

    assert 0 == result.exit_code, result.stderr
    assert {"cluster": "no cluster is configured"} == gaps(account)["cluster"]
    assert "marketdata_health_http_code=000\n" == (
        (folder / "marketdata_health.status").read_text()
    )


def test_a_bundle_that_cannot_be_recorded_fails_loudly(floor):
    """Exit code 1, and the path that could not be written."""
    served = floor("calm")
    served.clock.set(EIGHT_THIRTY)
    (served.folder / "audit_artifacts").write_text("in the way")
    result = served.run("pre-market")

    assert 1 == result.exit_code
    assert "NOT RECORDED" in result.stderr
    assert "audit_artifacts" in result.stderr


@pytest.mark.parametrize("kind", ["pre", "post"])
def test_the_scripts_run_from_cron(tmp_path, kind):
    """From another folder, without a terminal and with next to no PATH."""
    script = PROJECT / f"scripts/ops_{kind}_market.sh"
    environment = {"PATH": "/usr/bin:/bin", "TRADING_FLOOR_NAMESPACE": "floor-two"}
    done = subprocess.run(
        [str(script), "--help"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert f"{kind}-market" in done.stdout
    assert os.access(script, os.X_OK)


def test_the_script_takes_the_namespace_that_the_predecessor_took(fleet_file, tmp_path):
    """TRADING_FLOOR_NAMESPACE arrives in the bundle's own facts."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "TRADING_FLOOR_NAMESPACE": "Not A Namespace",
        "MISSION_CONTROL_FLEET_FILE": str(fleet_file),
        "MISSION_CONTROL_ROOT": str(tmp_path / "root"),
    }
    script = PROJECT / "scripts/ops_pre_market.sh"
    done = subprocess.run(
        [str(script)], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert 78 == done.returncode
    assert "Not A Namespace" in done.stderr
