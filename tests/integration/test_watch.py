"""Integration: the watch as it runs, over real loopback sockets with a quick cadence."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from mission_control.floor.board import FloorBoard
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.floor.observe import first_snapshot
from mission_control.floor.watch import FloorWatch
from mission_control.model.event import EventType, FloorEvent
from mission_control.probe.transport import open_transports

pytestmark = pytest.mark.anyio

INTERVAL, DEADLINE = 0.3, 0.5
PATIENCE = 60.0
WINDOWS = 5


@asynccontextmanager
async def watching(floor):
    """Watch a floor with a quick cadence for the time of the block; gives the board."""
    quick = (
        replace(
            a,
            interval_seconds=INTERVAL,
            deadline_seconds=DEADLINE,
            gating_interval_seconds=None,
        )
        for a in floor.fleet.agents
    )
    fleet = replace(floor.fleet, agents=tuple(quick))
    async with open_transports() as transports:
        sources = floor.sources(transports)
        board = FloorBoard(first_snapshot(fleet, sources, ""), floor.clock, time.monotonic)
        task = asyncio.create_task(FloorWatch(fleet, sources, board).run())
        try:
            yield board
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(board, condition):
    """Wait until the published floor is as described; gives that snapshot."""
    async with asyncio.timeout(PATIENCE):
        async for item in board.follow(None):
            if isinstance(item, FloorSnapshot) and condition(item):
                return item
    pytest.fail("the board was closed")


def is_ok(snapshot):
    """Tell whether a snapshot's verdict is OK."""
    return snapshot.posture.verdict is Verdict.OK


def halted_for(code):
    """Look for a halting reason."""
    return lambda snapshot: any(r.halts and r.code == code for r in snapshot.posture.reasons)


async def test_the_floor_starts_halted_and_becomes_ok(watched):
    """Before the first answers the floor is HALTED, and with them it is OK."""
    floor = watched("calm")
    async with watching(floor) as board:
        first = board.current()
        await until(board, is_ok)

    assert Verdict.HALTED is first.posture.verdict
    assert "NOT_YET_ASKED" in {r.code for r in first.posture.reasons}


async def test_a_failure_is_seen_and_so_is_its_end(watched):
    """A service that starts to refuse halts the floor, and its return ends that."""
    floor = watched("calm")
    async with watching(floor) as board:
        await until(board, is_ok)
        await asyncio.to_thread(floor.simulated.switch, "critical-refused")
        await until(board, halted_for("CONNECTION_REFUSED"))
        await asyncio.to_thread(floor.simulated.switch, "calm")
        await until(board, is_ok)
        events = board.recent_events(100)

    changes = [e for e in reversed(events) if e.type is EventType.POSTURE_CHANGED]
    told = [e.data["after"] for e in changes if e.data["before"] != e.data["after"]]
    assert ["OK", "HALTED", "OK"] == told


async def test_an_alarm_outlives_the_silence_of_its_source(watched):
    """A service that said EXECUTE and then falls silent still halts the floor: P0."""
    floor = watched("agent-mode-execute")
    async with watching(floor) as board:
        await until(board, halted_for("EXECUTION_EVIDENCE"))
        await asyncio.to_thread(floor.loopback.stop)
        silent = await until(board, halted_for("CONNECTION_REFUSED"))

    lead = silent.posture.reasons[0]
    assert ("EXECUTION_EVIDENCE", "strategy-engine") == (lead.code, lead.subject)


async def asked_within(floor, seconds):
    """Count how often each of two healthy services is asked in so long a time."""
    paths = ("market-ingest", "GET", "/ops/status"), ("gamma-strategy", "GET", "/healthz")
    before = floor.simulated.requests
    await asyncio.sleep(seconds)
    after = floor.simulated.requests
    return [after[path] - before[path] for path in paths]


@pytest.mark.parametrize("scenario", ["critical-drip", "critical-hung", "critical-50mb"])
async def test_one_bad_service_costs_no_other_anything(watched, scenario):
    """While one service drips, hangs or floods, all others are asked as often as ever (R2.3)."""
    floor = watched(scenario)
    async with watching(floor) as board:
        await until(board, halted_for("BODY_TOO_LARGE" if "50" in scenario else "TIMEOUT"))
        # A busy machine has pauses; a stretch of time without one is enough.
        windows = []
        while len(windows) < WINDOWS and (not windows or min(windows[-1]) < 4):
            windows.append(await asked_within(floor, INTERVAL * 6))

    assert min(windows[-1]) >= 4, windows


async def test_polls_are_told_for_the_predecessors_clients(watched):
    """Each poll interval one event tells every service's outcome."""
    floor = watched("calm")
    async with watching(floor) as board:
        await until(board, is_ok)
        polls = [e for e in board.recent_events(500) if e.type is EventType.POLL]

    assert polls
    assert all(isinstance(e, FloorEvent) and "outcomes" in e.data for e in polls)


async def test_the_switch_is_heard_while_services_answer(watched):
    """A kill switch that is switched off in its file is seen within its own cadence."""
    floor = watched("calm")
    async with watching(floor) as board:
        await until(board, is_ok)
        floor.switch_file.chmod(0o644)
        floor.switch_file.write_text("0")
        seen = await until(board, halted_for("EXECUTION_EVIDENCE"))

    assert "kill-switch" == seen.posture.reasons[0].subject
