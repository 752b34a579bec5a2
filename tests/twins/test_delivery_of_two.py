"""Delivery beside a twin: who tells which channel when, and what one learns of the other."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mission_control.alerts.deliver.decide import (
    Known,
    decide_messages,
    forget_told,
    hear_twin,
    is_first,
    judge_channel,
    told_alerts,
    waits_for_twin,
)
from mission_control.alerts.deliver.model import Channel, ChannelHealth, ChannelKind, TwinHeard
from mission_control.alerts.deliver.run import TOLD_BY_TWIN
from mission_control.alerts.model import AlertQuery, AlertState
from mission_control.floor.model import FloorSnapshot
from mission_control.model.reading import UnseenReason
from tests.alertmanager import receiving, until
from tests.alerts_delivery.channels import delivery, moves, opened, real_now, to_webhook
from tests.alerts_delivery.values import NOW as AT
from tests.alerts_delivery.values import alert, book, resolved
from tests.floor.floor_of_values import FLEET, NOW, FloorOfValues, changed, stamp, unseen
from tests.twins.values import TWIN, TwoOnAFloor, word

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED
MANAGER = Channel("alertmanager", ChannelKind.ALERTMANAGER, "")
WEBHOOK = Channel("webhook", ChannelKind.WEBHOOK, "")
FEED = alert()
OVER = resolved(FEED)
SOON, LATER = AT + timedelta(seconds=59), AT + timedelta(seconds=60)
WELL = TwinHeard(first=False, firing=frozenset(), channels=frozenset({"webhook"}))
FIRST = replace(WELL, first=True)
FIRES = replace(WELL, firing=frozenset({FEED.fingerprint}))
UNHEARD = TwinHeard(first=False)
DEAD = TwinHeard(first=False, silent_since=AT)


@pytest.mark.parametrize(
    ("twin", "channel", "told", "now", "waits"),
    [
        pytest.param(UNHEARD, WEBHOOK, FEED, LATER, True, id="nothing before it was heard"),
        pytest.param(
            replace(UNHEARD, first=True), WEBHOOK, FEED, LATER, True, id="nor by the first named"
        ),
        pytest.param(UNHEARD, MANAGER, FEED, AT, False, id="what deduplicates is told at once"),
        pytest.param(UNHEARD, MANAGER, OVER, LATER, True, id="no resolve before it was heard"),
        pytest.param(FIRST, WEBHOOK, FEED, AT, False, id="the first named tells"),
        pytest.param(WELL, WEBHOOK, FEED, SOON, True, id="the other waits"),
        pytest.param(WELL, WEBHOOK, FEED, LATER, False, id="what was not told for 60 s it tells"),
        pytest.param(
            replace(WELL, channels=frozenset()), WEBHOOK, FEED, AT, False, id="its channel alone"
        ),
        pytest.param(DEAD, WEBHOOK, replace(FEED, paged_at=SOON), SOON, True, id="silent for 59 s"),
        pytest.param(DEAD, WEBHOOK, replace(FEED, paged_at=SOON), LATER, False, id="for 60 s"),
        pytest.param(
            replace(DEAD, channels=frozenset()),
            WEBHOOK,
            FEED,
            SOON,
            True,
            id="told by whom is open",
        ),
        pytest.param(FIRES, MANAGER, OVER, LATER, True, id="no resolve while it fires there"),
        pytest.param(
            replace(FIRES, first=True), WEBHOOK, OVER, LATER, True, id="nor by the first named"
        ),
        pytest.param(
            replace(WELL, more=True), MANAGER, OVER, LATER, True, id="nor while its list was cut"
        ),
        pytest.param(
            replace(FIRES, silent_since=AT), MANAGER, OVER, AT, False, id="a dead one holds nothing"
        ),
        pytest.param(FIRST, WEBHOOK, OVER, AT, False, id="the first named tells the end"),
        pytest.param(WELL, WEBHOOK, OVER, SOON, True, id="the other waits with the end"),
        pytest.param(WELL, WEBHOOK, OVER, LATER, False, id="what end was not told it tells"),
        pytest.param(
            WELL, WEBHOOK, replace(OVER, resolved_at=None), LATER, True, id="one that is withheld"
        ),
    ],
)
def test_who_tells_and_when(twin, channel, told, now, waits):
    """The table of who tells what (R14.6)."""
    state = told.told
    known = Known(channel, {FEED.fingerprint: FIRING} if told.resolved_at else {}, {}, twin=twin)
    due = decide_messages(replace(known, now=now), book(told), 0)

    assert waits is waits_for_twin(channel, told, state, twin, now)
    assert waits is (due == ())


def test_what_waits_for_the_twin_is_no_failure():
    """A channel that the other one serves has nothing that it did not take."""
    known = Known(WEBHOOK, {}, {}, twin=WELL, now=AT)

    assert () == judge_channel(known, ChannelHealth(WEBHOOK), book(FEED)).waiting
    assert (FEED.fingerprint,) == judge_channel(
        replace(known, twin=None), ChannelHealth(WEBHOOK), book(FEED)
    ).waiting


def heard_of(before: TwinHeard | None, snapshot: FloorSnapshot, replica: str) -> Any:
    """Return what is heard of the twin."""
    return hear_twin(before, snapshot, replica)


def listed(*alerts: object, **said: object) -> dict[str, object]:
    """Return what the twin says of its alerts."""
    return {"alerts": list(alerts), "channels": ["webhook"], **said}


def page(fingerprint: str = "a" * 16, *, firing: bool = True, told: tuple[str, ...] = ("webhook",)):
    """Return an alert as the twin lists it."""
    return {"fingerprint": fingerprint, "firing": firing, "told": list(told)}


def test_what_is_heard_of_the_twin():
    """What fires there, and what its channels took of it (R14.6)."""
    floor = TwoOnAFloor()
    floor.hear(**listed(page(), page("b" * 16, firing=False), page("c" * 16, told=())))
    heard = heard_of(None, floor.decide(), "mc-a")

    assert heard == TwinHeard(
        first=True,
        firing=frozenset({"a" * 16, "c" * 16}),
        channels=frozenset({"webhook"}),
        told={"webhook": {"a" * 16: FIRING, "b" * 16: RESOLVED}},
        started=NOW - timedelta(hours=1),
    )


def test_an_alert_that_left_its_list_is_over_there():
    """Unless it was started again, or lacked room: then what was told before stays (R14.6)."""
    floor = TwoOnAFloor()
    floor.hear(**listed(page()))
    before = heard_of(None, floor.decide(), "mc-a")
    over, again, cut = (
        heard_of(before, floor.later(2, **listed(**said)), "mc-a")
        for said in ({}, {"started_utc": stamp(NOW)}, {"more_alerts": 1})
    )

    assert [RESOLVED, FIRING, FIRING] == [h.told["webhook"]["a" * 16] for h in (over, again, cut)]
    assert (False, True) == (over.more, cut.more)


def test_a_silence_begins_when_it_is_sure():
    """Not while nothing was asked, nor at a first silence; it lasts until it is heard (R14.6)."""
    floor = TwoOnAFloor()
    floor.hear(**listed(page()))
    heard = heard_of(None, floor.decide(), "mc-c")
    sure = replace(unseen(UnseenReason.TIMEOUT, NOW), confirmed=True)
    floor.answers["mc-b"] = {"/ops/status": replace(sure, confirmed=False)}
    first = heard_of(heard, floor.decide(), "mc-c")
    floor.answers["mc-b"] = {"/ops/status": sure}
    silent = heard_of(first, floor.decide(), "mc-c")
    still = heard_of(silent, floor.decide(NOW + timedelta(seconds=9)), "mc-c")
    again = heard_of(still, floor.later(2, **listed(page())), "mc-c")
    floor.answers["mc-b"] = {"/ops/status": unseen(UnseenReason.OWN_STALL, NOW)}
    stalled = heard_of(again, floor.decide(), "mc-c")
    del floor.answers["mc-b"]
    unasked = heard_of(None, floor.decide(), "mc-c")

    assert heard == first
    assert (NOW, NOW) == (silent.silent_since, still.silent_since)
    assert (False, heard.told) == (silent.first, still.told)
    assert again == stalled == heard
    assert TwinHeard(first=False) == unasked


@pytest.mark.parametrize(
    ("said", "silent"),
    [
        pytest.param({"alerts": None}, True, id="it decides no alerts"),
        pytest.param({"floor_digest": "b" * 64}, True, id="another floor"),
        pytest.param({"alerts": []}, False, id="well"),
    ],
)
def test_a_twin_that_tells_no_alerts_of_ours_is_silent(said, silent):
    """Else no one would page (R14.6)."""
    floor = TwoOnAFloor()
    floor.hear(**said)

    assert silent is (heard_of(None, floor.decide(), "mc-a").silent_since is not None)


@pytest.mark.parametrize(
    ("code", "silent"), [("SCHEDULER_STALLED", False), ("POLL_LOOP_STALLED", True)]
)
def test_a_twin_tells_alerts_while_its_deciding_loop_beats(code, silent):
    """A scheduler that stalled decides no alerts (R14.6)."""
    floor = TwoOnAFloor()
    said = changed(word(NOW), "status.state", "DEGRADED")
    floor.answer(TWIN, "/ops/status", changed(said, "status.reason_codes", [code]))

    assert silent is (heard_of(None, floor.decide(), "mc-a").silent_since is not None)


def test_without_a_twin_nothing_is_heard():
    """A floor that is watched alone waits for no other."""
    assert None is heard_of(None, FloorOfValues(fleet=FLEET).decide(), "mc-a")
    assert (True, False) == (is_first("mc-a", TWIN), is_first("mc-c", TWIN))


def test_what_the_twin_told_is_forgotten_with_the_alert():
    """What is in no book any more, here or there, needs no memory."""
    told = {"webhook": {FEED.fingerprint: FIRING, "b" * 16: FIRING, "c" * 16: RESOLVED}}
    heard = replace(WELL, told=told, firing=frozenset({"b" * 16}))

    kept = forget_told(heard, book(FEED))
    assert {"webhook": {FEED.fingerprint: FIRING, "b" * 16: FIRING}} == kept.told
    assert {"webhook": {}} == forget_told(replace(heard, firing=None), book()).told


def test_what_we_tell_the_twin_of_our_alerts():
    """Those that go out first, then what is over; never what was always withheld (R14.8)."""
    held = alert("held", withheld="waived", paged_at=None)
    worse = alert("order-router", since=AT - timedelta(hours=1))
    took = {"webhook": {FEED.fingerprint: FIRING, worse.fingerprint: FIRING}, "other": {}}

    told = told_alerts(book(resolved(worse), FEED, held), took)

    assert [(FEED.fingerprint, True, ("webhook",)), (worse.fingerprint, False, ())] == [
        (each.fingerprint, each.firing, each.told) for each in told
    ]


@pytest.mark.anyio
async def test_what_the_twin_told_is_never_told_again(tmp_path):
    """Not by the other, nor after its start, nor when the twin is dead for long (R14.6)."""
    floor = TwoOnAFloor()
    now = real_now()
    fires = replace(FEED, paged_at=now - timedelta(hours=1), since=now - timedelta(hours=1))
    floor.hear(**listed(page(fires.fingerprint)))
    heard = floor.decide()
    floor.answers["mc-b"] = {"/ops/status": unseen(UnseenReason.TIMEOUT, floor.now)}
    dead = floor.decide(now - timedelta(hours=1))
    store, delivering = opened(tmp_path), delivery([], opened(tmp_path))
    with receiving() as hook:
        for start in range(2):
            store = opened(tmp_path, is_new=False)
            await store.load(now)
            await store.save(book(fires, at=now), moves(book(at=now), book(fires, at=now)))
            delivering = delivery([to_webhook(hook.url("/hook"))], store)
            running = asyncio.create_task(delivering.run())
            if not start:
                delivering.hear_twin(heard, "mc-c")
            delivering.hear_twin(dead, "mc-c")
            delivering.take(book(fires, at=now))
            for _ in range(40):
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        noted = (await store.deliveries(AlertQuery())).deliveries

        assert [] == hook.documents("/hook")
        assert [(TOLD_BY_TWIN, FIRING, True)] == [(d.answer, d.state, d.delivered) for d in noted]
        assert {"webhook": {fires.fingerprint: FIRING}} == delivering.told_once()


@pytest.mark.anyio
async def test_its_end_is_told_by_us_where_the_twin_is_dead(tmp_path):
    """A page that only the twin told is ended by the one that is left (R14.6)."""
    floor = TwoOnAFloor()
    now = real_now()
    fires = replace(FEED, paged_at=now - timedelta(hours=1))
    floor.hear(**listed(page(fires.fingerprint)))
    heard = floor.decide()
    floor.answers["mc-b"] = {"/ops/status": unseen(UnseenReason.TIMEOUT, floor.now)}
    dead = floor.decide(now - timedelta(hours=1))
    with receiving() as hook:
        store = opened(tmp_path)
        delivering = delivery([to_webhook(hook.url("/hook"))], store)
        running = asyncio.create_task(delivering.run())
        delivering.hear_twin(heard, "mc-c")
        delivering.take(book(fires, at=now))
        await asyncio.sleep(0.05)
        delivering.hear_twin(dead, "mc-c")
        delivering.take(book(resolved(fires, now), at=now))
        await asyncio.to_thread(until, lambda: hook.told)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert ["RESOLVED"] == [message["state"] for message in hook.documents("/hook")]
