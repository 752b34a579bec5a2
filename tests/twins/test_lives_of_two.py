"""Two deliveries on one webhook, over their lives: each page and each end is told once."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mission_control.alerts.deliver import decide, run
from mission_control.alerts.deliver.decide import told_alerts
from mission_control.alerts.deliver.model import TwinHeard
from mission_control.alerts.deliver.run import AlertDelivery, Timing
from mission_control.alerts.model import Alert, AlertBook, AlertState
from mission_control.alerts.store import AlertStore
from mission_control.model.fleet import Agent
from mission_control.model.reading import UnseenReason
from tests.alertmanager import Receiver, receiving
from tests.alerts_delivery.channels import SWIFT, fired, opened, real_now, to_webhook
from tests.alerts_delivery.values import alert, resolved
from tests.floor.floor_of_values import FLEET, NOW, stamp, unseen
from tests.ports import PATIENCE_SECONDS
from tests.twins.values import TWIN, TwoOnAFloor, word

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(2 * PATIENCE_SECONDS)]
A_MINUTE = timedelta(seconds=decide.TAKES_OVER_SECONDS + 1)
NAMES = ("mc-a", "mc-b")


@dataclass
class HandClock:
    """The time, which a test moves on: how fast the machine is does not matter."""

    now: datetime = field(default_factory=real_now)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@dataclass
class Replica:
    """One of the two: its book, and what delivers it while it lives."""

    name: str
    store: AlertStore
    hook: Receiver
    clock: HandClock
    book: AlertBook = field(default_factory=lambda: AlertBook(NOW))
    lives: int = 0
    delivering: AlertDelivery | None = None
    running: "asyncio.Task[None] | None" = None

    @property
    def other(self) -> Agent:
        """Return the twin, as the fleet file of this one names it."""
        return replace(TWIN, agent_name=next(name for name in NAMES if name != self.name))

    def start(self) -> None:
        """Begin to deliver, as after a start: of the other one nothing was heard yet."""
        self.lives += 1
        first = decide.is_first(self.name, self.other)
        timing = Timing(self.clock, time.monotonic, random.random, SWIFT)
        senders, unheard = [to_webhook(self.hook.url("/hook"))], TwinHeard(first)
        self.delivering = AlertDelivery(senders, self.store, timing, lambda: True, twin=unheard)
        self.delivering.take(self.book)
        self.running = asyncio.create_task(self.delivering.run())

    async def kill(self) -> None:
        """End it, wherever it is."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
        self.delivering = self.running = None

    def says(self) -> dict[str, Any] | None:
        """Return what it answers the other one; None while it does not live."""
        if self.delivering is None:
            return None
        alerts = told_alerts(self.book, self.delivering.told_once())
        return word(
            NOW,
            replica=self.name,
            started_utc=stamp(NOW - timedelta(hours=9 - self.lives)),
            alerts=[each.model_dump(mode="json") for each in alerts],
            channels=["webhook"],
        )

    def hear(self, said: dict[str, Any] | None) -> None:
        """Hear the other one."""
        if self.delivering is None:
            return
        floor = TwoOnAFloor()
        floor.fleet = replace(FLEET, agents=(*FLEET.agents, self.other))
        floor.answers = {self.other.agent_name: {}}
        if said is None:
            silent: Any = {"/ops/status": unseen(UnseenReason.TIMEOUT, NOW)}
            floor.answers[self.other.agent_name] = silent
        else:
            floor.answer(self.other, "/ops/status", said)
        snapshot = replace(floor.decide(), at=self.clock())
        self.delivering.hear_twin(snapshot, self.name)

    def decides(self, *alerts: Alert) -> None:
        """Decide these alerts, where it lives."""
        self.book = AlertBook(self.clock(), alerts)
        if self.delivering is not None:
            self.delivering.take(self.book)

    def is_done_with(self, told: Alert) -> bool:
        """Return whether its channel took the end, so that the alert may be forgotten."""
        taken = self.delivering.acknowledged() if self.delivering else {}
        return taken.get("webhook", {}).get(told.fingerprint) is AlertState.RESOLVED


class Two:
    """Both, and what the webhook was told."""

    def __init__(self, folder: Path, hook: Receiver) -> None:
        """Open a history for each."""
        self.hook, self.clock, self.rounds = hook, HandClock(), 0
        self.a, self.b = (
            Replica(name, opened(folder / name), hook, self.clock) for name in self._made(folder)
        )

    @staticmethod
    def _made(folder: Path) -> tuple[str, ...]:
        for name in NAMES:
            (folder / name).mkdir()
        return NAMES

    async def ask_each_other(self) -> None:
        """Have them ask each other again and again, until cancelled."""
        while True:
            said = self.a.says(), self.b.says()
            self.a.hear(said[1])
            self.b.hear(said[0])
            self.rounds += 1
            await asyncio.sleep(0.05)

    def told(self) -> Counter[str]:
        """Count what the webhook was told, by state."""
        return Counter(message["state"] for message in self.hook.documents("/hook"))

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not so():  # noqa: ASYNC110  (two lives have no such event)
                await asyncio.sleep(0.02)

    async def settle(self) -> None:
        """Wait until they have asked each other some times more, and had time to tell."""
        until = self.rounds + 6
        await self.until(lambda: self.rounds > until)

    async def pass_a_minute(self) -> None:
        """Let more than the minute pass after which one takes over."""
        self.clock.now += A_MINUTE
        await self.settle()

    def fires(self) -> Alert:
        """Return an alert that begins to fire now."""
        return fired(alert(), self.clock())

    def is_over(self, told: Alert) -> Alert:
        """Return it after it resolved now."""
        return resolved(told, self.clock())


@pytest.fixture
async def two(tmp_path, monkeypatch) -> AsyncIterator[Two]:
    """Let both live, and take over soon."""
    monkeypatch.setattr(run, "LOOK_AGAIN_SECONDS", 0.05)
    with receiving() as hook:
        both = Two(tmp_path, hook)
        async with asking(both):
            both.a.start()
            both.b.start()
            yield both
            await both.a.kill()
            await both.b.kill()


@asynccontextmanager
async def asking(two: Two) -> AsyncIterator[None]:
    """Have them ask each other for the time of the block."""
    task = asyncio.create_task(two.ask_each_other())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_page_and_its_end_are_told_once(two):
    """One resolves before the other: the end goes out when both have, and both forget (R14.6)."""
    page = two.fires()
    two.a.decides(page)
    two.b.decides(page)
    await two.until(lambda: two.told()["FIRING"] == 1)
    await two.settle()
    two.a.decides(two.is_over(page))
    await two.pass_a_minute()
    held = two.told()
    two.b.decides(two.is_over(page))
    await two.until(lambda: two.a.is_done_with(page) and two.b.is_done_with(page))
    await two.pass_a_minute()

    assert {"FIRING": 1} == held
    assert {"FIRING": 1, "RESOLVED": 1} == two.told()


async def test_the_one_that_is_left_ends_what_the_dead_one_told(two):
    """It knows who was told, and tells it that this is over (R14.6)."""
    page = two.fires()
    two.a.decides(page)
    two.b.decides(page)
    await two.until(lambda: two.told()["FIRING"] == 1)
    await two.settle()  # b hears it
    await two.a.kill()
    await two.settle()
    await two.pass_a_minute()
    two.b.decides(two.is_over(page))
    await two.until(lambda: two.b.is_done_with(page))

    assert {"FIRING": 1, "RESOLVED": 1} == two.told()


async def test_what_was_not_told_for_a_minute_the_other_tells(two):
    """Also where the first named lives: it may not see it, or its channel may be lost (R14.6)."""
    await two.settle()
    two.b.decides(two.fires())
    await two.settle()
    waits = two.told()
    await two.pass_a_minute()
    await two.until(lambda: two.told()["FIRING"] == 1)

    assert {} == waits


async def test_the_first_named_comes_back_to_what_was_told_meanwhile(two):
    """It tells neither the page nor its end again (R14.6)."""
    page = two.fires()
    await two.a.kill()
    await two.settle()
    two.b.decides(page)
    await two.settle()
    early = two.told()
    await two.pass_a_minute()
    await two.until(lambda: two.told()["FIRING"] == 1)
    two.a.decides(page)
    two.a.start()
    await two.pass_a_minute()
    back = two.told()
    for each in (two.b, two.a):
        each.decides(two.is_over(page))
    await two.until(lambda: two.a.is_done_with(page) and two.b.is_done_with(page))
    await two.pass_a_minute()

    assert ({}, {"FIRING": 1}) == (early, back)
    assert {"FIRING": 1, "RESOLVED": 1} == two.told()


async def test_what_only_the_other_knew_is_ended_by_it(two):
    """The first named came back when it was over, and has no such alert (R14.6)."""
    page = two.fires()
    await two.a.kill()
    await two.settle()
    two.b.decides(page)
    await two.pass_a_minute()
    await two.until(lambda: two.told()["FIRING"] == 1)
    two.a.start()
    await two.settle()
    two.b.decides(two.is_over(page))
    await two.settle()
    await two.pass_a_minute()
    await two.until(lambda: two.b.is_done_with(page))

    assert {"FIRING": 1, "RESOLVED": 1} == two.told()


async def test_it_fires_again_after_all_that(two):
    """What was told of an earlier time counts no more, by either of the two (R14.6)."""
    for number in range(1, 3):
        page = two.fires()
        two.a.decides(page)
        two.b.decides(page)
        await two.until(lambda wanted=number: two.told()["FIRING"] == wanted)
        await two.settle()
        over = two.is_over(page)
        two.a.decides(over)
        two.b.decides(over)
        await two.until(lambda told=page: two.a.is_done_with(told) and two.b.is_done_with(told))
        two.a.decides()
        two.b.decides()
        await two.settle()
    await two.a.kill()
    await two.settle()
    await two.pass_a_minute()
    two.b.decides(two.fires())
    await two.until(lambda: two.told()["FIRING"] == 3)
    await two.pass_a_minute()

    assert {"FIRING": 3, "RESOLVED": 2} == two.told()
