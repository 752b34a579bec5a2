"""Alerts as each kind of channel reads them, redacted and capped (docs/delivery.md)."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from mission_control.alerts.deliver.model import ChannelHealth, Message, Origin, Pace
from mission_control.alerts.model import Alert, AlertState
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text, utc_text_or_none
from mission_control.redaction.redact import printable, redact_document, redact_text

WATCHDOG = "Watchdog"
"""The alert that always fires while we live (the name that Prometheus' own rules use)."""
TEST = "TEST"
"""The code of a page that is none."""

MOST_LABEL, MOST_TEXT, MOST_TITLE, MOST_LINES = 200, 1_000, 160, 20
SIGNATURE, TIMESTAMP, DELIVERY = (
    f"X-Mission-Control-{name}" for name in ("Signature", "Timestamp", "Delivery")
)
WEBHOOK_VERSION = 1


def runbook_url(alert: Alert, origin: Origin) -> str:
    """Return where an alert's runbook is served."""
    return f"{origin.public_url}/runbooks/{quote(alert.runbook, safe='')}"


def _text(text: str, most: int) -> str:
    """Return a text for others: redacted first, so that no cut bares half a secret."""
    shown = printable(redact_text(text))
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _summary(alert: Alert, origin: Origin) -> str:
    """Return an alert's sentence; of one that is withheld by now, that it only pages no more."""
    told = alert.summary
    if alert.state is AlertState.FIRING and alert.withheld:
        told = f"pages no more, {alert.withheld}, and is not over: {told}"
    return _marked(told, origin)


def _marked(text: str, origin: Origin) -> str:
    return f"[{origin.label}] {text}" if origin.label else text


def alertmanager_alerts(
    message: Message, origin: Origin, now: datetime, pace: Pace
) -> list[dict[str, Any]]:
    """
    Return alerts as Alertmanager's API v2 takes them.

    Its labels identify an alert there, so they never change while it lasts. A firing one ends by
    itself at `endsAt` unless it is sent again before; a resolved one ended when it resolved.
    """
    return [
        {
            "labels": _labels(alert, origin),
            "annotations": _annotations(alert, message.dependents, origin),
            "startsAt": utc_text(alert.fired_at or alert.since),
            "endsAt": utc_text(_ends_at(alert, message.state, now, pace)),
            "generatorURL": f"{origin.public_url}/alerts",
        }
        for alert in message.alerts
    ]


def _ends_at(alert: Alert, state: AlertState, now: datetime, pace: Pace) -> datetime:
    if state is AlertState.FIRING:
        return now + timedelta(seconds=pace.valid_seconds)
    return min(alert.resolved_at or now, now)


def _labels(alert: Alert, origin: Origin) -> dict[str, str]:
    named = {
        "alertname": alert.code,
        "rule": alert.rule,
        "subject": alert.subject,
        "severity": alert.severity.value,
        "floor": origin.floor,
        "replica": origin.replica,
    }
    return {name: _text(value, MOST_LABEL) or "-" for name, value in named.items()}


def _annotations(alert: Alert, dependents: Sequence[Alert], origin: Origin) -> dict[str, str]:
    told = {
        "summary": _summary(alert, origin),
        "description": alert.detail,
        "owner": alert.owner,
        "dependents": ", ".join(a.subject for a in dependents if a.cause == alert.fingerprint),
    }
    shown = {name: _text(value, MOST_TEXT) for name, value in told.items() if value}
    cause = {"cause": alert.cause} if alert.cause else {}
    own = {"fingerprint": alert.fingerprint, "runbook_url": runbook_url(alert, origin)}
    return {**shown, **cause, **own}


def watchdog_alerts(
    origin: Origin, started_at: datetime, now: datetime, pace: Pace
) -> list[dict[str, Any]]:
    """
    Return the alert that always fires; when it is not sent again it resolves, and that pages.
    """
    summary = "Mission Control lives, decides and delivers: this alert has to fire all the time"
    severity = "INFO"
    named = {"alertname": WATCHDOG, "severity": severity}
    return [
        {
            "labels": {**named, "floor": origin.floor, "replica": origin.replica},
            "annotations": {
                "summary": _marked(summary, origin),
                "description": "its resolve means that Mission Control is dead, stalled or cut off",
                "runbook_url": f"{origin.public_url}/runbooks/POLL_LOOP_STALLED",
            },
            "startsAt": utc_text(started_at),
            "endsAt": utc_text(now + timedelta(seconds=pace.watchdog_valid_seconds)),
            "generatorURL": f"{origin.public_url}/alerts",
        }
    ]


def delivery_id(message: Message) -> str:
    """Identify a message: the same for each attempt to deliver it, also after a restart."""
    episodes = [(a.fingerprint, utc_text_or_none(a.fired_at)) for a in message.alerts]
    told = encode_json([message.state.value, sorted(episodes, key=str)])
    return hashlib.sha256(told).hexdigest()[:32]


def webhook_body(message: Message, origin: Origin, now: datetime) -> bytes:
    """Return a message as the JSON that a webhook gets; the root cause is the first alert."""
    told = {
        "version": WEBHOOK_VERSION,
        "id": delivery_id(message),
        "sent_utc": utc_text(now),
        "floor": origin.floor,
        "replica": origin.replica,
        "state": message.state.value,
        "severity": message.severity.value,
        "alerts": [_alert_document(a, origin) for a in message.alerts],
        "dependents": [_alert_document(a, origin) for a in message.dependents[:MOST_LINES]],
    }
    return encode_json(told, origin.label)


def _alert_document(alert: Alert, origin: Origin) -> dict[str, Any]:
    told = document(alert, "paged_at", "ending_since", "fingerprint", "cause")
    long = {"summary": MOST_TEXT, "detail": MOST_TEXT, "withheld": MOST_TEXT}
    shown: dict[str, Any] = redact_document(told)  # pyright: ignore[reportAssignmentType]
    capped = {
        name: _text(value, long.get(name, MOST_LABEL)) if isinstance(value, str) else value
        for name, value in shown.items()
    }
    return {
        **capped,
        "fingerprint": alert.fingerprint,
        "cause": alert.cause,
        "runbook_url": runbook_url(alert, origin),
    }


def webhook_headers(secret: bytes, body: bytes, message: Message, now: datetime) -> dict[str, str]:
    """
    Return the headers that prove a body: HMAC-SHA256 over timestamp, a dot, and the body.

    The timestamp is in whole seconds since 1970, so that a receiver can refuse what is old.
    """
    timestamp = str(int(now.timestamp()))
    signed = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        TIMESTAMP: timestamp,
        SIGNATURE: f"sha256={signed}",
        DELIVERY: delivery_id(message),
    }


def notify_title(message: Message, origin: Origin) -> str:
    """Return the line that a phone shows."""
    first = message.alerts[0]
    more = f" (and {len(message.alerts) - 1} more)" if len(message.alerts) > 1 else ""
    told = f"{message.severity} {message.state}: {_summary(first, origin)}{more} [{origin.floor}]"
    return _text(told, MOST_TITLE)


def notify_body(message: Message, origin: Origin) -> str:
    """Return the text that goes with it: what, since when, whose, and what to do."""
    lines = list[str]()
    for alert in message.alerts[:MOST_LINES]:
        lines += _alert_lines(alert, origin)
    beyond = len(message.alerts) - MOST_LINES
    if beyond > 0:
        lines.append(f"and {beyond} more")
    if message.dependents:
        named = ", ".join(a.subject for a in message.dependents[:MOST_LINES])
        lines.append(_text(f"Because of it, too ({len(message.dependents)}): {named}", MOST_TEXT))
    lines.append(f"Told by {origin.replica}")
    return "\n".join(lines)


def _alert_lines(alert: Alert, origin: Origin) -> list[str]:
    until = f", over {new_york_text(alert.resolved_at)}" if alert.resolved_at else ""
    told = [
        f"{alert.code} {alert.subject}: {_summary(alert, origin)}",
        alert.detail,
        f"Since {new_york_text(alert.since)}{until}",
        f"Owner: {alert.owner}" if alert.owner else "",
    ]
    shown = [_text(line, MOST_TEXT) for line in told if line]
    return [*shown, f"Runbook: {runbook_url(alert, origin)}", ""]


def health_document(health: ChannelHealth) -> dict[str, Any]:
    """Return how a channel fares, for the API, the pages and bundles."""
    return {
        "channel": health.channel.name,
        "kind": health.channel.kind.value,
        "address": health.channel.address,
        **document(health, "channel", "waiting", "worst"),
        "waiting": len(health.waiting),
        "worst": health.worst and health.worst.value,
    }
