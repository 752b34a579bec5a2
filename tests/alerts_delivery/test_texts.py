"""What channels read: people a title and a text, programs JSON and labels."""

import json
from dataclasses import replace
from datetime import timedelta

from mission_control.alerts.deliver.model import (
    PACE,
    Channel,
    ChannelHealth,
    ChannelKind,
    Message,
)
from mission_control.alerts.deliver.present import (
    MOST_LINES,
    MOST_TITLE,
    alertmanager_alerts,
    health_document,
    notify_body,
    notify_title,
    watchdog_alerts,
    webhook_body,
)
from mission_control.alerts.model import AlertState
from mission_control.model.finding import Severity
from tests.alerts_delivery.values import NOW, ORIGIN, alert, resolved

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED
FEED = alert("feed")
DEMO = replace(ORIGIN, label="DEMO")
HELD = [
    alert(name, cause=FEED.fingerprint, withheld="suppressed by feed (MARKETDATA_STALE)")
    for name in ("gamma-strategy", "whale-strategy")
]


def test_a_phone_shows_what_matters():
    """Severity, state and sentence come first; then how many more, and the floor."""
    follows = alert("order-router", severity=Severity.P0, cause=FEED.fingerprint)

    assert "P1 FIRING: feed has had no tick for 121 s [trading-floor]" == notify_title(
        Message(FIRING, (FEED,)), ORIGIN
    )
    assert "[DEMO] feed has had no tick for 121 s (and 1 more)" in (
        notify_title(Message(FIRING, (FEED, follows)), DEMO)
    )


def test_a_title_fits_on_a_phone():
    """A sentence that is too long is cut, never a secret in half."""
    told = replace(FEED, summary="x" * 400)

    assert MOST_TITLE == len(notify_title(Message(FIRING, (told,)), ORIGIN))


def test_the_text_says_what_to_do():
    """Code, sentence, detail, when, whose, the runbook, and what follows from it."""
    told = Message(RESOLVED, (resolved(FEED, NOW + timedelta(minutes=7)),), tuple(HELD))

    assert [
        "MARKETDATA_STALE feed: feed has had no tick for 121 s",
        "the last tick came at 15:11:59Z",
        "Since 2026-11-30 10:11:59 EST, over 2026-11-30 10:21:00 EST",
        "Owner: Market Data Lead",
        "Runbook: https://ops.example/runbooks/MARKETDATA_STALE",
        "",
        "Because of it, too (2): gamma-strategy, whale-strategy",
        "Told by a",
    ] == notify_body(told, ORIGIN).split("\n")


def test_a_text_has_an_end():
    """Of very many alerts the first are told, and the rest are counted."""
    many = tuple(alert(f"s-{n:02}", owner="", detail="") for n in range(MOST_LINES + 3))
    body = notify_body(Message(FIRING, many), ORIGIN)

    assert "and 3 more" in body
    assert "s-22" not in body


def test_what_is_withheld_after_it_paged_is_not_called_over():
    """Told as ended, its sentence says why, and that it goes on (R15.1)."""
    held = replace(FEED, withheld="outside P1 hours")
    (posted,) = alertmanager_alerts(Message(RESOLVED, (held,)), ORIGIN, NOW, PACE)
    said = "pages no more, outside P1 hours, and is not over: feed has had no tick for 121 s"

    assert said == posted["annotations"]["summary"]
    assert "2026-11-30T15:14:00.000Z" == posted["endsAt"]
    assert said in notify_body(Message(RESOLVED, (held,)), ORIGIN)


def test_alertmanager_gets_instants_in_utc():
    """It begins when it fired, and ends 15 minutes from now, or when it resolved (R15.2)."""
    later = NOW + timedelta(minutes=9)
    (fires,) = alertmanager_alerts(Message(FIRING, (FEED,), tuple(HELD)), ORIGIN, later, PACE)
    (over,) = alertmanager_alerts(Message(RESOLVED, (resolved(FEED),)), ORIGIN, later, PACE)
    (ahead,) = alertmanager_alerts(Message(RESOLVED, (resolved(FEED, later),)), ORIGIN, NOW, PACE)

    assert ("2026-11-30T15:14:00.000Z", "2026-11-30T15:38:00.000Z") == (
        fires["startsAt"],
        fires["endsAt"],
    )
    assert "2026-11-30T15:14:00.000Z" == over["endsAt"] == ahead["endsAt"]
    assert "gamma-strategy, whale-strategy" == fires["annotations"]["dependents"]
    assert fires["labels"] == over["labels"]


def test_labels_are_never_empty():
    """Alertmanager takes an empty label for none, and the alert for another one."""
    follows = replace(FEED, subject="", cause="c" * 16)
    (posted,) = alertmanager_alerts(Message(FIRING, (follows,)), DEMO, NOW, PACE)

    assert ("-", "c" * 16) == (posted["labels"]["subject"], posted["annotations"]["cause"])
    assert posted["annotations"]["summary"].startswith("[DEMO] ")


def test_the_watchdog_names_its_replica():
    """Each replica's death is an alert of its own, valid for a minute (R15.6, R15.7)."""
    (posted,) = watchdog_alerts(ORIGIN, NOW, NOW, PACE)

    assert {
        "alertname": "Watchdog",
        "severity": "INFO",
        "floor": "trading-floor",
        "replica": "a",
    } == posted["labels"]
    assert "2026-11-30T15:15:00.000Z" == posted["endsAt"]


def test_the_webhooks_keys_are_pinned():
    """Receivers read them by name: a change is a change of `version`."""
    told = json.loads(webhook_body(Message(FIRING, (FEED,), tuple(HELD)), DEMO, NOW))

    assert "alerts dependents floor id label replica sent_utc severity state version" == " ".join(
        sorted(told)
    )
    assert (
        "cause code detail fingerprint fired_at owner resolved_at rule runbook runbook_url "
        "severity since state subject summary withheld"
    ) == " ".join(sorted(told["alerts"][0]))
    assert FEED.fingerprint == told["dependents"][0]["cause"]


def test_health_as_a_document():
    """It names the channel, since when it fails, how many wait, and the dead letters."""
    channel = Channel("webhook", ChannelKind.WEBHOOK, "https://hook.example/...")
    health = ChannelHealth(channel, None, NOW, 9, "HTTP 502", ("a", "b"), ("a",), Severity.P0)

    assert {
        "channel": "webhook",
        "kind": "webhook",
        "address": "https://hook.example/...",
        "delivered_at": None,
        "failing_since": "2026-11-30T15:14:00.000Z",
        "failures": 9,
        "answer": "HTTP 502",
        "waiting": 2,
        "dead_letters": ["a"],
        "worst": "P0",
    } == health_document(health)
    assert None is health_document(ChannelHealth(channel))["worst"]
