"""`lkg`: captured, listed, compared and verified on the simulated floor."""

import asyncio
import hashlib
import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mission_control.bootstrap.connect import reading
from mission_control.configuration.settings import load_settings
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence
from mission_control.history.database import migrate, open_engine
from mission_control.history.model import DecisionRecord, MinuteRecord
from mission_control.history.writer import HistoryWriter
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.event import EventType, FloorEvent

PROJECT = Path(__file__).parents[2]
OPEN = datetime(2026, 11, 18, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 18, 21, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VIEWS = ("ops/lkg/lkg_manifest.yaml", "ops/lkg/lkg_metadata.json")


def captures(served):
    """List the recorded captures, oldest first."""
    return sorted(p.name for p in (served.folder / "ops/lkg").iterdir() if p.is_dir())


def at_open(served):
    """Observe the floor as it is a minute before the open, for history."""

    async def look():
        environ = {
            "MISSION_CONTROL_FLEET_FILE": str(served.folder / "fleet.yaml"),
            "MISSION_CONTROL_KILL_SWITCH_FILE": str(served.folder / "EXECUTION_HALTED"),
            "MISSION_CONTROL_ROOT": str(served.folder),
        }
        settings = load_settings(environ)
        async with reading(settings, served.clock) as edges:
            fleet = settings.fleet
            rounds = [await edges.sources.services.read(a, None) for a in fleet.agents]
            assert edges.sources.cluster is not None
            evidence = FloorEvidence(
                fleet,
                {r.agent_name: r for r in rounds},
                await edges.sources.switches.read(),
                cluster=await edges.sources.cluster.read(),
            )
        now = served.clock()
        snapshot = decide_floor(evidence, NOTHING_LATCHED, MarketCalendar().session_at, now)
        return evidence, snapshot

    return asyncio.run(look())


def remember(served, *, halted=False, minutes=390):
    """Keep a history of the session as a server would: its decisions, events and minutes."""
    served.clock.set(OPEN - MINUTE)
    evidence, snapshot = at_open(served)
    engine = open_engine(served.folder, None)
    migrate(engine)
    writer = HistoryWriter(engine, served.clock, time.monotonic, lambda _now: None)
    writer.start()
    writer.put(DecisionRecord("start", evidence, NOTHING_LATCHED, snapshot, (), ()))
    steps = [("MARKET_CLOSED", "OK", OPEN), ("OK", "HALTED", OPEN + 60 * MINUTE)]
    events = tuple(
        FloorEvent(n, at, EventType.POSTURE_CHANGED, f"{old} -> {new}",
                   data={"before": old, "after": new})
        for n, (old, new, at) in enumerate(steps[: 2 if halted else 1])
    )  # fmt: skip
    writer.put(DecisionRecord("change", evidence, NOTHING_LATCHED, snapshot, (), events))
    counts = {a.agent_name: (6, 6) for a in evidence.fleet.agents}
    for number in range(minutes):
        at = OPEN + number * MINUTE
        writer.put(MinuteRecord(at, counts, ((at, at + MINUTE),)))
    writer.stop(10)
    engine.dispose()


def go_through_the_day(served, **history):
    """Run what is planned before and after the open, and end an hour after the close."""
    remember(served, **history)
    for minutes, command in ((-60, "readiness"), (-15, "readiness"), (5, "deploy-report"),
                             (6, "readiness")):  # fmt: skip
        served.clock.set(OPEN + minutes * MINUTE)
        result = served.run(command, "--json")
        assert 0 == result.exit_code, result.stdout
    served.clock.set(CLOSE + 60 * MINUTE)


def test_after_a_clean_session_a_capture_is_good(floor):
    """It is recorded, replaces the latest views, and is what a deploy report is held against."""
    served = floor("calm")
    go_through_the_day(served)
    result = served.run("lkg", "capture", "--json")
    document = json.loads(result.stdout)
    views = [(served.folder / view).read_bytes() for view in VIEWS]
    report = json.loads(served.run("deploy-report", "--json").stdout)

    assert ([], "GOOD", 0) == (document["reasons"], document["status"], result.exit_code)
    assert document["content_digest"] == hashlib.sha256(views[0]).hexdigest()
    assert "GOOD" == json.loads(views[1])["status"]
    assert ("1\n", "1") == (
        document["safety_posture"]["kill_switch"]["observed"]["value"],
        document["safety_posture"]["kill_switch"]["value"],
    )
    assert (document["path"], [], []) == (
        report["lkg"]["path"],
        report["lkg"]["changes"],
        report["lkg"]["gaps"],
    )
    assert 0 == served.run("lkg", "verify", "good").exit_code


@pytest.mark.parametrize(
    ("history", "codes"),
    [
        ({"halted": True}, {"POSTURE_HALTED"}),
        ({"minutes": 380}, {"COVERAGE_LOW", "POSTURE_NOT_KNOWN"}),
        ({"minutes": 389}, {"POSTURE_NOT_KNOWN"}),
    ],
    ids=["halted for a while", "ten minutes not watched", "one minute not decided"],
)
def test_after_a_session_that_was_not_clean_it_is_a_candidate(floor, history, codes):
    """One thing alone was not as it should be; the latest views are not touched."""
    served = floor("calm")
    go_through_the_day(served, **history)
    document = json.loads(served.run("lkg", "capture", "--json").stdout)

    assert codes == {r["code"] for r in document["reasons"]}
    assert "CANDIDATE" == document["status"]
    assert not any((served.folder / view).exists() for view in VIEWS)


def test_a_history_that_cannot_be_read_is_never_good(floor):
    """Everything else is clean; how the session went is not known."""
    served = floor("calm")
    go_through_the_day(served)
    for each in served.folder.glob("history.sqlite3*"):
        each.unlink()
    (served.folder / "history.sqlite3").write_bytes(b"this is no database" * 100)
    document = json.loads(served.run("lkg", "capture", "--json").stdout)

    assert "CANDIDATE" == document["status"]
    assert {"POSTURE_NOT_KNOWN", "COVERAGE_NOT_KNOWN"} <= {r["code"] for r in document["reasons"]}


def test_a_change_in_the_session_keeps_it_a_candidate(floor):
    """Another image since the open is named by workload."""
    served = floor("calm")
    go_through_the_day(served)
    served.simulated.switch("execution-scaled-up")
    result = served.run("lkg", "capture")

    assert 0 == result.exit_code
    assert result.stdout.startswith("CANDIDATE: trading-floor")
    assert "CHANGED_SINCE_OPEN: trading-floor/Deployment/execution-engine replicas: 0" in (
        result.stdout
    )
    assert "POSTURE_HALTED" in result.stdout


@pytest.mark.parametrize("scenario", ["pods-denied", "cluster-lost"])
def test_a_lost_list_refuses_and_touches_nothing(floor, scenario):
    """Exit 3, a sentence for each, and not even a folder."""
    served = floor(scenario)
    result = served.run("lkg", "capture")

    assert 3 == result.exit_code
    assert "REFUSED: cluster trading-floor/pods was not seen: " in result.stderr
    assert "Nothing was captured, and nothing was touched." in result.stderr
    assert "" == result.stdout
    assert not (served.folder / "ops").exists()


def test_captures_are_listed_compared_and_verified(floor):
    """What was captured twice is the same, and says so."""
    served = floor("calm")
    none = served.run("lkg", "list")
    first = served.run("lkg", "capture")
    second = served.run("lkg", "capture", "--json")
    listed = served.run("lkg", "list")
    as_json = json.loads(served.run("lkg", "list", "--json").stdout)["captures"]
    diff = served.run("lkg", "diff")
    same = json.loads(served.run("lkg", "diff", "--json").stdout)
    verified = served.run("lkg", "verify")
    verified_json = json.loads(served.run("lkg", "verify", "previous", "--json").stdout)

    assert "No last known good was captured.\n" == none.stdout
    assert "UNPINNABLE Deployment/execution-engine" in first.stdout
    assert "a restore needs Secret trader-secrets" in first.stdout
    assert "not pinned: CronJob/ops-heartbeat-writer" in first.stdout
    assert 2 == len(captures(served)) == len(as_json)
    assert json.loads(second.stdout)["same_as"] == as_json[1]["path"]
    assert ["CANDIDATE"] * 2 == [line.split()[0] for line in listed.stdout.splitlines()]
    assert diff.stdout.endswith("Nothing differs.\n")
    assert [] == same["changes"]
    assert (0, True) == (verified.exit_code, ": verified\n" in verified.stdout)
    assert (True, []) == (verified_json["verified"], verified_json["problems"])


def test_what_was_altered_is_not_verified(floor):
    """Exit 4, with what is wrong; its manifest is not compared either."""
    served = floor("calm")
    served.run("lkg", "capture")
    served.run("lkg", "capture")
    path = served.folder / "ops/lkg" / captures(served)[-1] / "lkg_manifest.yaml"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"EXECUTION_HALTED": "1"',
                                               b'"EXECUTION_HALTED": "0"'))  # fmt: skip
    result = served.run("lkg", "verify")
    diff = served.run("lkg", "diff")

    assert 4 == result.exit_code
    assert "WRONG: the kill switch in the manifest is not '1'" in result.stdout
    assert "is not as it was recorded" in result.stdout
    assert 1 == diff.exit_code
    assert "is not as it was recorded" in diff.stderr


@pytest.mark.parametrize("command", [["diff"], ["verify", "nothing"], ["verify", "good"]], ids=str)
def test_a_reference_to_nothing_is_wrong_usage(floor, command):
    """There is no such capture."""
    result = floor("calm").run("lkg", *command)

    assert 2 == result.exit_code
    assert "Error: " in result.stderr


def test_a_record_that_cannot_be_written_is_told(floor):
    """A root that is a file: exit 1, and no word of success."""
    served = floor("calm")
    (served.folder / "ops").write_text("in the way")
    result = served.run("lkg", "capture")

    assert 1 == result.exit_code
    assert "NOT RECORDED" in result.stderr
    assert "Recorded" not in result.stderr


def test_the_builders_number_and_the_commit_are_told(floor, tmp_path):
    """From the environment and the fleet's repository; UNKNOWN where there is none."""
    served = floor("calm")
    repository = tmp_path / "fleet"
    repository.mkdir()
    for command in (["init", "-q"], ["-c", "user.name=x", "-c", "user.email=x@x", "commit",
                                     "-q", "--allow-empty", "-m", "x"]):  # fmt: skip
        subprocess.run(["git", "-C", repository, *command], check=True, capture_output=True)
    known = json.loads(served.run("lkg", "capture", "--json", "--repository", repository).stdout)
    unknown = json.loads(served.run("lkg", "capture", "--json").stdout)

    assert 40 == len(known["git_sha"])
    assert "UNKNOWN" == unknown["git_sha"]


def test_no_capture_makes_a_tag(floor, tmp_path):
    """No git tag, ever."""
    served = floor("calm")
    repository = tmp_path / "fleet"
    repository.mkdir()
    subprocess.run(["git", "-C", repository, "init", "-q"], check=True, capture_output=True)
    served.run("lkg", "capture", "--repository", repository)
    tags = subprocess.run(["git", "-C", repository, "tag"], check=True, capture_output=True)

    assert b"" == tags.stdout
