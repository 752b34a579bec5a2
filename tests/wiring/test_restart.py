"""Wiring: what stood when a process ended stands when the next one begins."""

import asyncio
from contextlib import ExitStack

import pytest

from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import load_settings
from mission_control.history import writer
from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document
from tests.ports import PATIENCE_SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(3 * PATIENCE_SECONDS)]
RAISES = "agent-mode-execute"


async def watch_until(settings, clock, condition):
    """Serve until the floor is as described; gives the first and last snapshot."""
    async with connected(settings, clock, records=True) as parts:
        first = parts.board.current()
        watch = asyncio.create_task(parts.watch.run())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition(last := parts.board.current()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    return first, last


def all_asked(snapshot):
    """Tell whether every service that can be asked was asked."""
    return all(s.round is not None for s in snapshot.services if s.agent.service_dns)


async def test_a_restart_forgets_no_alarm_and_no_since(tmp_path):
    """A service raises an alarm, we restart, it is silent: it is latched since then (R6.6)."""
    clock = SimulatedClock(find_scenario(RAISES).at)
    floor = SimulatedFloor(clock, RAISES)
    switch = tmp_path / "EXECUTION_HALTED"
    with ExitStack() as stack:
        loopback = stack.enter_context(FloorOnLoopback(floor, 0, switch))
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text(fleet_document(loopback.base_urls))
        given = {"fleet_file": fleet, "root": tmp_path, "kill_switch_file": switch}
        settings = load_settings({}, flags={**given, "interval_seconds": "1"})
        _, before = await watch_until(
            settings, clock, lambda s: all_asked(s) and bool(s.latched.alarms)
        )
        loopback.stop()
        first, after = await watch_until(settings, clock, all_asked)

    stood = {a.key: a.since for a in before.latched.alarms}
    assert stood
    assert stood == {a.key: a.since for a in first.latched.alarms}
    assert stood == {a.key: a.since for a in after.latched.alarms}


async def test_a_history_that_cannot_be_read_at_the_start_clears_nothing(tmp_path, monkeypatch):
    """With history gone the floor is HALTED; when it is back the alarm of before stands."""
    monkeypatch.setattr(writer, "OPENING_SECONDS", 0.2)
    clock = SimulatedClock(find_scenario(RAISES).at)
    floor = SimulatedFloor(clock, RAISES)
    switch, database = tmp_path / "EXECUTION_HALTED", tmp_path / "history.sqlite3"
    with ExitStack() as stack:
        loopback = stack.enter_context(FloorOnLoopback(floor, 0, switch))
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text(fleet_document(loopback.base_urls))
        given = {"fleet_file": fleet, "root": tmp_path, "kill_switch_file": switch}
        settings = load_settings({}, flags={**given, "interval_seconds": "1"})
        _, before = await watch_until(settings, clock, lambda s: bool(s.latched.alarms))
        loopback.stop()
        database.rename(tmp_path / "aside")
        database.mkdir()
        seen = []

        def back(snapshot):
            codes = {r.code for r in snapshot.posture.reasons if r.halts}
            if "STANDING_UNKNOWN" in codes and database.is_dir():
                seen.append(snapshot)
                database.rmdir()
                (tmp_path / "aside").rename(database)
            return bool(snapshot.latched.alarms)

        _, after = await watch_until(settings, clock, back)

    assert seen
    assert {a.key for a in before.latched.alarms} <= {a.key for a in after.latched.alarms}
