"""The evening's commands, started in time, are the planned runs of their session."""

import asyncio
import json
from datetime import UTC, date, datetime
from tempfile import TemporaryDirectory

import pytest
import yaml

from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.decide import INTERNAL
from mission_control.schedule.recorded import RunAccounts

AFTER_CLOSE = {
    "lkg_capture": datetime(2026, 11, 18, 22, 0, 5, tzinfo=UTC),
    "no_execution_attestation": datetime(2026, 11, 18, 22, 15, 5, tzinfo=UTC),
    "retention_report": datetime(2026, 11, 18, 23, 0, 5, tzinfo=UTC),
    "durable_copy": datetime(2026, 11, 18, 23, 0, 5, tzinfo=UTC),
}


def accounts(folder):
    """Give every recorded run's own account, by its folder's name."""
    runs = (*folder.glob("audit_artifacts/ops_runs/*"), *folder.glob("ops/lkg/*"))
    paths = sorted(run / "run.json" for run in runs if (run / "run.json").exists())
    return {p.parent.name: json.loads(p.read_bytes()) for p in paths}


@pytest.mark.parametrize(
    ("job", "command"),
    [
        ("lkg_capture", ("lkg", "capture")),
        ("no_execution_attestation", ("attest",)),
        ("retention_report", ("artifacts", "retention")),
        ("durable_copy", ("artifacts", "copy")),
    ],
)
def test_a_command_in_time_is_the_planned_run(floor, job, command):
    """It bears its session's key; the same once more is recorded beside it."""
    served = floor("calm")
    served.clock.set(AFTER_CLOSE[job])
    with TemporaryDirectory() as mount:  # outside of the root
        served.environ["MISSION_CONTROL_DURABLE_COPY"] = mount
        first, second = served.run(*command), served.run(*command)
    planned = [a["planned"]["key"] for a in accounts(served.folder).values() if a["planned"]]
    hour = f"{AFTER_CLOSE[job]:%H%M}00Z"

    assert f"This is the planned run 2026-11-18_{job}_{hour}." in first.stderr, first.output
    assert "this one is recorded beside it" in second.stderr
    assert [f"2026-11-18_{job}_{hour}"] == planned
    assert 2 == len(accounts(served.folder))


def test_a_capture_that_is_refused_is_the_planned_runs_failure(floor):
    """Nothing of the last known good is touched, and the plan learns why."""
    served = floor("pods-denied")
    served.clock.set(AFTER_CLOSE["lkg_capture"])
    result = served.run("lkg", "capture")
    (account,) = accounts(served.folder).values()

    assert 3 == result.exit_code
    assert ("2026-11-18_lkg_capture_220000Z", 1) == (
        account["planned"]["key"],
        account["exit_code"],
    )
    assert "DENIED" in account["notes"]["detail"]
    assert not (served.folder / "ops").exists()
    reader = ArtifactReader(served.folder, served.clock)
    ((_, (recorded,)),) = asyncio.run(RunAccounts(reader).of(date(2026, 11, 18))).items()
    assert "DENIED" in recorded.detail
    assert INTERNAL == recorded.exit_code


@pytest.mark.parametrize("named", ["namespace", "context", "inventory"])
def test_a_capture_of_another_floor_is_not_the_planned_run(floor, tmp_path, named):
    """Flags that lead elsewhere are told; the day's run stays due for the configured floor."""
    served = floor("calm")
    served.clock.set(AFTER_CLOSE["lkg_capture"])
    other = tmp_path / "other.yaml"
    other.write_text((served.folder / "fleet.yaml").read_text() + "\n# another\n")
    flags = {
        "namespace": ("--namespace", "agenttrader"),
        "context": ("--context", "elsewhere"),
        "inventory": ("--fleet-file", other),
    }
    result = served.run("lkg", "capture", *flags[named])
    planned = [a["planned"] for a in accounts(served.folder).values() if a["planned"]]

    assert "This is not the configured namespace, context or inventory" in result.stderr
    assert [] == planned
    same = served.run("lkg", "capture", "--namespace", "trading-floor")
    assert "This is the planned run 2026-11-18_lkg_capture_220000Z." in same.stderr


def test_a_capture_of_another_inventory_replaces_no_latest_view(floor, tmp_path):
    """Nobody is told of a configuration that nobody can read either."""
    served = floor("calm")
    served.clock.set(AFTER_CLOSE["lkg_capture"])
    other = tmp_path / "other.yaml"
    (served.folder / "fleet.yaml").rename(other)
    result = served.run("lkg", "capture", "--fleet-file", other)

    assert 0 == result.exit_code
    assert "replaces no latest view" in result.stderr


def test_what_is_not_configured_is_not_planned(floor):
    """Without a cluster no capture is planned, so none is claimed and none fails."""
    served = floor("calm")
    served.clock.set(AFTER_CLOSE["lkg_capture"])
    fleet = served.folder / "fleet.yaml"
    document = yaml.safe_load(fleet.read_text()) | {"cluster": "none"}
    fleet.write_text(yaml.safe_dump(document))
    result = served.run("lkg", "capture")

    assert 3 == result.exit_code
    assert "No planned run is due: no lkg_capture is planned today" in result.stderr
    assert {} == accounts(served.folder)


def test_an_attestation_of_another_session_is_not_todays(floor):
    """Asked for by its date it claims no planned run."""
    served = floor("calm")
    served.clock.set(AFTER_CLOSE["no_execution_attestation"])
    result = served.run("attest", "--session", "2026-11-17")
    (account,) = accounts(served.folder).values()

    assert "No planned run is due" in result.stderr
    assert ("2026-11-17", None) == (account["session_date"], account["planned"])
