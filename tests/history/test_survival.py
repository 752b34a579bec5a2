"""History: nothing that was acknowledged is lost to kill -9, and a steady floor stays small."""

import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import FloorEvidence
from mission_control.history.model import DecisionRecord, MinuteRecord
from mission_control.model.fleet import Fleet
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues, reading, rich, session_at
from tests.history.conftest import Keeper, keeping
from tests.history.test_history import written

pytestmark = pytest.mark.anyio
PROCESS = Path(__file__).with_name("keeper_process.py")
KILLS = 12
MEGABYTE = 1_000_000


@pytest.mark.slow
async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    """Killed at random points, every decision that was told as written is there afterwards."""
    chance, last = random.Random(7), 0
    for _ in range(KILLS):
        command = [sys.executable, str(PROCESS), str(tmp_path), str(last)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
        assert process.stdout is not None
        told = [int(process.stdout.readline())]  # it has begun
        time.sleep(chance.uniform(0, 0.15))  # noqa: ASYNC251  (nothing else runs here)
        process.kill()
        told += [int(line) for line in process.communicate()[0].split("\n")[:-1]]
        last = told[-1]
        kept = Keeper(tmp_path, None)
        newest = await kept.reader.decision_at(NOW + timedelta(days=1))
        assert newest is not None
        assert newest.at >= NOW + timedelta(seconds=last)
        for second in told[-3:]:
            found = await kept.reader.decision_at(NOW + timedelta(seconds=second))
            assert found is not None
            assert NOW + timedelta(seconds=second) == found.at
        kept.engine.dispose()


async def test_a_steady_floor_of_a_hundred_services_stays_small(tmp_path):
    """A day of a hundred services with a change every hour takes less than 25 MB."""
    floor = FloorOfValues()
    agents = [replace(STRATEGY, agent_name=f"strategy-{i:03d}") for i in range(100)]
    fleet = Fleet((*floor.fleet.agents, *agents), "3" * 64, "fleet.yaml")
    for agent in agents:
        document = rich(agent, NOW)
        floor.answers[agent.agent_name] = {"/ops/status": reading("/ops/status", document, NOW)}
    floor.fleet = fleet
    evidence = floor.evidence()
    snapshot = decide_floor(evidence, floor.latched, session_at, NOW)
    counts = {agent.agent_name: (6, 6) for agent in fleet.agents}
    with keeping(tmp_path, None) as kept:
        for hour in range(24):
            at = NOW + timedelta(hours=hour)
            kept.writer.put(
                DecisionRecord("hour", evidence, floor.latched, replace(snapshot, at=at), (), ())
            )
            for minute in range(60):
                kept.writer.put(MinuteRecord(at + timedelta(minutes=minute), counts))
        await written(kept)
    size = sum(f.stat().st_size for f in tmp_path.glob("history.sqlite3*"))

    assert isinstance(evidence, FloorEvidence)
    assert MEGABYTE / 10 < size < 25 * MEGABYTE
