"""`readiness`, `deploy-report` and `reports diff`: exit codes, records and what stdout holds."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from mission_control.errors import StorageError

PROJECT = Path(__file__).parents[2]


def recorded(folder):
    """List the runs that were recorded, oldest first."""
    runs = folder / "audit_artifacts" / "ops_runs"
    return sorted(p.name for p in runs.iterdir() if not p.name.startswith("."))


def test_a_calm_floor_is_go(floor):
    """READY exits with 0; the report is recorded and shown as the latest view (R7.2, R7.9)."""
    served = floor("calm")
    result = served.run("readiness", "--json")
    report = json.loads(result.stdout)
    latest = json.loads((served.folder / "audit_artifacts/readiness_report.json").read_bytes())

    assert (0, True, "GO") == (result.exit_code, report["ready"], report["verdict"])
    assert report == latest
    (run,) = recorded(served.folder)
    account = json.loads(
        (served.folder / "audit_artifacts/ops_runs" / run / "run.json").read_bytes()
    )
    assert ("readiness", 0, "GO") == (
        account["job"],
        account["exit_code"],
        account["notes"]["verdict"],
    )
    markdown = (served.folder / "audit_artifacts/readiness_report.md").read_text()
    assert markdown.startswith("# Readiness: READY (GO)")


@pytest.mark.parametrize(
    ("scenario", "check"),
    [
        ("agent-mode-execute", "safety.agent_mode_not_execute"),
        ("execute-in-pod-spec", "safety.agent_mode_not_execute"),
        ("kill-switch-off", "safety.kill_switch"),
        ("stale-tick", "safety.marketdata_fresh"),
        ("crash-loop", "cluster.no_crash_or_pull_backoff"),
        ("execution-scaled-up", "safety.execution_agents_disabled"),
        ("pods-denied", "cluster.health"),
        ("critical-drip", "health.ops_status"),
    ],
)
def test_each_trouble_says_no_by_its_name(floor, scenario, check):
    """
    What passed the predecessor's gate exits with 3 here, and the check that saw it is named (R7.2).
    """
    result = floor(scenario).run("readiness", "--rounds", "1", "--json")
    worse = {c["name"] for c in json.loads(result.stdout)["checks"] if c["status"] != "PASS"}

    assert 3 == result.exit_code
    assert check in worse


def test_after_hours_only_the_session_is_missing(floor):
    """On a closed floor that is well the verdict is NO-GO, and otherwise ready."""
    result = floor("closed").run("readiness", "--json")
    report = json.loads(result.stdout)

    assert (3, "SESSION_CLOSED", True) == (
        result.exit_code,
        report["code"],
        report["otherwise_ready"],
    )


def test_a_verdict_that_cannot_be_recorded_is_no_go(floor):
    """A root that is a file records nothing, so the gate says NO (R7.5)."""
    served = floor("calm")
    (served.folder / "audit_artifacts").write_text("in the way")
    result = served.run("readiness")

    assert 3 == result.exit_code
    assert "evidence.artifact_store" in result.stdout
    assert result.stdout.startswith("# Readiness: NOT READY")
    assert "NOT RECORDED, and so NO-GO" in result.stderr


@pytest.mark.parametrize(
    "where",
    ["readiness.run.judge_readiness", "bootstrap.jobs.observe_rounds"],
    ids=["in judging", "before anything was seen"],
)
def test_an_internal_error_writes_a_no_go(floor, monkeypatch, where):
    """A bug of ours exits with 1, and leaves a NO-GO in the record when it can (R7.2)."""
    served = floor("calm")
    assert 0 == served.run("readiness").exit_code

    def broken(*_evidence, **_more):
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(f"mission_control.{where}", broken)
    result = served.run("readiness")
    report = json.loads((served.folder / "audit_artifacts/readiness_report.json").read_bytes())
    (told,) = served.folder.glob("audit_artifacts/ops_runs/*_readiness*/failure.txt")

    assert isinstance(result.exception, ZeroDivisionError)
    assert told.read_text().startswith("readiness: ZeroDivisionError: a bug of ours\n\nTraceback")
    assert ("NO-GO", "INTERNAL_ERROR") == (report["verdict"], report["code"])
    assert {"UNKNOWN"} == {c["status"] for c in report["checks"]}


def test_a_verdict_that_fails_to_be_recorded_at_the_last_is_printed_as_no_go(floor, monkeypatch):
    """The store was well when it was tried; what is printed still is no GO."""
    served = floor("calm")

    async def full(*_run, **_more):
        raise StorageError("no space left", path="audit_artifacts")

    monkeypatch.setattr("mission_control.records.artifact_store.RunWriter.record", full)
    result = served.run("readiness", "--json")
    report = json.loads(result.stdout)
    store = next(c for c in report["checks"] if c["name"] == "evidence.artifact_store")

    assert (3, "NO-GO", False) == (result.exit_code, report["verdict"], report["ready"])
    assert ("FAIL", True) == (store["status"], "no space left" in store["details"])


def test_a_latest_view_that_cannot_be_written_undoes_nothing(floor, caplog):
    """The record is what counts: one answer everywhere, and the log tells of the old copy."""
    served = floor("calm")
    (served.folder / "audit_artifacts" / "readiness_report.json").mkdir(parents=True)
    result = served.run("readiness", "--json")
    (run,) = recorded(served.folder)

    assert (0, "GO") == (result.exit_code, json.loads(result.stdout)["verdict"])
    assert run.endswith("_readiness")
    assert "readiness_report.json still shows an older run" in caplog.text


@pytest.mark.parametrize(
    "arguments", [("--rounds", "2"), ("--apart", "9.9"), ("--rounds", "1", "--apart", "0")], ids=str
)
def test_fewer_rounds_do_not_stand_in_for_fifteen_minutes(floor, arguments):
    """Three rounds ten seconds apart are the least; anything less is UNKNOWN, and so NO (R7.9)."""
    result = floor("calm").run("readiness", *arguments, "--json")
    stopping = [c for c in json.loads(result.stdout)["checks"] if c["status"] != "PASS"]

    assert 3 == result.exit_code
    assert ("evidence.poll_coverage", "UNKNOWN") in {(c["name"], c["status"]) for c in stopping}


def test_what_stood_on_the_server_stands_here(floor):
    """A history that cannot be read halts: its latched alarms may not be forgotten here."""
    served = floor("calm")
    (served.folder / "history.sqlite3").write_bytes(b"this is no database")
    result = served.run("readiness", "--json")
    posture = next(c for c in json.loads(result.stdout)["checks"] if c["name"] == "safety.posture")

    assert 3 == result.exit_code
    assert "STANDING_UNKNOWN" in posture["details"]


def test_a_deploy_report_is_recorded_and_compared(floor):
    """Two reports, and what changed between them by name."""
    served = floor("calm")
    first = served.run("deploy-report", "--json")
    served.simulated.switch("execution-scaled-up")
    second = served.run("deploy-report", "--json")
    diff = served.run("reports", "diff", "--json")
    changes = {(c["subject"], c["what"]) for c in json.loads(diff.stdout)["changes"]}

    assert (0, 0, 0) == (first.exit_code, second.exit_code, diff.exit_code)
    assert None is json.loads(first.stdout)["changes"]
    assert ("trading-floor/Deployment/execution-engine", "replicas") in changes
    shown = {(c["subject"], c["what"]) for c in json.loads(second.stdout)["changes"]}
    assert changes == shown


def test_over_a_quiet_day_nothing_changed(floor):
    """A day of heartbeats and of Jobs of every minute is one counted line, and no change."""
    served = floor("calm")
    served.run("deploy-report")
    served.clock.set(served.clock() + timedelta(days=1, minutes=7))
    second = served.run("deploy-report", "--json")
    document = json.loads(second.stdout)
    diff = served.run("reports", "diff")
    markdown = (served.folder / "audit_artifacts" / "deploy_report.md").read_text()

    assert 0 == second.exit_code
    assert ([], []) == (document["changes"], document["changes_gaps"])
    assert {"heartbeats": 1, "runs of CronJobs": 2} == {
        f["what"]: f["count"] for f in document["changes_folded"]
    }
    assert "Nothing changed since 2026-11-18 10:15:0" in markdown
    assert "Nothing changed." in diff.stdout
    left_out = (
        "Left out, because it differs in any two reports: heartbeats (1), runs of CronJobs (2)."
    )
    assert left_out in diff.stdout
    assert left_out in markdown
    assert document["headline"] == "all 12 workloads ok"


def test_a_crash_leads_the_report_whatever_the_kill_switch_says(floor):
    """Headline, first row and first issue; readiness tells it in the same words."""
    served = floor("crash-loop")
    report = json.loads(served.run("deploy-report", "--json").stdout)
    markdown = (served.folder / "audit_artifacts" / "deploy_report.md").read_text().splitlines()
    checks = json.loads(served.run("readiness", "--json").stdout)["checks"]
    shown = "1 of 12 workloads down: marketdata-mcp-server crash-loops"

    assert shown == report["headline"]
    assert f"# Deploy report: {shown}" == markdown[0]
    assert "Deployment/marketdata-mcp-server" == report["top_issues"][0]["workload"]
    rows = markdown[markdown.index("|---|---|---|---|---|---|---|") :]
    assert rows[1].startswith("| marketdata-mcp-server | Deployment | down: crash-loops")
    assert f"made: {shown}" == next(c["details"] for c in checks if c["code"] == "RC-503")


def test_a_diff_of_what_is_not_recorded_says_so(floor):
    """A reference to no report is wrong usage."""
    served = floor("calm")
    served.run("deploy-report")
    result = served.run("reports", "diff", "no-such-run")

    assert 2 == result.exit_code
    assert "no recorded report is called 'no-such-run'" in result.stderr


def test_a_report_goes_where_it_is_told(floor):
    """--output-dir gets both files, and nothing is recorded."""
    served = floor("cluster-lost")
    result = served.run("deploy-report", "--skip-health", "--output-dir", served.folder / "out")

    assert 0 == result.exit_code
    assert ["deploy_report.json", "deploy_report.md"] == sorted(
        p.name for p in (served.folder / "out").iterdir()
    )
    assert result.stdout.startswith("# Deploy report: no cluster access, degraded")
    assert not (served.folder / "audit_artifacts").exists()
    asked = {agent for agent, _, _ in served.simulated.requests}
    assert set() == asked
