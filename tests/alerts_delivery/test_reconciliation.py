"""Delivery: what each channel is to be told follows from what was decided and what it took."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.alerts.deliver.decide import (
    ALONE_AFTER,
    MOST_AT_ONCE,
    decide_messages,
    delivery_reasons,
    is_settled,
    judge_channel,
    next_due,
    note_answer,
    note_health,
    retry_seconds,
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
WITHHELD = "outside P1 hours"


def told(messages) -> list[tuple[str, list[str]]]:
    """Return messages as state and subjects."""
    return [(m.state.value, subjects(m.alerts)) for m in messages]


@pytest.mark.parametrize(
    ("known", "taken", "wanted"),
    [
        pytest.param(FEED, None, FIRING, id="a page goes out"),
        pytest.param(FEED, FIRING, FIRING, id="and is held up"),
        pytest.param(replace(FEED, state=PENDING, paged=False), None, None, id="pending: not yet"),
        pytest.param(replace(FEED, withheld=WITHHELD, paged=False), None, None, id="withheld"),
        pytest.param(replace(FEED, withheld=WITHHELD), FIRING, FIRING, id="withheld after a page"),
        pytest.param(replace(FEED, withheld=WITHHELD), None, FIRING, id="a page that was not taken"),
        pytest.param(resolved(FEED), FIRING, RESOLVED, id="the resolve of a page"),
        pytest.param(resolved(FEED), None, RESOLVED, id="the resolve of a page that was not taken"),
        pytest.param(resolved(replace(FEED, paged=False)), None, None, id="never paged"),
        pytest.param(resolved(replace(FEED, paged=False)), FIRING, RESOLVED, id="taken all the same"),
    ],
)
def test_what_a_channel_should_know(known, taken, wanted):
    """A page that was decided goes out, stays up, and ends with its resolve (R11.1)."""
    assert wanted == wanted_state(known, taken)


def test_what_was_taken_is_told_once():
    """A channel that remembers is told of each state once."""
    taken = {FEED.fingerprint: FIRING}

    assert [] == told(decide_messages(WEBHOOK, book(FEED), taken, {}, 0))
    over = book(resolved(FEED))
    assert [("RESOLVED", [FEED.subject])] == told(decide_messages(WEBHOOK, over, taken, {}, 0))
    assert [] == told(decide_messages(WEBHOOK, over, {FEED.fingerprint: RESOLVED}, {}, 0))


def test_a_channel_that_forgets_is_told_again():
    """Alertmanager is sent a firing alert again before it ends there by itself."""
    taken = {FEED.fingerprint: FIRING}
    tried = {FEED.fingerprint: note_answer(FIRING, None, DONE, 100, 0.5, PACE)}
    renewed = 100 + PACE.renew_seconds

    assert [] == told(decide_messages(ALERTMANAGER, book(FEED), taken, tried, renewed - 1))
    assert renewed == next_due(ALERTMANAGER, book(FEED), taken, tried)
    assert 1 == len(decide_messages(ALERTMANAGER, book(FEED), taken, tried, renewed))
    assert PACE.renew_seconds * 3 < PACE.valid_seconds


def test_after_a_restart_everything_is_known_again():
    """Without memory of attempts what is taken is renewed, and what is not is sent, at once."""
    late = book(FEED, resolved(ORDERS))
    taken = {FEED.fingerprint: FIRING, ORDERS.fingerprint: FIRING}

    assert [("RESOLVED", ["order-router"]), ("FIRING", [FEED.subject])] == told(
        decide_messages(ALERTMANAGER, late, taken, {}, 0)
    )
    assert [("RESOLVED", ["order-router"])] == told(decide_messages(WEBHOOK, late, taken, {}, 0))


def test_a_channel_is_alone_with_what_it_took():
    """What one channel took says nothing of another, such as one that is new."""
    assert 1 == len(decide_messages(WEBHOOK, book(FEED), {}, {}, 0))


def test_p0_is_told_first():
    """The worst goes first, then the oldest, whatever order they are decided in."""
    older = alert("kalshi", since=NOW - timedelta(hours=1))
    all_of_them = book(FEED, older, ORDERS)

    assert [["order-router"], ["kalshi"], [FEED.subject]] == [
        subjects(m.alerts) for m in decide_messages(WEBHOOK, all_of_them, {}, {}, 0)
    ]


def test_one_root_cause_is_one_message():
    """What follows from one cause goes out with it, the cause first; the withheld are named."""
    root = alert()
    follows = alert("order-router", severity=Severity.P0, cause=root.fingerprint)
    held = [
        alert(name, cause=root.fingerprint, withheld="suppressed by it", paged=False)
        for name in ("gamma-strategy", "whale-strategy")
    ]
    (message,) = decide_messages(WEBHOOK, book(*held, follows, root), {}, {}, 0)

    assert [root.subject, "order-router"] == subjects(message.alerts)
    assert ["gamma-strategy", "whale-strategy"] == subjects(message.dependents)
    assert Severity.P0 is message.severity


def test_alertmanager_gets_batches():
    """It groups by itself, so it gets what is due at once, in bounded batches."""
    many = [alert(f"service-{n:03}") for n in range(MOST_AT_ONCE + 1)]

    sizes = [len(m.alerts) for m in decide_messages(ALERTMANAGER, book(*many), {}, {}, 0)]

    assert [MOST_AT_ONCE, 1] == sizes


def test_one_bad_alert_holds_up_no_other():
    """What failed again and again goes alone, and after those that did not, P0 or not."""
    stubborn = {ORDERS.fingerprint: Tried(FIRING, ALONE_AFTER, 0, "HTTP 400")}
    messages = decide_messages(ALERTMANAGER, book(ORDERS, FEED), {}, stubborn, 1)

    assert [("FIRING", [FEED.subject]), ("FIRING", ["order-router"])] == told(messages)


def test_an_attempt_at_another_state_does_not_count():
    """A resolve does not wait because the page before it failed."""
    tried = {FEED.fingerprint: Tried(FIRING, 9, 1_000, "HTTP 500")}

    assert [("RESOLVED", [FEED.subject])] == told(
        decide_messages(WEBHOOK, book(resolved(FEED)), {}, tried, 0)
    )
    assert None is next_due(WEBHOOK, book(resolved(FEED)), {}, tried)


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


def test_a_resolve_is_kept_until_every_channel_took_it():
    """It leaves the book when all took it, and Alertmanager has had it for five minutes (R11.1)."""
    over, key = resolved(FEED), FEED.fingerprint
    both, later = (ALERTMANAGER, WEBHOOK), NOW + timedelta(minutes=5)
    all_took = {"alertmanager": {key: RESOLVED}, "webhook": {key: RESOLVED}}
    one_took = {"alertmanager": {key: RESOLVED}, "webhook": {key: FIRING}}

    assert not is_settled(over, both, one_took, later, PACE)
    assert not is_settled(over, both, all_took, NOW + timedelta(minutes=4), PACE)
    assert is_settled(over, both, all_took, later, PACE)
    assert is_settled(over, (WEBHOOK,), all_took, NOW, PACE)
    assert is_settled(over, (), {}, NOW, PACE)
    assert is_settled(replace(over, paged=False), both, {}, NOW, PACE)


def test_dead_letters_are_visible():
    """A channel's health names what waits and what is a dead letter, worst first."""
    tried = {FEED.fingerprint: Tried(FIRING, PACE.dead_after, 60, "HTTP 400")}
    taken = {"other": FIRING}
    health = judge_channel(ChannelHealth(WEBHOOK), book(FEED, ORDERS), taken, tried, PACE)

    assert (ORDERS.fingerprint, FEED.fingerprint) == health.waiting
    assert (FEED.fingerprint,) == health.dead_letters
    assert Severity.P0 is health.worst
    took = {FEED.fingerprint: FIRING}
    assert None is judge_channel(health, book(FEED), took, {}, PACE).worst


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
    """It is P1 where no channel is left, else P2, and halts nothing (R11.3)."""
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
