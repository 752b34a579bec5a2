"""Integration: a store that fails is on the posture within an interval, and leaves it again."""

import asyncio
import time
from dataclasses import replace

import pytest

from mission_control.cluster.model.facts import CapturedWorkloads
from mission_control.floor import watch as watch_floor
from mission_control.floor.board import FloorBoard
from mission_control.floor.model import Verdict
from mission_control.floor.observe import first_snapshot
from mission_control.floor.watch import FloorWatch
from mission_control.model.finding import Severity
from mission_control.probe.transport import open_transports
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.root_check import StoreCheck
from tests.integration.test_watch import PATIENCE, is_ok

pytestmark = pytest.mark.anyio
CODE = "ARTIFACT_STORE_FAILING"


def store_reasons(snapshot):
    """Give what the posture says of the store."""
    return [r for r in snapshot.posture.reasons if r.code == CODE]


async def becomes(board, condition):
    """Wait until the newest snapshot is as described; gives it."""
    async with asyncio.timeout(PATIENCE):
        while not condition(board.current()):  # noqa: ASYNC110  (a board has no such event)
            await asyncio.sleep(0.05)
    return board.current()


async def test_a_failing_store_is_a_reason_and_halts_nothing(watched, tmp_path, monkeypatch):
    """
    The disk goes and comes back: the posture says so each time, and the floor stays OK (R9.6).
    """
    monkeypatch.setattr(watch_floor, "STORE_SECONDS", 0.2)
    floor, root = watched("calm"), tmp_path / "root"
    async with open_transports() as transports:
        check = StoreCheck(ArtifactStore(root), floor.clock)
        sources = replace(floor.sources(transports), store=check)
        board = FloorBoard(first_snapshot(floor.fleet, sources, ""), floor.clock, time.monotonic)
        watch = asyncio.create_task(FloorWatch(floor.fleet, sources, board).run())
        try:
            await becomes(board, lambda s: is_ok(s) and root.is_dir())
            assert [] == store_reasons(board.current())
            (root / "audit_artifacts").rename(root / "gone")
            (root / "audit_artifacts").write_bytes(b"a file where the records were")
            failing = await becomes(board, store_reasons)
            (root / "audit_artifacts").unlink()
            (root / "gone").rename(root / "audit_artifacts")
            mended = await becomes(board, lambda s: not store_reasons(s))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    (reason,) = store_reasons(failing)
    assert (Severity.P1, False) == (reason.severity, reason.halts)
    assert str(root) in reason.detail
    assert {Verdict.OK} == {failing.posture.verdict, mended.posture.verdict}


async def test_a_left_over_is_known_once_it_is_found_at_the_last_known_good(watched, monkeypatch):
    """The record is read again and again; a reading of it that breaks takes nothing back."""
    monkeypatch.setattr(watch_floor, "CAPTURED_SECONDS", 0.1)
    floor, told, found = watched("left-over"), list[int](), asyncio.Event()
    key = ("trading-floor", "Pod", "old-recovery")

    async def captured(_cluster):
        if told:
            told.append(1)
            raise ValueError("a bug of ours")
        if found.is_set():
            told.append(1)
        return CapturedWorkloads(frozenset({key} if told else ()), "ops/lkg/1")

    async with open_transports() as transports:
        sources = replace(floor.sources(transports), captured=captured)
        board = FloorBoard(first_snapshot(floor.fleet, sources, ""), floor.clock, time.monotonic)
        watch = asyncio.create_task(FloorWatch(floor.fleet, sources, board).run())
        try:
            shown = await becomes(board, leftovers)
            found.set()
            known = await becomes(board, lambda s: len(told) > 2 and not leftovers(s))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    assert ["trading-floor/Pod/old-recovery"] == leftovers(shown)
    assert [] == leftovers(known)


def leftovers(snapshot):
    """Return what runs and is not known."""
    return [r.subject for r in snapshot.posture.reasons if r.code == "LEFTOVER_WORKLOAD"]
