"""From the floor to Alertmanager: the whole server watches, decides, keeps and delivers."""

import asyncio
from contextlib import ExitStack, asynccontextmanager

import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import load_settings
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document
from tests.alertmanager import alertmanager, receiving, routing, until
from tests.ports import PATIENCE_SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(4 * PATIENCE_SECONDS)]


@asynccontextmanager
async def serving(settings):
    """Watch, decide and deliver for the time of the block."""
    async with connected(settings, real_clock, records=True) as parts:
        assert parts.alerts is not None
        tasks = [asyncio.create_task(parts.watch.run()), asyncio.create_task(parts.alerts.run())]
        try:
            yield parts.alerts.delivery
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def worst(manager) -> set[str]:
    """Return what P0 is about at Alertmanager."""
    return set(manager.subjects(severity="P0"))


async def test_execution_evidence_pages_and_a_restart_keeps_it(tmp_path):
    """A P0 of the floor is at Alertmanager in seconds, survives us, and ends with its resolve."""
    floor = SimulatedFloor(SimulatedClock(real_clock()), "agent-mode-execute")
    switch, fleet = tmp_path / "EXECUTION_HALTED", tmp_path / "fleet.yaml"
    with ExitStack() as stack:
        pager = stack.enter_context(receiving())
        manager = stack.enter_context(alertmanager(tmp_path, routing(pager)))
        loopback = stack.enter_context(FloorOnLoopback(floor, 0, switch))
        fleet.write_text(fleet_document(loopback.base_urls))
        given = {"fleet_file": fleet, "root": tmp_path, "kill_switch_file": switch}
        told = {"alertmanager_url": manager.url, "interval_seconds": "1"}
        settings = load_settings({}, flags={**given, **told})
        async with serving(settings) as delivery:
            await asyncio.to_thread(until, lambda: worst(manager))
            watchdog = await asyncio.to_thread(
                until, lambda: manager.subjects(alertname="Watchdog")
            )
            assert [""] == watchdog
            assert [] == [h for h in delivery.health() if h.failing_since]
        pages = worst(manager)

        async with serving(settings) as delivery:
            await asyncio.to_thread(until, lambda: delivery.acknowledged()["alertmanager"])
            assert pages <= worst(manager)
    statuses = {told["status"] for told in pager.documents("/pages")}
    assert "firing" in statuses
