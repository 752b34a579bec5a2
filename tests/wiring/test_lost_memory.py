"""Wiring: memory that is lost is on the posture at once, and at the next start."""

import asyncio
import os
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from mission_control.bootstrap.record import ACCEPTANCE_JOB
from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import Settings, load_settings
from mission_control.floor import watch as watch_floor
from mission_control.model.finding import Severity
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.marker import newest_line
from mission_control.records.model import ArtifactQuery
from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document
from tests.ports import PATIENCE_SECONDS
from tests.records.test_gone_root import delete

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(4 * PATIENCE_SECONDS)]
RAISES = "agent-mode-execute"


@dataclass
class Watched:
    """A simulated floor that a server can be started on, again and again."""

    settings: Settings
    clock: SimulatedClock
    loopback: FloorOnLoopback

    @asynccontextmanager
    async def serving(self, label="", accepted=""):
        """Serve for the time of the block; gives the board."""
        connecting = connected(
            self.settings, self.clock, label, records=True, history_is_new=accepted
        )
        async with connecting as parts:
            watch = asyncio.create_task(parts.watch.run())
            try:
                yield parts
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)


@pytest.fixture
def floor(tmp_path, monkeypatch):
    """Give a floor on which a service says that it executes."""
    monkeypatch.setattr(watch_floor, "STORE_SECONDS", 0.2)
    clock = SimulatedClock(find_scenario(RAISES).at)
    switch = tmp_path / "EXECUTION_HALTED"
    (tmp_path / "root").mkdir()
    with ExitStack() as stack:
        loopback = stack.enter_context(FloorOnLoopback(SimulatedFloor(clock, RAISES), 0, switch))
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text(fleet_document(loopback.base_urls))
        given = {"fleet_file": fleet, "root": tmp_path / "root", "kill_switch_file": switch}
        settings = load_settings({}, flags={**given, "interval_seconds": "1"})
        yield Watched(settings, clock, loopback)


async def until(parts, condition):
    """Wait until the newest snapshot is as described; gives it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(parts.board.current()):  # noqa: ASYNC110  (a board has no such event)
            await asyncio.sleep(0.05)
    return parts.board.current()


def reason(snapshot, code) -> Any:
    """Give what the posture says of a code; None where it says nothing."""
    return next((r for r in snapshot.posture.reasons if r.code == code), None)


def raised(snapshot):
    """Tell whether anything stands."""
    return bool(snapshot.latched.alarms)


async def test_a_history_that_is_deleted_while_we_serve_is_not_forgotten(floor):
    """It is said at once, at the next start too, and until a human has named the ledger's head."""
    root = floor.settings.root
    async with floor.serving() as parts:
        before = await until(parts, raised)
        delete(root)
        failing = await until(parts, lambda s: reason(s, "HISTORY_FAILING"))
    floor.loopback.stop()
    async with floor.serving() as parts:
        first = parts.board.current()
        lost = await until(parts, lambda s: reason(s, "STANDING_UNKNOWN").detail.startswith("the"))
    head = newest_line(root)
    async with floor.serving(accepted=head.hash if head else "") as parts:
        taken = await until(parts, lambda s: s.sequence > 1)
    async with floor.serving() as parts:
        after = await until(parts, lambda s: s.sequence > 1)
    recorded = await ArtifactReader(root, floor.clock).page(ArtifactQuery(job=ACCEPTANCE_JOB))

    assert raised(before)
    assert "No such file" in reason(failing, "HISTORY_FAILING").detail
    assert reason(first, "STANDING_UNKNOWN").halts
    assert (Severity.P1, True) == (
        reason(lost, "STANDING_UNKNOWN").severity,
        reason(lost, "STANDING_UNKNOWN").halts,
    )
    assert [None, None] == [reason(s, "STANDING_UNKNOWN") for s in (taken, after)]
    assert 1 == len(recorded.entries)


async def test_a_root_that_is_deleted_while_we_serve_is_said_by_both(floor):
    """Store and history say so, nothing is made in its place, and the next start is a new one."""
    root = floor.settings.root
    async with floor.serving() as parts:
        await until(parts, lambda s: raised(s) and parts.store.known_head())
        os.rename(root, root.with_name("gone"))  # noqa: PTH104
        both = await until(
            parts,
            lambda s: reason(s, "HISTORY_FAILING") and reason(s, "ARTIFACT_STORE_FAILING"),
        )
        assert raised(both)
        assert not os.path.exists(root)  # noqa: PTH110, ASYNC240
    async with floor.serving() as parts:
        begun = await until(parts, lambda s: reason(s, "RECORD_NEW"))

    assert reason(begun, "STANDING_UNKNOWN") is None


async def test_a_new_record_is_said_until_the_next_sessions_hour_before_the_open(floor):
    """
    It is P2, halts nothing, survives a restart, and ends by itself; a demo says none of it (R6.7).
    """
    floor.loopback.stop()
    async with floor.serving("DEMO") as parts:
        demo = await until(parts, lambda s: s.sequence > 2)
    async with floor.serving() as parts:
        said = await until(parts, lambda s: reason(s, "RECORD_NEW"))
        floor.clock.set(floor.clock() + timedelta(days=4))
        ended = await until(parts, lambda s: s.at > said.at + timedelta(days=3))

    assert reason(demo, "RECORD_NEW") is None
    assert (Severity.P2, False) == (
        reason(said, "RECORD_NEW").severity,
        reason(said, "RECORD_NEW").halts,
    )
    assert reason(ended, "RECORD_NEW") is None
