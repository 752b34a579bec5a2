"""The same apps in process, as other tests mount them."""

import httpx
import pytest

from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor

pytestmark = pytest.mark.anyio


async def ask(floor, agent_name, path="/ops/status"):
    """Ask a service's app in process."""
    transport = httpx.ASGITransport(floor.app(agent_name))
    async with httpx.AsyncClient(transport=transport, base_url="http://floor") as client:
        return await client.get(path)


async def test_the_same_app_answers_without_a_socket(floor):
    """A service's app answers under an in-process transport, scenario and date included."""
    floor.switch("stale-tick")
    response = await ask(floor, "marketdata-mcp-server")

    assert response.json()["marketdata"]["is_fresh"] is False
    assert "Wed, 18 Nov 2026 15:15:00 GMT" == response.headers["date"]
    assert floor.app("ops-ui") is floor.app("ops-ui")


async def test_a_refused_service_cannot_be_asked_in_process_either(floor):
    """Where the port would refuse, the app raises the same error instead of answering."""
    floor.switch("critical-refused")
    with pytest.raises(ConnectionRefusedError):
        await ask(floor, "marketdata-mcp-server")


async def test_the_switchboard_works_in_process(floor):
    """The switchboard's app switches the floor without a socket."""
    transport = httpx.ASGITransport(floor.control_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://floor") as client:
        response = await client.post("/scenario?name=no-tick")

    assert (200, "no-tick") == (response.status_code, floor.scenario.name)


async def test_other_protocols_are_refused(floor):
    """The apps speak HTTP only, and raise for any other protocol."""
    for app in (floor.app("ops-ui"), floor.control_app):
        with pytest.raises(ValueError, match="HTTP only"):
            await app({"type": "websocket"}, None, None)


async def test_a_demo_that_begins_on_a_holiday_is_quiet(clock):
    """A calm floor started on a holiday has the last session's tick, whatever its name says."""
    floor = SimulatedFloor(SimulatedClock(find_scenario("holiday").at), "calm")
    response = await ask(floor, "strategy-engine")

    assert "2026-11-25T21:00:00Z" == response.json()["marketdata"]["last_tick_utc"]
