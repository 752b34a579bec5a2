"""Delivery as it runs: retries, dead letters, restarts, slow channels, a history that fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from mission_control.alerts.deliver.decide import delivery_reasons
from mission_control.alerts.deliver.model import Answer, Channel, ChannelKind, Reached
from mission_control.alerts.deliver.run import AT_ONCE, AlertDelivery, trial_alert, try_channels
from mission_control.alerts.model import AlertQuery, AlertState
from mission_control.errors import StorageError
from mission_control.model.finding import Severity
from tests.alertmanager import PATIENCE_SECONDS, Receiver, receiving
from tests.alerts_delivery.channels import (
    SWIFT,
    delivery,
    fired,
    moves,
    opened,
    real_now,
    to_webhook,
)
from tests.alerts_delivery.values import NOW, alert, book, resolved

FEED = alert("feed")
FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Run a receiver."""
    with receiving() as running:
        yield running


@asynccontextmanager
async def delivering(made: AlertDelivery, *books) -> AsyncIterator[AlertDelivery]:
    """Deliver these books for the time of the block."""
    for told in books:
        made.take(told)
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def becomes(true) -> None:
    """Wait until this is true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():  # noqa: ASYNC110  (what it waits for is on the other side of a socket)
            await asyncio.sleep(0.01)


def states(hook: Receiver) -> list[tuple[str, str]]:
    """Return what the webhook was told: state and subject."""
    return [(m["state"], a["subject"]) for m in hook.documents("/hook") for a in m["alerts"]]


async def attempts(store) -> list[tuple[str, bool, int]]:
    """Return the recorded attempts, the oldest first: state, whether delivered, number."""
    page = await store.deliveries(AlertQuery())
    return [(d.state.value, d.delivered, d.attempt) for d in reversed(page.deliveries)]


@pytest.mark.anyio
async def test_a_failure_is_tried_again_and_recorded(tmp_path, hook):
    """Each attempt and its answer is in history; after success there is no other."""
    hook.answer = lambda _: (503, b"wait") if len(hook.told) < 4 else (200, b"ok")
    store, told = opened(tmp_path), fired(FEED, real_now())
    await store.save(book(told), moves(book(), book(told)))
    async with delivering(delivery([to_webhook(hook.url("/hook"))], store), book(told)) as made:
        await becomes(lambda: made.acknowledged() == {"webhook": {told.fingerprint: FIRING}})
        await asyncio.sleep(2 * SWIFT.renew_seconds)

    tried = [("FIRING", False, 1), ("FIRING", False, 2), ("FIRING", False, 3)]
    assert [*tried, ("FIRING", True, 1)] == await attempts(store)
    assert 4 == len(hook.told)


@pytest.mark.anyio
async def test_a_dead_letter_is_seen_and_is_not_given_up(tmp_path, hook):
    """After eight failures it shows as dead letter; the channel mended, it is delivered (R15.3)."""
    hook.answer = lambda _: (400, b"no")
    store, told = opened(tmp_path), fired(FEED, real_now())
    async with delivering(delivery([to_webhook(hook.url("/hook"))], store), book(told)) as made:
        await becomes(lambda: made.health()[0].dead_letters == (told.fingerprint,))
        (reason,) = delivery_reasons(made.health(), real_now())
        assert "HTTP 400: no; alerts that it has not taken: 1" in reason.detail

        hook.answer = lambda _: (200, b"ok")
        await becomes(lambda: made.health()[0].waiting == ())
        assert () == tuple(delivery_reasons(made.health(), real_now()))
    assert ("FIRING", True, 1) == (await attempts(store))[-1]


@pytest.mark.anyio
async def test_one_bad_alert_holds_up_no_other(tmp_path, hook):
    """An alert that a receiver never takes, a P0, keeps no other from being told (R15.3)."""
    hook.answer = lambda t: (500, b"") if b"poison" in t.body else (200, b"ok")
    poison = fired(alert("poison", severity=Severity.P0), real_now())
    others = [fired(alert(f"service-{n:02}"), real_now()) for n in range(20)]
    made = delivery([to_webhook(hook.url("/hook"))], opened(tmp_path))
    async with delivering(made, book(poison, *others)):
        await becomes(lambda: made.health()[0].waiting == (poison.fingerprint,))
    assert ("FIRING", "poison") in states(hook)[:AT_ONCE]


@pytest.mark.anyio
async def test_an_answer_that_hangs_holds_up_no_other_alert(tmp_path, hook):
    """While a receiver hangs on one alert it is told of a worse one that comes (R15.3)."""
    hook.hangs_on = b"poison"
    poison, worse = alert("poison"), alert("worse", severity=Severity.P0)
    made = delivery([to_webhook(hook.url("/hook"))], opened(tmp_path))
    async with delivering(made, book(fired(poison, real_now()))):
        await asyncio.sleep(0.3)
        made.take(book(fired(poison, real_now()), fired(worse, real_now())))
        async with asyncio.timeout(2):
            await becomes(lambda: states(hook) == [("FIRING", "worse")])


@pytest.mark.anyio
async def test_a_slow_channel_holds_up_no_other(tmp_path, hook):
    """Each channel is told by itself (R15.3)."""
    with receiving() as slow:
        slow.hangs.set()
        other = replace(to_webhook(slow.url("/hook")).address.channel, name="slow")
        hangs = to_webhook(slow.url("/hook"))
        hangs = replace(hangs, address=replace(hangs.address, channel=other))
        made = delivery([hangs, to_webhook(hook.url("/hook"))], opened(tmp_path))
        told = fired(FEED, real_now())
        async with delivering(made, book(told)):
            await becomes(lambda: states(hook) == [("FIRING", "feed")])
            made.take(book(resolved(told, real_now())))
            await becomes(lambda: states(hook)[-1] == ("RESOLVED", "feed"))
            assert {} == made.acknowledged()["slow"]
            assert FIRING is not made.acknowledged()["slow"].get(told.fingerprint)


@pytest.mark.anyio
async def test_a_restart_tells_nothing_twice_and_forgets_nothing(tmp_path, hook):
    """What was taken is not told again; what resolved while we were away is (R15.1)."""
    store, told = opened(tmp_path), fired(FEED, real_now())
    await store.save(book(told), moves(book(), book(told)))
    async with delivering(delivery([to_webhook(hook.url("/hook"))], store), book(told)) as made:
        await becomes(lambda: made.health()[0].waiting == ())

    again = opened(tmp_path)
    known = await again.load(real_now())
    made = delivery([to_webhook(hook.url("/hook"))], again)
    async with delivering(made, known):
        await becomes(lambda: made.acknowledged()["webhook"] == {told.fingerprint: FIRING})
        await asyncio.sleep(SWIFT.renew_seconds)
        assert [("FIRING", "feed")] == states(hook)
        made.take(book(resolved(told, real_now())))
        await becomes(lambda: made.health()[0].waiting == ())
    assert [("FIRING", "feed"), ("RESOLVED", "feed")] == states(hook)


@pytest.mark.anyio
async def test_what_pages_again_is_told_again(tmp_path, hook):
    """A resolve that was taken says nothing of the next time that the alert fires."""
    store, first = opened(tmp_path), fired(FEED, real_now())
    made = delivery([to_webhook(hook.url("/hook"))], store)
    before = book()
    async with delivering(made):
        for told in (first, resolved(first, real_now()), fired(FEED, real_now())):
            after = book(told)
            await store.save(after, moves(before, after))
            made.take(after)
            await becomes(lambda: made.health()[0].waiting == ())
            before = after
    assert ["FIRING", "RESOLVED", "FIRING"] == [state for state, _ in states(hook)]
    kept = await opened(tmp_path).acknowledged()
    assert {"webhook": {first.fingerprint: FIRING}} == kept


@pytest.mark.anyio
async def test_a_resolve_of_an_earlier_time_is_not_kept(tmp_path):
    """Killed before the second page was acknowledged, its resolve is still told (R15.1)."""
    store, first = opened(tmp_path), fired(FEED, real_now())
    over, again = resolved(first, real_now()), fired(FEED, real_now())
    await store.save(book(first), moves(book(), book(first)))
    await store.save(book(over), moves(book(first), book(over)))
    await store.note([delivered(over)])
    assert {"webhook": {over.fingerprint: RESOLVED}} == await store.acknowledged()

    await store.save(book(again), moves(book(over), book(again)))

    assert {} == await store.acknowledged()


def delivered(told):
    """Return that the webhook took a state."""
    from mission_control.alerts.model import Delivery  # noqa: PLC0415

    return Delivery(NOW, "webhook", told.fingerprint, told.state, "HTTP 200", True, 1)  # noqa: FBT003


class BrokenSender:
    """Raises what it should not, then says no."""

    channel = Channel("broken", ChannelKind.WEBHOOK, "nowhere")

    @property
    def reached(self):
        """Say that nothing left."""
        return Reached(self.channel, {})

    async def send(self, message):
        """Fail as a bug does."""
        raise KeyError(message.state)

    async def aclose(self):
        """Close nothing."""


@pytest.mark.anyio
async def test_a_bug_in_one_channel_is_its_answer(tmp_path, hook):
    """It is logged, counts as failed, and the others go on."""
    told = fired(FEED, real_now())
    made = delivery([BrokenSender(), to_webhook(hook.url("/hook"))], opened(tmp_path))
    async with delivering(made, book(told)):
        await becomes(lambda: states(hook) == [("FIRING", "feed")])
        await becomes(lambda: made.health()[0].failures > 1)
    assert "internal error: KeyError" == made.health()[0].answer


class FailingStore:
    """A history that cannot be read, and is written only after a while."""

    def __init__(self):
        """Begin broken."""
        self.noted, self.broken = [], True

    async def acknowledged(self):
        """Say that it cannot be read."""
        raise StorageError("the disk is full", path="history")

    async def note(self, deliveries):
        """Take attempts, or say that it cannot."""
        if self.broken:
            raise StorageError("the disk is full", path="history")
        self.noted += deliveries


@pytest.mark.anyio
async def test_pages_go_out_although_history_fails(hook):
    """They wait for no disk; what was delivered is recorded when it can be."""
    store, told = FailingStore(), fired(FEED, real_now())
    made = delivery([to_webhook(hook.url("/hook"))], store)  # type: ignore[arg-type]
    async with delivering(made, book(told)):
        await becomes(lambda: states(hook) == [("FIRING", "feed")])
        store.broken = False
        made.take(book(resolved(told, real_now())))
        await becomes(lambda: len(store.noted) == 2)
    assert [FIRING, RESOLVED] == [d.state for d in store.noted]


@pytest.mark.anyio
async def test_a_test_page_tries_every_channel(hook):
    """It is labelled TEST in every field that people and rules look at, and each answer is told."""
    told = trial_alert("trading-floor", "a", Severity.INFO, NOW)
    answers = await try_channels(
        [to_webhook(hook.url("/hook")), to_webhook("http://127.0.0.1:1")], told
    )
    (sent,) = hook.documents("/hook")

    assert [True, False] == [answer.delivered for _, answer in answers]
    assert isinstance(answers[0][1], Answer)
    assert ("TEST", "TEST", "INFO") == (
        sent["alerts"][0]["code"],
        sent["alerts"][0]["rule"],
        sent["severity"],
    )
    assert sent["alerts"][0]["summary"].startswith("TEST: nothing is wrong")
