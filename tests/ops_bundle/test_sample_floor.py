"""Jobs: a sample of the floor is recorded whole, with what it could not have."""

from dataclasses import replace

import orjson
import pytest

from mission_control.errors import StorageError
from mission_control.model.reading import UnseenReason
from mission_control.ops_bundle.run import sample_floor
from mission_control.records.run_origin import RunOrigin
from mission_control.records.verification import verify
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues
from tests.schedule.day_of_values import job_parts

pytestmark = pytest.mark.anyio
ORIGIN = RunOrigin("command", ("mission-control", "demo"), {"python": "3.11.7"}, "1" * 64, NOW)


async def sample(root):
    """Record a sample of a floor with one silent service; gives the entry."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    return await sample_floor(job_parts(root, floor.decide()), ORIGIN)


async def test_a_sample_holds_posture_heartbeats_and_its_own_account(tmp_path):
    """The run names every service's answers and each gap with its reason."""
    entry = await sample(tmp_path)

    run = tmp_path / entry.path
    account = orjson.loads((run / "run.json").read_bytes())
    heartbeat = orjson.loads((run / "heartbeat.json").read_bytes())
    silent = next(s for s in heartbeat["services"] if s["agent_name"] == STRATEGY.agent_name)
    assert "HALTED" == orjson.loads((run / "posture.json").read_bytes())["posture"]
    assert "TIMEOUT" == silent["readings"][0]["outcome"]
    assert [{"what": "strategy-engine /ops/status", "reason": "TIMEOUT"}] == (
        account["coverage"][0]["gaps"]
    )
    assert "2026-11-18" == account["session_date"]
    assert verify(tmp_path).intact


async def test_equal_floors_give_equal_samples(tmp_path):
    """The same floor sampled twice gives the same bytes."""
    first, second = [await sample(tmp_path / name) for name in ("one", "two")]

    assert first.files == second.files


async def test_a_store_that_fails_fails_the_job(tmp_path):
    """A sample that cannot be recorded is an error of the job, loudly."""
    (tmp_path / "root").write_bytes(b"")

    with pytest.raises(StorageError):
        await sample(tmp_path / "root")


async def test_a_sample_of_a_simulated_floor_says_so(tmp_path):
    """What was simulated is labelled in each file of the evidence, and nothing else is."""
    plain = FloorOfValues().decide()
    for name, snapshot in (("plain", plain), ("demo", replace(plain, label="DEMO"))):
        entry = await sample_floor(job_parts(tmp_path / name, snapshot), ORIGIN)
        for file in ("posture.json", "heartbeat.json", "pods.json"):
            held = orjson.loads((tmp_path / name / entry.path / file).read_bytes())

            assert (snapshot.label or None) == held.get("label")
