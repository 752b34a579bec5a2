"""Tests of the simulation: a calm floor, the same served on loopback, and a client for it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback


@pytest.fixture
def clock() -> SimulatedClock:
    """Return a clock that always shows the instant of `calm`."""
    return SimulatedClock(find_scenario("calm").at, monotonic=lambda: 0.0)


@pytest.fixture
def floor(clock: SimulatedClock) -> SimulatedFloor:
    """Return a calm floor."""
    return SimulatedFloor(clock, "calm")


@pytest.fixture
def switch_file(tmp_path: Path) -> Path:
    """Say where the kill switch's file is mounted."""
    return tmp_path / "kill-switch" / "EXECUTION_HALTED"


@pytest.fixture
def served(floor: SimulatedFloor, switch_file: Path) -> Iterator[FloorOnLoopback]:
    """Serve the calm floor on free loopback ports; no thread is left behind."""
    before = set(threading.enumerate())
    with FloorOnLoopback(floor, 0, switch_file) as loopback:
        yield loopback
    assert set(threading.enumerate()) <= before


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """Yield a plain client that ignores proxies and follows no redirect."""
    with httpx.Client(trust_env=False, timeout=60.0) as plain:
        yield plain
