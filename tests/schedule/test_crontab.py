"""The playbook's day from cron: literal times that agree with the plan of a usual session."""

import re
import shutil
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from mission_control.cli.main import COMMANDS
from mission_control.cli.schedule import is_clock
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import instant_of
from mission_control.schedule.decide import plan_session
from mission_control.schedule.model import Job
from mission_control.schedule.present.crontab import ENTRIES, crontab_text, local_times

PROJECT = Path(__file__).parents[2]
NEW_YORK = ZoneInfo("America/New_York")
ON = date(2026, 11, 18)
PLAN = plan_session(ON, MarketCalendar().session_at(instant_of(ON, time(12))), frozenset(Job))
OBJECTS = list(
    yaml.safe_load_all((PROJECT / "deploy/kubernetes/cronjobs/cronjobs.yaml").read_text())
)
CRON_JOBS = [each for each in OBJECTS if each["kind"] == "CronJob"]
MUTATING = ("apply", "patch", "delete", "scale", "rollout", "replace", "edit", "label", "annotate")
"""Verbs that the fleet's own validator forbids in its CronJobs."""


def runs():
    """Give each job's planned run of a usual day."""
    return {r.job: r for r in PLAN.runs}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.job.value)
def test_each_line_stands_at_its_runs_time(entry):
    """Cron starts a script at the very minute for which a usual day plans its run."""
    at = runs()[entry.job].planned_at.astimezone(NEW_YORK)

    assert (entry.hour, entry.minute) == (at.hour, at.minute)


def test_the_crontab_names_days_and_zone():
    """No weekday is a number, and the clock is New York's (R8.6)."""
    given = {"MISSION_CONTROL_ROOT": "/srv/mc"}
    text = crontab_text("floor-two", lambda name: f"/opt/mc/scripts/{name}", given)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert ["CRON_TZ=America/New_York", "MISSION_CONTROL_ROOT=/srv/mc"] == lines[:2]
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


def test_what_holds_a_secret_is_named_and_not_written():
    """A variable that was withheld is asked for by its name."""
    text = crontab_text("n", str, {}, withheld=("MISSION_CONTROL_DATABASE_URL",))

    assert "# MISSION_CONTROL_DATABASE_URL=...   (needed, and not written here" in text


@pytest.mark.parametrize(
    ("value", "written"),
    [("/a b", "/a b"), (" /a ", '" /a "'), ("'x'", "\"'x'\""), ('"x"', "'\"x\"'")],
)
def test_a_value_reaches_the_command_as_it_is(value, written):
    """Cron strips blanks at the ends and quotes around a value: such ones are quoted."""
    assert f"MISSION_CONTROL_ROOT={written}" in crontab_text(
        "n", str, {"MISSION_CONTROL_ROOT": value}
    )


PRE_MARKET = next(e for e in ENTRIES if e.job is Job.PRE_MARKET)


@pytest.mark.parametrize(
    ("zone", "times"),
    [
        pytest.param("America/New_York", [(30, 8, 0)], id="the same clock"),
        pytest.param("America/Toronto", [(30, 8, 0)], id="clocks that change alike"),
        pytest.param("UTC", [(30, 12, 0), (30, 13, 0)], id="no summer time"),
        pytest.param("Europe/Zurich", [(30, 13, 0), (30, 14, 0)], id="other dates of change"),
        pytest.param("Asia/Kolkata", [(0, 18, 0), (0, 19, 0)], id="half an hour off"),
        pytest.param(
            "Australia/Sydney", [(30, 22, 0), (30, 23, 0), (30, 0, 1)], id="both, and the next day"
        ),
        pytest.param("Pacific/Honolulu", [(30, 2, 0), (30, 3, 0)], id="earlier"),
    ],
)
def test_new_yorks_time_is_found_on_every_clock(zone, times):
    """Every time of the year at which 08:30 in New York falls on another clock is listed."""
    assert times == list(local_times(PRE_MARKET, ZoneInfo(zone), ON))


def test_each_day_of_the_year_one_line_runs_and_at_the_right_time():
    """On every weekday, in both weeks of each change too, one guarded line runs, at 08:30 there."""
    zone = ZoneInfo("Australia/Sydney")
    days = {"mon-fri": range(5), "tue-sat": range(1, 6), "sun-thu": (6, 0, 1, 2, 3)}
    text = crontab_text("n", str, {}, local=("Australia/Sydney", zone, ON))
    lines = [line.split() for line in text.splitlines() if "ops_pre_market" in line]
    for number in range(366):
        on = ON + timedelta(days=number)
        ran = []
        for minute, hour, _, _, named, *rest in lines:
            for shift in (-1, 0, 1):
                there = on + timedelta(days=shift)
                at = datetime.combine(there, time(int(hour), int(minute)), zone)
                here = at.astimezone(NEW_YORK)
                if there.weekday() in days[named] and here.date() == on:
                    assert "--if-new-york" in rest
                    ran += [here.time()] if is_clock(at, time(8, 30)) else []

        assert ([time(8, 30)] if on.weekday() < 5 else []) == ran, on


def test_a_line_that_comes_once_needs_no_guard():
    """Where the two clocks always agree the command stands alone; earlier days are named too."""
    toronto = ZoneInfo("America/Toronto")
    text = crontab_text("n", str, {}, local=("America/Toronto", toronto, ON))
    early = replace(PRE_MARKET, hour=0, minute=10)
    west = ("Pacific/Honolulu", ZoneInfo("Pacific/Honolulu"), ON)
    before = crontab_text("n", str, {}, local=west, entries=[early])

    assert "--if-new-york" not in text
    assert "CRON_TZ" not in "".join(x for x in text.splitlines() if not x.startswith("#"))
    assert "10 18 * * sun-thu" in before
    assert "10 19 * * sun-thu" in before
