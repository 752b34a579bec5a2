"""Record: whether artifacts could be written is known within a deadline, whatever the disk does."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from mission_control.model.reading import Seen, Unseen
from mission_control.records import root_check
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.root_check import StoreCheck

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


async def test_a_store_that_works_is_seen(tmp_path):
    """A root that can be written to is Seen."""
    assert Seen(None, NOW) == await StoreCheck(ArtifactStore(tmp_path), lambda: NOW).check()


async def test_a_store_that_fails_is_a_reading_with_its_remedy(tmp_path):
    """A root that is a file is Unseen, and says where and what."""
    root = tmp_path / "root"
    root.write_bytes(b"")
    found = await StoreCheck(ArtifactStore(root), lambda: NOW).check()

    assert isinstance(found, Unseen)
    assert ("UNREADABLE", True) == (found.code, str(root) in found.detail)


class HungStore(ArtifactStore):
    """A store on a mount that went away."""

    def __init__(self, root):
        """Hang until let go."""
        super().__init__(root)
        self.let_go = threading.Event()
        self.tries = 0

    def check(self):
        """Hang."""
        self.tries += 1
        self.let_go.wait(30)


async def test_a_store_that_hangs_is_named_and_not_tried_again_and_again(tmp_path, monkeypatch):
    """A try that hangs is a TIMEOUT each time it is asked for, by one thread only."""
    monkeypatch.setattr(root_check, "CHECK_SECONDS", 0.05)
    store = HungStore(tmp_path)
    check = StoreCheck(store, lambda: NOW)
    codes = [getattr(await check.check(), "code", "SEEN") for _ in range(3)]
    store.let_go.set()
    monkeypatch.setattr(root_check, "CHECK_SECONDS", 5.0)
    after = await check.check()

    assert (["TIMEOUT"] * 3, 1) == (codes, store.tries)
    assert isinstance(after, Seen)


class CountingStore(ArtifactStore):
    """A store whose every try hangs until it is let go; counts how many hang side by side."""

    def __init__(self, root):
        """Hang until let go."""
        super().__init__(root)
        self.gates = [threading.Event() for _ in range(3)]
        self.lock = threading.Lock()
        self.tries = self.hanging = self.most = 0

    def check(self):
        """Hang at the gate of this try."""
        with self.lock:
            gate = self.gates[self.tries]
            self.tries += 1
            self.hanging += 1
            self.most = max(self.most, self.hanging)
        gate.wait(30)
        with self.lock:
            self.hanging -= 1


async def test_two_that_waited_for_one_try_do_not_join_the_next(tmp_path, monkeypatch):
    """
    Of two that waited for one try, the quicker begins the next before the slower is resumed.
    """
    monkeypatch.setattr(root_check, "CHECK_SECONDS", 30.0)
    store = CountingStore(tmp_path)
    check = StoreCheck(store, lambda: NOW)

    async def check_twice():
        await check.check()
        return await check.check()

    async with asyncio.TaskGroup() as tasks:
        quicker = tasks.create_task(check_twice())
        slower = tasks.create_task(check.check())
        await asyncio.sleep(0)  # both wait for the first try
        store.gates[0].set()
        await slower
        monkeypatch.setattr(root_check, "CHECK_SECONDS", 0.05)
        joined = await check.check()
        store.gates[1].set()
        store.gates[2].set()

    assert Seen(None, NOW) == quicker.result()
    assert isinstance(joined, Unseen)
    assert (2, 1) == (store.tries, store.most)
