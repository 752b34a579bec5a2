"""Wiring: the process that decides answers no reader; those that do may hang or die."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from mission_control.bootstrap.aside import BODIES, READERS
from mission_control.bootstrap.serve import Parts, connected
from mission_control.configuration.settings import load_settings
from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document
from tests.ports import PATIENCE_SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(3 * PATIENCE_SECONDS)]
BUSY = httpx.codes.SERVICE_UNAVAILABLE
PAST = "/api/v1/timeline?step=1800"


def children(module):
    """Give the numbers of our own processes that run a module."""
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    found = list[int]()
    for pid in own:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if module.encode() in words:
            found.append(int(pid))
    return found


@dataclass
class Served:
    """A Mission Control that watches a simulated floor, and a client of its API."""

    parts: Parts
    client: httpx.AsyncClient

    async def ask(self, path: str) -> httpx.Response:
        """Ask."""
        return await self.client.get(path)

    async def answered(self, path: str) -> httpx.Response:
        """Ask until it is answered, as a client that minds Retry-After does."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (answer := await self.ask(path)).status_code == BUSY:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return answer

    async def decided_after(self, sequence: int) -> None:
        """Wait until the floor was decided again, several times over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.parts.board.current().sequence < sequence + 3:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def served(tmp_path) -> AsyncIterator[Served]:
    """Serve a calm floor for the time of the test."""
    clock = SimulatedClock(find_scenario("calm").at)
    switch = tmp_path / "EXECUTION_HALTED"
    with ExitStack() as stack:
        floor = FloorOnLoopback(SimulatedFloor(clock, "calm"), 0, switch)
        loopback = stack.enter_context(floor)
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text(fleet_document(loopback.base_urls))
        given = {"fleet_file": fleet, "root": tmp_path, "kill_switch_file": switch}
        settings = load_settings({}, flags={**given, "interval_seconds": "1"})
        async with connected(settings, clock, records=True) as parts:
            watch = asyncio.create_task(parts.watch.run())
            transport = httpx.ASGITransport(parts.application)  # pyright: ignore[reportArgumentType]
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                yield Served(parts, client)
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def test_readers_are_answered_by_another_process(served):
    """Every question of a reader has its answer, with the clock and the floor of ours."""
    await served.decided_after(0)
    for path in (PAST, "/api/v1/slo", "/api/v1/artifacts", "/api/v1/readiness/latest"):
        answer = await served.answered(path)
        assert 200 == answer.status_code, path
        assert answer.json()["ts"][:13] == served.parts.sources.clock().isoformat()[:13]
    at = served.parts.board.current().at.isoformat()

    then = await served.answered(f"/api/v1/posture?at={at}")

    assert "AS OF" in then.json()["label"]
    assert "<h1>" in (await served.answered("/api/v1/runbooks/TIMEOUT.html")).text
    assert 1 == len(children(READERS)) == len(children(BODIES))


async def test_what_decides_never_draws_the_past(served, monkeypatch):
    """Reading functions that cannot run here are not missed."""
    await served.decided_after(0)

    def never(*_, **__):
        pytest.fail("the past was read in the process that decides")

    for name in (
        "mission_control.history.past_floor.PastFloor.timelines",
        "mission_control.history.past_floor.PastFloor.as_of",
        "mission_control.history.past_floor.draw_timeline",
        "mission_control.api.artifact_routes.verification_document",
        "mission_control.api.documentation_routes.render_markdown",
        "mission_control.api.report_routes.latest_report",
    ):
        monkeypatch.setattr(name, never)

    for path in (
        PAST,
        "/api/v1/slo",
        "/api/v1/artifacts",
        "/api/v1/readiness/latest",
        "/api/v1/reports/deploy",
        "/api/v1/runbooks/TIMEOUT.html",
    ):
        assert 200 == (await served.answered(path)).status_code, path


async def test_a_hung_reader_holds_up_no_decision(served):
    """While the process is stopped, /livez and the posture answer and the floor is decided."""
    await served.answered(PAST)
    (pid,) = children(READERS)
    os.kill(pid, signal.SIGSTOP)
    waiting = [asyncio.create_task(served.ask(f"/api/v1/timeline?step={n}")) for n in (60, 61)]
    before = served.parts.board.current().sequence

    await served.decided_after(before)
    alive = [(await served.ask(p)).status_code for p in ("/livez", "/healthz", "/api/v1/posture")]

    assert [200, 200, 200] == alive
    assert not any(task.done() for task in waiting)
    os.kill(pid, signal.SIGCONT)
    assert [200, 200] == [(await task).status_code for task in waiting]


async def test_a_reader_that_dies_is_an_honest_503_and_begun_again(served):
    """Those who wait are told when to come again; the posture says nothing of it."""
    await served.answered(PAST)
    (pid,) = children(READERS)
    os.kill(pid, signal.SIGSTOP)
    waiting = asyncio.create_task(served.ask("/api/v1/artifacts"))
    codes = {r.code for r in served.parts.board.current().posture.reasons}
    await served.decided_after(served.parts.board.current().sequence)
    os.kill(pid, signal.SIGKILL)

    refused = await waiting
    again = await served.answered("/api/v1/artifacts")

    assert 503 == refused.status_code
    assert "readers_not_answered" == refused.json()["code"]
    assert int(refused.headers["retry-after"]) >= 1
    assert 200 == again.status_code
    assert [pid] != children(READERS)
    assert codes == {r.code for r in served.parts.board.current().posture.reasons}


async def test_nothing_is_left_running(tmp_path):
    """When the server ends, so do the processes that answered and read."""
    agent = "{agent_name: a, kind: strategy, service_dns: http://127.0.0.1:9}"
    (tmp_path / "fleet.yaml").write_text(f"agents: [{agent}]\n")
    given = {"fleet_file": tmp_path / "fleet.yaml", "root": tmp_path}
    async with connected(load_settings({}, flags=given), records=True):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (children(READERS) and children(BODIES)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    assert [] == children(READERS) + children(BODIES)
