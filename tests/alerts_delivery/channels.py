"""Senders and delivery connected as bootstrap does it, with a pace that fits a test."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mission_control.alerts.deliver.http_channels import AlertmanagerSender, Sender, WebhookSender
from mission_control.alerts.deliver.model import Channel, ChannelKind, Origin, Pace
from mission_control.alerts.deliver.posting import Address
from mission_control.alerts.deliver.run import AlertDelivery, Timing
from mission_control.alerts.model import Alert, AlertBook, AlertState, AlertTransition
from mission_control.alerts.store import AlertStore
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from tests.alerts_delivery.values import ORIGIN

KEY = b"the-key-of-the-test-0123456789"
SWIFT = Pace(
    renew_seconds=0.5,
    valid_seconds=60.0,
    resolve_again_seconds=1.0,
    watchdog_seconds=0.3,
    watchdog_valid_seconds=1.5,
    heartbeat_seconds=0.3,
    retry_seconds=0.05,
    retry_most_seconds=0.4,
    dead_seconds=0.4,
)


def real_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)  # noqa: TID251  (another process looks at its own clock)


def to_alertmanager(url: str, origin: Origin = ORIGIN, pace: Pace = SWIFT) -> AlertmanagerSender:
    """Return what posts to an Alertmanager."""
    url = f"{url}/api/v2/alerts"
    address = Address(Channel("alertmanager", ChannelKind.ALERTMANAGER, url), url)
    return AlertmanagerSender(address, origin, real_now, pace)


def to_webhook(url: str, deadline_seconds: float = 5.0) -> WebhookSender:
    """Return what posts to a webhook."""
    channel = Channel("webhook", ChannelKind.WEBHOOK, "http://127.0.0.1/...")
    return WebhookSender(Address(channel, url, deadline_seconds), ORIGIN, real_now, KEY)


def opened(root: Path, replica: str = "a", *, is_new: bool = True) -> AlertStore:
    """Open the alerts of a history that is in this folder; its tables are made where it is new."""
    engine = open_engine(root, None)
    if is_new:
        migrate(engine)
    return AlertStore(AlertRows(engine, replica))


def delivery(
    senders: Sequence[Sender],
    store: AlertStore,
    beats=lambda: True,
    heartbeat: str = "",
    pace: Pace = SWIFT,
) -> AlertDelivery:
    """Return what delivers."""
    timing = Timing(real_now, time.monotonic, random.random, pace)
    ping = Address(Channel("heartbeat", ChannelKind.HEARTBEAT, "", "GET"), heartbeat)
    return AlertDelivery(senders, store, timing, beats, ping if heartbeat else None)


def moves(before: AlertBook, after: AlertBook) -> tuple[AlertTransition, ...]:
    """Return what became of alerts between two books."""
    known = {a.fingerprint: a.state for a in before.alerts}
    return tuple(
        AlertTransition(
            after.at,
            a.fingerprint,
            a.rule,
            a.code,
            a.subject,
            a.severity,
            known.get(a.fingerprint),
            a.state,
            pages=a.pages,
            reason="it was decided",
        )
        for a in after.alerts
        if known.get(a.fingerprint) is not a.state
    )


def fired(told: Alert, at: datetime) -> Alert:
    """Return an alert that begins to fire now."""
    return replace(
        told, state=AlertState.FIRING, since=at, fired_at=at, resolved_at=None, paged_at=at
    )
