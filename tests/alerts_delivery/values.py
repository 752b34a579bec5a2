"""Alerts and books made of values."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mission_control.alerts.deliver.model import Origin
from mission_control.alerts.model import Alert, AlertBook, AlertState, fingerprint_of
from mission_control.model.finding import Severity

NOW = datetime(2026, 11, 30, 15, 14, tzinfo=UTC)
ORIGIN = Origin("trading-floor", "a", "https://ops.example")


def alert(subject: str = "marketdata-mcp-server", **changes: Any) -> Alert:
    """Return a firing alert that pages."""
    made = Alert(
        fingerprint=fingerprint_of("trading-floor", "stale", "MARKETDATA_STALE", subject),
        rule="stale",
        code="MARKETDATA_STALE",
        subject=subject,
        severity=Severity.P1,
        state=AlertState.FIRING,
        summary=f"{subject} has had no tick for 121 s",
        detail="the last tick came at 15:11:59Z",
        since=NOW - timedelta(seconds=121),
        fired_at=NOW,
        resolved_at=None,
        owner="Market Data Lead",
        runbook="MARKETDATA_STALE",
        paged_at=NOW,
    )
    return replace(made, **changes)


def resolved(told: Alert, at: datetime = NOW) -> Alert:
    """Return an alert after it resolved."""
    return replace(told, state=AlertState.RESOLVED, resolved_at=at)


def book(*alerts: Alert, at: datetime = NOW) -> AlertBook:
    """Return a book that holds these."""
    return AlertBook(at, alerts)


def subjects(alerts: Iterable[Alert]) -> list[str]:
    """Name what alerts are about."""
    return [a.subject for a in alerts]
