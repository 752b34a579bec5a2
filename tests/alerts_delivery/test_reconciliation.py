"""Delivery: what each channel is to be told follows from what was decided and what it took."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.alerts.deliver.decide import (
    ALONE_AFTER,
    MOST_AT_ONCE,
    Known,
    decide_messages,
    delivery_reasons,
    judge_channel,
    next_due,
    note_answer,
    note_health,
    retry_seconds,
    surely_taken,
    try_again,
    wanted_state,
)
from mission_control.alerts.deliver.model import (
    PACE,
    Answer,
    Channel,
    ChannelHealth,
    ChannelKind,
    Message,
    Tried,
)
from mission_control.alerts.model import AlertState
from mission_control.model.codes import DELIVERY_FAILING
from mission_control.model.finding import Severity
from tests.alerts_delivery.values import NOW, alert, book, resolved, subjects

ALERTMANAGER = Channel("alertmanager", ChannelKind.ALERTMANAGER, "http://am:9093/api/v2/alerts")
WEBHOOK = Channel("webhook", ChannelKind.WEBHOOK, "https://hook.example/...")
PING = Channel("heartbeat", ChannelKind.HEARTBEAT, "https://ping.example/...", "GET")
PENDING, FIRING, RESOLVED = AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED
FEED, ORDERS = alert(), alert("order-router", severity=Severity.P0)
DONE = Answer(delivered=True, text="HTTP 200")
FAILED = Answer(delivered=False, text="no answer within 10 s")
HELD = replace(FEED, withheld="outside P1 hours")
WAITS = replace(FEED, state=PENDING, fired_at=None, paged_at=None)


def due(channel, told, taken=None, tried=None, tick=0.0) -> tuple[Message, ...]:
    """Return what a channel is to be told."""
    return decide_messages(Known(channel, taken or {}, tried or {}), told, tick)


def told(messages) -> list[tuple[str, list[str]]]:
    """Return messages as state and subjects."""
    return [(m.state.value, subjects(m.alerts)) for m in messages]


@pytest.mark.parametrize(
    ("known", "taken", "wanted"),
    [
        pytest.param(FEED, None, FIRING, id="a page goes out"),
        pytest.param(FEED, FIRING, FIRING, id="and is held up"),
        pytest.param(WAITS, None, None, id="pending: not yet"),
        pytest.param(replace(WAITS, paged_at=NOW), FIRING, RESOLVED, id="pending after a page"),
        pytest.param(replace(HELD, paged_at=None), None, None, id="withheld"),
        pytest.param(HELD, FIRING, RESOLVED, id="withheld after a page"),
        pytest.param(resolved(FEED), FIRING, RESOLVED, id="the resolve of a page"),
        pytest.param(resolved(FEED), None, RESOLVED, id="the resolve of a page that was not taken"),
        pytest.param(resolved(replace(FEED, paged_at=None)), None, None, id="never paged"),
        pytest.param(resolved(replace(FEED, paged_at=None)), FIRING, RESOLVED, id="but taken"),
    ],
)
def test_what_a_channel_should_know(known, taken, wanted):
    """A page that was decided goes out, stays up, and ends with its resolve (R15.1)."""
    assert wanted == wanted_state(known, taken)


def test_what_was_taken_is_told_once():
    """A channel that remembers is told of each state once."""
    taken = {FEED.fingerprint: FIRING}

    assert [] == told(due(WEBHOOK, book(FEED), taken, {}, 0))
    over = book(resolved(FEED))
    assert [("RESOLVED", [FEED.subject])] == told(due(WEBHOOK, over, taken, {}, 0))
    assert [] == told(due(WEBHOOK, over, {FEED.fingerprint: RESOLVED}, {}, 0))


def test_a_channel_that_forgets_is_told_again():
    """Alertmanager is sent a firing alert again before it ends there by itself."""
    taken = {FEED.fingerprint: FIRING}
    tried = {FEED.fingerprint: note_answer(FIRING, None, DONE, 100, 0.5, PACE)}
    renewed = 100 + PACE.renew_seconds

    assert [] == told(due(ALERTMANAGER, book(FEED), taken, tried, renewed - 1))
    assert renewed == next_due(Known(ALERTMANAGER, taken, tried), book(FEED))
    assert 1 == len(due(ALERTMANAGER, book(FEED), taken, tried, renewed))
    assert PACE.renew_seconds * 3 < PACE.valid_seconds


def test_after_a_restart_everything_is_known_again():
    """Without memory of attempts what is taken is renewed, and what is not is sent, at once."""
    late = book(FEED, resolved(ORDERS))
    taken = {FEED.fingerprint: FIRING, ORDERS.fingerprint: FIRING}

    assert [("RESOLVED", ["order-router"]), ("FIRING", [FEED.subject])] == told(
        due(ALERTMANAGER, late, taken, {}, 0)
    )
    assert [("RESOLVED", ["order-router"])] == told(due(WEBHOOK, late, taken, {}, 0))


def test_a_channel_is_alone_with_what_it_took():
    """What one channel took says nothing of another, such as one that is new."""
    assert 1 == len(due(WEBHOOK, book(FEED), {}, {}, 0))


def test_p0_is_told_first():
    """The worst goes first, then the oldest, whatever order they are decided in."""
    older = alert("kalshi", since=NOW - timedelta(hours=1))
    all_of_them = book(FEED, older, ORDERS)

    assert [["order-router"], ["kalshi"], [FEED.subject]] == [
        subjects(m.alerts) for m in due(WEBHOOK, all_of_them, {}, {}, 0)
    ]


def test_one_root_cause_is_one_message():
    """What follows from one cause goes out with it, the cause first; the withheld are named."""
    root = alert()
    follows = alert("order-router", severity=Severity.P0, cause=root.fingerprint)
    held = [
        alert(name, cause=root.fingerprint, withheld="suppressed by it", paged_at=None)
        for name in ("gamma-strategy", "whale-strategy")
    ]
    (message,) = due(WEBHOOK, book(*held, follows, root), {}, {}, 0)

    assert [root.subject, "order-router"] == subjects(message.alerts)
    assert ["gamma-strategy", "whale-strategy"] == subjects(message.dependents)
    assert Severity.P0 is message.severity


def test_alertmanager_gets_batches():
    """It groups by itself, so it gets what is due at once, in bounded batches."""
    many = [alert(f"service-{n:03}") for n in range(MOST_AT_ONCE + 1)]

    sizes = [len(m.alerts) for m in due(ALERTMANAGER, book(*many), {}, {}, 0)]

    assert [MOST_AT_ONCE, 1] == sizes


def test_one_bad_alert_holds_up_no_other():
    """What failed again and again goes alone, and after those that did not, P0 or not."""
    stubborn = {ORDERS.fingerprint: Tried(FIRING, ALONE_AFTER, 0, "HTTP 400")}
    messages = due(ALERTMANAGER, book(ORDERS, FEED), {}, stubborn, 1)

    assert [("FIRING", [FEED.subject]), ("FIRING", ["order-router"])] == told(messages)


def test_an_attempt_at_another_state_does_not_count():
    """A resolve does not wait because the page before it failed."""
    tried = {FEED.fingerprint: Tried(FIRING, 9, 1_000, "HTTP 500")}

    assert [("RESOLVED", [FEED.subject])] == told(due(WEBHOOK, book(resolved(FEED)), {}, tried, 0))
    assert None is next_due(Known(WEBHOOK, {}, tried), book(resolved(FEED)))


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [
        pytest.param(1, 0.5, 1, id="first"),
        pytest.param(4, 4, 8, id="doubled"),
        pytest.param(7, 15, 30, id="at most half a minute"),
        pytest.param(8, 30, 60, id="a dead letter, slowly"),
        pytest.param(5_000, 30, 60, id="for ever"),
    ],
)
def test_retries_back_off_and_are_spread(failures, least, most):
    """Each pause is twice the one before, spread by chance, and never without an end."""
    assert (least, most) == (retry_seconds(failures, 0, PACE), retry_seconds(failures, 1, PACE))


def test_failures_are_counted_per_state():
    """Failures in a row add up; success and another state begin again."""
    once = note_answer(FIRING, None, FAILED, 0, 1, PACE)
    twice = note_answer(FIRING, once, FAILED, 1, 1, PACE)

    assert (1, 2) == (once.failures, twice.failures)
    assert 1 == note_answer(RESOLVED, twice, FAILED, 2, 1, PACE).failures
    assert 0 == note_answer(FIRING, twice, DONE, 2, 1, PACE).failures


def test_a_channel_that_asks_for_patience_gets_a_minute_at_most():
    """`Retry-After` is kept, but does not make us wait for long."""
    asked = replace(FAILED, wait_seconds=20)

    assert 20 == note_answer(FIRING, None, asked, 0, 1, PACE).due
    assert 60 == note_answer(FIRING, None, replace(asked, wait_seconds=9_999), 0, 1, PACE).due


def test_a_channel_that_answers_again_gets_all_that_waited():
    """After one success what failed before is due at once; what is only renewed is not."""
    waits, renews = Tried(FIRING, 8, 60, "HTTP 500"), Tried(FIRING, 0, 60, "HTTP 200")
    late = Tried(FIRING, 2, 4, "HTTP 500")

    assert {"a": 5, "b": 60, "c": 4} == {
        key: last.due for key, last in try_again({"a": waits, "b": renews, "c": late}, 5).items()
    }


def test_a_resolve_is_sent_again_for_a_while():
    """Alertmanager may lose one before it told it on: it gets it for five minutes (R15.2)."""
    over, key = resolved(FEED), FEED.fingerprint
    taken, soon, later = {key: RESOLVED}, NOW + timedelta(minutes=4), NOW + timedelta(minutes=5)

    assert 1 == len(due(ALERTMANAGER, book(over, at=soon), taken))
    assert {} == surely_taken(ALERTMANAGER, book(over), taken, soon, PACE)
    assert () == due(ALERTMANAGER, book(over, at=later), taken)
    assert taken == surely_taken(ALERTMANAGER, book(over), taken, later, PACE)


def test_a_channel_that_remembers_takes_a_resolve_for_good():
    """It was told once, and then what it took counts; what fires there counts anywhere."""
    over, key = resolved(FEED), FEED.fingerprint

    assert {key: RESOLVED} == surely_taken(WEBHOOK, book(over), {key: RESOLVED}, NOW, PACE)
    assert {key: FIRING} == surely_taken(ALERTMANAGER, book(over), {key: FIRING}, NOW, PACE)


def test_dead_letters_are_visible():
    """A channel's health names what waits and what is a dead letter, worst first."""
    tried = {FEED.fingerprint: Tried(FIRING, PACE.dead_after, 60, "HTTP 400")}
    taken = {"other": FIRING}
    health = judge_channel(Known(WEBHOOK, taken, tried), ChannelHealth(WEBHOOK), book(FEED, ORDERS))

    assert (ORDERS.fingerprint, FEED.fingerprint) == health.waiting
    assert (FEED.fingerprint,) == health.dead_letters
    assert Severity.P0 is health.worst
    took = {FEED.fingerprint: FIRING}
    assert None is judge_channel(Known(WEBHOOK, took, {}), health, book(FEED)).worst


def test_a_channel_fails_until_it_answers():
    """It fails since its first failure; refusing one alert is an answer."""
    failing = note_health(ChannelHealth(WEBHOOK), FAILED, NOW)
    still = note_health(failing, FAILED, NOW + timedelta(seconds=9))

    assert (NOW, 2) == (still.failing_since, still.failures)
    refused = note_health(still, replace(FAILED, refused=True), NOW)
    assert (None, 0, None) == (refused.failing_since, refused.failures, refused.delivered_at)
    fine = note_health(still, DONE, NOW)
    assert (None, 0, NOW) == (fine.failing_since, fine.failures, fine.delivered_at)


MINUTE_AGO = NOW - timedelta(seconds=60)
DOWN = ChannelHealth(WEBHOOK, failing_since=MINUTE_AGO, answer="HTTP 502")


@pytest.mark.parametrize(
    ("healths", "severities"),
    [
        pytest.param([ChannelHealth(WEBHOOK)], [], id="not used yet"),
        pytest.param([replace(DOWN, failing_since=NOW)], [], id="a blip"),
        pytest.param([DOWN], ["P1"], id="the only channel"),
        pytest.param([DOWN, ChannelHealth(ALERTMANAGER)], ["P2"], id="another one works"),
        pytest.param([DOWN, replace(DOWN, channel=ALERTMANAGER)], ["P1", "P1"], id="all fail"),
        pytest.param([DOWN, ChannelHealth(PING)], ["P1"], id="a ping is no page"),
        pytest.param([replace(DOWN, channel=PING)], ["P2"], id="the ping alone fails"),
        pytest.param([ChannelHealth(WEBHOOK, dead_letters=("f",))], ["P1"], id="a dead letter"),
    ],
)
def test_failing_delivery_is_a_reason(healths, severities):
    """It is P1 where no channel is left, else P2, and halts nothing (R15.4)."""
    reasons = list(delivery_reasons(healths, NOW))

    assert severities == [r.severity.value for r in reasons]
    assert {DELIVERY_FAILING} >= {r.code for r in reasons}
    assert not any(r.halts for r in reasons)


def test_the_reason_says_what_waits():
    """The sentence has the address, the last answer, and how much was not taken."""
    waits = replace(DOWN, waiting=("a", "b"), dead_letters=("a",), worst=Severity.P0)
    (reason,) = delivery_reasons([waits], NOW)

    assert (
        "https://hook.example/...: HTTP 502; alerts that it has not taken: 2, worst P0, "
        "dead letters: 1"
    ) == reason.detail
    (silent,) = delivery_reasons([replace(DOWN, answer="")], NOW)
    assert "https://hook.example/...: no answer yet" == silent.detail


def test_a_message_is_as_bad_as_the_worst_in_it():
    """The severity of a message is the worst of its alerts."""
    assert Severity.P0 is Message(FIRING, (FEED, ORDERS)).severity
