"""Command line: `schedule`, which needs no fleet."""

from pathlib import Path

import orjson
import pytest


def test_the_next_sessions_with_the_holiday_between(run):
    """Before Thanksgiving 2026 the next sessions show the holiday and the early close."""
    done = run("schedule", "--next", "2", "--json", "--at", "2026-11-25T17:00-05:00")

    shown = orjson.loads(done.stdout)
    assert 0 == done.exit_code
    assert [("2026-11-27", True), ("2026-11-30", False)] == [
        (s["session_date"], s["early_close"]) for s in shown["sessions"]
    ]
    assert ["2026-11-26"] == [h["date"] for h in shown["holidays"]]
    boundaries = shown["sessions"][0]["phase_boundaries"]
    assert {
        "pre_market_start": "2026-11-27T05:00:00Z",
        "open": "2026-11-27T14:30:00Z",
        "close": "2026-11-27T18:00:00Z",
        "post_market_end": "2026-11-28T05:00:00Z",
    } == {name: moment["utc"] for name, moment in boundaries.items()}
    assert "2026-11-27T13:00:00-05:00" == boundaries["close"]["et"]


def test_a_session_that_is_open_is_the_first(run):
    """A session that has not closed yet is listed first."""
    done = run("schedule", "--next", "1", "--json", "--at", "2026-11-18T15:59:59-05:00")

    assert "2026-11-18" == orjson.loads(done.stdout)["sessions"][0]["session_date"]


def test_people_see_the_marks(run):
    """For people early closes, holidays and changed clocks are marked."""
    text = run("schedule", "--next", "3", "--at", "2026-11-25T17:00-05:00").stdout
    spring = run("schedule", "--next", "2", "--at", "2027-03-12T17:00-05:00").stdout

    assert "no session: Thanksgiving" in text
    assert "early close" in text
    assert "13:00 18:00Z" in text
    assert "clocks changed from EST to EDT" in spring


def test_a_published_closure_counts(run, tmp_path):
    """A published closure removes its session from the list and is among the holidays."""
    path = tmp_path / "closures.yaml"
    path.write_text(
        "closures:\n  - {date: 2026-12-01, kind: closed, source: notice, "
        "announced: 2026-11-29, entered_by: ops}\n"
    )
    done = run("schedule", "--next", "2", "--json", "--at", "2026-11-30T12:00-05:00",
        MISSION_CONTROL_CLOSURES_FILE=str(path),
    )  # fmt: skip

    shown = orjson.loads(done.stdout)
    assert ["2026-11-30", "2026-12-02"] == [s["session_date"] for s in shown["sessions"]]
    assert ["2026-12-01"] == [h["date"] for h in shown["holidays"]]


@pytest.mark.parametrize(
    "words",
    [
        ["--next", "0"],
        ["--at", "noon"],
        ["--at", "0001-01-01T00:00+14:00"],
        ["--at", "2090-01-01T00:00Z"],
    ],
)
def test_wrong_usage_is_told(run, words):
    """Wrong usage exits 2 with a sentence."""
    done = run("schedule", *words)

    assert 2 == done.exit_code
    assert done.stderr


def test_the_end_of_the_calendar_is_told(run):
    """Near the calendar's end fewer sessions are listed, and that is said."""
    done = run("schedule", "--next", "5", "--json", "--at", "2060-12-30T12:00Z")

    assert len(orjson.loads(done.stdout)["sessions"]) < 5
    assert "2060-12-31" in done.stderr


def test_an_instant_without_its_offset_is_new_yorks(run):
    """A time without a zone is the exchange's own, as everywhere."""
    shown = [
        run("schedule", "--next", "2", "--json", "--at", at).stdout
        for at in ("2026-11-18T10:00", "2026-11-18T15:00Z")
    ]

    assert shown[0] == shown[1]


def test_json_for_all_commands_counts_here_too(run):
    """With --json before the command the schedule is JSON as well."""
    done = run("--json", "schedule", "--next", "260", "--at", "2026-11-20T14:00Z")

    assert 260 == len(orjson.loads(done.stdout)["sessions"])


PROJECT = Path(__file__).parents[2]


def test_the_crontab_carries_what_is_in_force(run, fleet_file, tmp_path):
    """
    Whatever name a setting was given by, cron's runs get it by ours, as an absolute path.

    A run without the kill switch's file or the closures would judge another floor.
    """
    (tmp_path / "closures.yaml").write_text("closures: []\n")
    done = run(
        "schedule", "--crontab", "--kubeconfig", "kube/config", "--context", "floor",
        AGENTS_CONFIG_PATH=str(fleet_file),
        NAMESPACE="floor-two",
        EXECUTION_HALTED_FILE="/run/switch",
        MISSION_CONTROL_CLOSURES_FILE="closures.yaml",
        MISSION_CONTROL_DURABLE_COPY="/mnt/copy",
    )  # fmt: skip
    lines = done.stdout.splitlines()

    assert 0 == done.exit_code, done.stderr
    assert {
        f"MISSION_CONTROL_FLEET_FILE={fleet_file}",
        f"MISSION_CONTROL_ROOT={tmp_path}",
        "MISSION_CONTROL_NAMESPACE=floor-two",
        "MISSION_CONTROL_KILL_SWITCH_FILE=/run/switch",
        f"MISSION_CONTROL_CLOSURES_FILE={tmp_path}/closures.yaml",
        "MISSION_CONTROL_DURABLE_COPY=/mnt/copy",
        f"MISSION_CONTROL_KUBECONFIG={tmp_path}/kube/config",
        "MISSION_CONTROL_CONTEXT=floor",
    } <= set(lines)
    assert f"{PROJECT}/scripts/readiness_check.sh --namespace floor-two" in done.stdout
    assert "ignores CRON_TZ" in done.stderr


def test_a_secret_is_not_written_into_a_crontab(run, fleet_file):
    """A database's password is named as missing, and never printed."""
    url = "postgresql://mc:hunter2@db/history"
    variables = {"MISSION_CONTROL_FLEET_FILE": str(fleet_file)}
    done = run("schedule", "--crontab", **variables, MISSION_CONTROL_DATABASE_URL=url)
    plain = run(
        "schedule", "--crontab", **variables, MISSION_CONTROL_DATABASE_URL="postgresql://mc@db/h"
    )

    assert "hunter2" not in done.output
    assert "# MISSION_CONTROL_DATABASE_URL=..." in done.stdout
    assert "holds a secret" in done.stderr
    assert "\nMISSION_CONTROL_DATABASE_URL=postgresql://mc@db/h\n" in plain.stdout


def test_what_the_file_says_is_left_to_the_file(run, fleet_file, tmp_path):
    """A configuration file is named, and its settings are not repeated."""
    config = tmp_path / "mc.yaml"
    config.write_text(f"fleet_file: {fleet_file}\nclosures_file: closures.yaml\nroot: records\n")
    (tmp_path / "closures.yaml").write_text("closures: []\n")
    done = run("--config", "mc.yaml", "schedule", "--crontab", "--local", "UTC")

    assert 0 == done.exit_code, done.stderr
    assert f"MISSION_CONTROL_CONFIG={config}" in done.stdout
    assert "MISSION_CONTROL_CLOSURES_FILE" not in done.stdout
    assert "CRON_TZ" not in done.stdout + done.stderr


def test_local_lines_follow_the_machines_clock(run, fleet_file):
    """Without a zone's name it is the machine's own; a zone that is none is refused."""
    variables = {"MISSION_CONTROL_FLEET_FILE": str(fleet_file)}
    here = run("schedule", "--crontab", "--local", TZ="Asia/Tokyo", **variables)
    wrong = run("schedule", "--crontab", "--local=Mars/Olympus", **variables)
    alone = run("schedule", "--local")

    assert "those of Asia/Tokyo" in here.stdout
    assert "30 21 * * mon-fri" in here.stdout
    assert (2, 2) == (wrong.exit_code, alone.exit_code)
    assert "Mars/Olympus" in wrong.stderr


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-11-18T08:30:00-05:00", 0),
        ("2026-11-18T08:44:59-05:00", 0),
        ("2026-11-18T08:45:00-05:00", 5),
        ("2026-11-18T08:29:59-05:00", 5),
        ("2026-07-15T12:30:00Z", 0),
        ("2026-07-15T13:30:00Z", 5),
    ],
)
def test_the_guard_knows_new_yorks_clock(run, at, code):
    """It is that time, or a quarter of an hour later at most, in winter and in summer."""
    assert code == run("schedule", "--at", at, "--if-new-york", "08:30").exit_code


def test_a_time_that_is_none_is_refused(run):
    """The guard takes hours and minutes."""
    assert 2 == run("schedule", "--if-new-york", "8:30pm").exit_code
