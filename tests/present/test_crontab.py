"""The playbook's day from cron: literal times that agree with the plan of a usual session."""

import re
import shutil
import subprocess
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from mission_control.cli.main import COMMANDS
from mission_control.decide.session_plan import plan_session
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.new_york import instant_of
from mission_control.model.schedule import Job
from mission_control.present.crontab import ENTRIES, crontab_text

PROJECT = Path(__file__).parents[2]
NEW_YORK = ZoneInfo("America/New_York")
ON = date(2026, 11, 18)
PLAN = plan_session(ON, MarketCalendar().session_at(instant_of(ON, time(12))), frozenset(Job))
OBJECTS = list(yaml.safe_load_all((PROJECT / "deploy/kubernetes/cronjobs.yaml").read_text()))
CRON_JOBS = [each for each in OBJECTS if each["kind"] == "CronJob"]
MUTATING = ("apply", "patch", "delete", "scale", "rollout", "replace", "edit", "label", "annotate")
"""Verbs that the fleet's own validator forbids in its CronJobs (facts, n)."""


def runs():
    """Give each job's planned run of a usual day."""
    return {r.job: r for r in PLAN.runs}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.job.value)
def test_each_line_stands_at_its_runs_time(entry):
    """Cron starts a script at the very minute for which a usual day plans its run."""
    at = runs()[entry.job].planned_at.astimezone(NEW_YORK)

    assert (entry.hour, entry.minute) == (at.hour, at.minute)


def test_the_crontab_names_days_and_zone():
    """No weekday is a number, and the clock is New York's."""
    given = {"MISSION_CONTROL_ROOT": "/srv/mc"}
    text = crontab_text("floor-two", lambda name: f"/opt/mc/scripts/{name}", given)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert ["CRON_TZ=America/New_York", "MISSION_CONTROL_ROOT=/srv/mc"] == lines[:2]
    assert "# MISSION_CONTROL_FLEET_FILE=...   (needed: say it here)" in text
    assert "30 8 * * mon-fri /opt/mc/scripts/ops_pre_market.sh --namespace floor-two" == lines[2]
    assert all(re.match(r"\d+ \d+ \* \* (mon-fri|\*) /", line) for line in lines[2:])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.job.value)
def test_each_script_is_there_and_is_a_program(entry):
    """What the crontab starts exists below `scripts`."""
    for script, *_ in entry.commands:
        if script.endswith((".sh", ".py")):
            found = shutil.which(str(PROJECT / "scripts" / script))

            assert found is not None, script


@pytest.mark.parametrize("job", CRON_JOBS, ids=lambda j: j["metadata"]["name"])
def test_each_cron_job_keeps_new_yorks_time_and_its_deadline(job):
    """Its schedule is that of a planned run, and it starts and ends by the evidence deadline."""
    spec = job["spec"]
    minute, hour, *rest = spec["schedule"].split()
    named = job["metadata"]["annotations"]["mission-control/job"]
    entry = next(e for e in ENTRIES if e.job.value == named)
    run = runs()[entry.job]
    seconds = (run.deadline - run.planned_at).total_seconds()

    assert (entry.hour, entry.minute) == (int(hour), int(minute))
    assert ["*", "*", entry.days.upper()] == rest
    assert "America/New_York" == spec["timeZone"]
    assert (seconds, seconds) == (
        spec["startingDeadlineSeconds"],
        spec["jobTemplate"]["spec"]["activeDeadlineSeconds"],
    )
    assert ("Forbid", True) == (spec["concurrencyPolicy"], spec["suspend"])


@pytest.mark.parametrize("job", CRON_JOBS, ids=lambda j: j["metadata"]["name"])
def test_each_cron_job_can_only_read(job):
    """It runs our own commands, as our own account, without privileges and without a secret."""
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    containers = [*pod.get("initContainers", ()), *pod["containers"]]
    text = yaml.safe_dump(job).casefold()

    assert {"mission-control"} == {pod["serviceAccountName"]}
    assert all(c["args"][0] in COMMANDS for c in containers)
    assert all(c["securityContext"]["readOnlyRootFilesystem"] for c in containers)
    assert [] == [verb for verb in MUTATING if re.search(rf"\b{verb}\b", text)]
    assert ":latest" not in text
    assert "secret" not in text


def test_the_volume_that_they_write_is_one_that_several_nodes_can():
    """What claims and ledger stand on is asked for by the name that the jobs mount."""
    (claim,) = (each for each in OBJECTS if each["kind"] == "PersistentVolumeClaim")
    pods = [j["spec"]["jobTemplate"]["spec"]["template"]["spec"] for j in CRON_JOBS]
    mounted = {v["persistentVolumeClaim"]["claimName"] for p in pods for v in p["volumes"][:1]}

    assert ({claim["metadata"]["name"]}, ["ReadWriteMany"]) == (
        mounted,
        claim["spec"]["accessModes"],
    )


def test_every_job_of_the_crontab_has_its_cron_job():
    """Whichever cron runs the day, it is the same day."""
    named = [j["metadata"]["annotations"]["mission-control/job"] for j in CRON_JOBS]

    assert sorted(e.job.value for e in ENTRIES) == sorted(named)
    assert set(Job) - {Job.INTRADAY_SAMPLE} == {e.job for e in ENTRIES}


def test_the_command_prints_it():
    """`schedule --crontab` finds the scripts of this very project."""
    program = PROJECT / ".venv/bin/mission-control"
    done = subprocess.run(
        [program, "schedule", "--crontab"], capture_output=True, text=True, check=True
    )

    assert f"{PROJECT}/scripts/readiness_check.sh --namespace trading-floor" in done.stdout
