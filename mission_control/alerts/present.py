"""Alerts, what became of them and of telling them, as JSON-ready documents."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from mission_control.alerts.deliver.model import ChannelHealth
from mission_control.alerts.deliver.present import health_document
from mission_control.alerts.model import (
    Alert,
    AlertBook,
    AlertRules,
    AlertState,
    AlertTransition,
    Delivery,
    DeliveryPage,
    TransitionPage,
)
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text

RUNBOOKS = "/api/v1/runbooks"
OPEN_PHASES = ("paging", "withheld", "pending")
"""What an open alert does; one that is resolved is kept only until its end was told."""


class AlertsDocument(TypedDict):
    """
    Every open alert, the worst first, and those that ended lately.

    `current` is false where alerts are no longer decided: then what is shown is old. `counts` are
    of those that page, are withheld, or are pending.
    """

    ts: str
    decided_at: str
    decided_at_et: str
    current: bool
    floor: str
    replica: str
    counts: dict[str, int]
    alerts: list[dict[str, Any]]
    channels: list[dict[str, Any]]
    waivers: list[dict[str, Any]]
    not_observed: list[dict[str, str]]
    label: NotRequired[str]


class AlertHistoryDocument(TypedDict):
    """
    What became of alerts, and attempts to deliver, each newest first.

    `next_cursor` asks for older changes, `next_delivery_cursor` for older attempts.
    """

    ts: str
    transitions: list[dict[str, Any]]
    next_cursor: str | None
    deliveries: list[dict[str, Any]]
    next_delivery_cursor: str | None
    label: NotRequired[str]


def counts_of(book: AlertBook) -> dict[str, int]:
    """Count the alerts that page, those that fire without a page, and those that are pending."""
    counted = Counter(phase_of(alert) for alert in book.alerts)
    return {name: counted[name] for name in OPEN_PHASES}


def phase_of(alert: Alert) -> str:
    """Return in a word what an alert does now: pages, is withheld, is pending, or is resolved."""
    if alert.state is AlertState.FIRING:
        return "withheld" if alert.withheld else "paging"
    return alert.state.value.lower()


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided the alerts of which floor, whether it still does, and its time now (UTC)."""

    floor: str
    replica: str
    current: bool
    now: datetime


def alerts_document(
    book: AlertBook,
    rules: AlertRules,
    channels: Iterable[ChannelHealth],
    first_step: Callable[[str], str],
    by: Decider,
) -> AlertsDocument:
    """Return the book as a document; `first_step` gives the first step of a runbook."""
    return {
        "ts": utc_text(by.now),
        "decided_at": utc_text(book.at),
        "decided_at_et": new_york_text(book.at),
        "current": by.current,
        "floor": by.floor,
        "replica": by.replica,
        "counts": counts_of(book),
        "alerts": [alert_document(a, book, first_step(a.runbook)) for a in book.alerts],
        "channels": [health_document(health) for health in channels],
        "waivers": [document(w) for w in rules.waivers if by.now < w.until],
        "not_observed": [
            {"rule": r.name, "severity": r.severity.value, "about": r.about, "why": r.not_observed}
            for r in rules.rules
            if r.not_observed
        ],
    }


def alert_document(alert: Alert, book: AlertBook, first_step: str = "") -> dict[str, Any]:
    """Return one alert: what it is, since when, whether it pages and why not, and what to do."""
    followers = [a for a in book.alerts if a.cause == alert.fingerprint]
    return {
        **document(alert),
        "since_et": new_york_text(alert.since),
        "pages": alert.pages,
        "suppressed_by": _named(book.alert(alert.cause)) if alert.withheld else None,
        "dependents": sorted({a.subject for a in followers}),
        "runbook_url": f"{RUNBOOKS}/{alert.runbook}",
        "first_step": first_step,
    }


def _named(cause: Alert | None) -> dict[str, str] | None:
    if cause is None:
        return None
    return {"fingerprint": cause.fingerprint, "code": cause.code, "subject": cause.subject}


def transition_document(transition: AlertTransition) -> dict[str, Any]:
    """Return a change of an alert, and why."""
    return {**document(transition), "at_et": new_york_text(transition.at)}


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """Return an attempt to deliver, and its answer."""
    return {**document(delivery), "at_et": new_york_text(delivery.at)}


def history_document(
    transitions: TransitionPage, deliveries: DeliveryPage, now: datetime
) -> AlertHistoryDocument:
    """Return a page of changes beside a page of attempts."""
    return {
        "ts": utc_text(now),
        "transitions": [transition_document(t) for t in transitions.transitions],
        "next_cursor": _cursor(transitions.next_before),
        "deliveries": [delivery_document(d) for d in deliveries.deliveries],
        "next_delivery_cursor": _cursor(deliveries.next_before),
    }


def _cursor(before: int | None) -> str | None:
    return None if before is None else str(before)


def session_document(
    book: AlertBook, transitions: Sequence[AlertTransition], deliveries: Sequence[Delivery]
) -> dict[str, Any]:
    """Return the alerts of a session for a bundle: those there are, and what became of all."""
    return {
        "decided_at": utc_text(book.at),
        "counts": counts_of(book),
        "alerts": [alert_document(alert, book) for alert in book.alerts],
        "transitions": [transition_document(t) for t in transitions],
        "deliveries": [delivery_document(d) for d in deliveries],
    }


_STEPS = re.compile(r"^## Mitigation\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FIRST = re.compile(r"^(?:1\.|-)\s+(.+?)(?=^\s*(?:\d+\.|-)\s|^\s*$|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def first_step_of(markdown: str) -> str:
    """Return the first step of a runbook's mitigation as plain text; empty where it has none."""
    steps = _STEPS.search(markdown)
    first = _FIRST.search(steps[1]) if steps else None
    return " ".join(_LINK.sub(r"\1", first[1]).split()) if first else ""
