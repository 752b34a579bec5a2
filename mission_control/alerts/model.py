"""What an alert is, what was decided of it, and what became of telling it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.documents.canonical_json import encode_json
from mission_control.model.finding import Severity

FINGERPRINT_DIGITS = 16


class AlertState(StrEnum):
    """Where an alert is."""

    PENDING = "PENDING"
    """Its condition is true, and has not been for as long as its rule asks."""
    FIRING = "FIRING"
    RESOLVED = "RESOLVED"


def fingerprint_of(floor: str, rule: str, code: str, subject: str) -> str:
    """
    Identify an alert by what it is about: 16 hex digits of a SHA-256.

    Equal over restarts, replicas and details, so a page that is sent twice is one page.
    """
    told = encode_json([floor, rule, code, subject])
    return hashlib.sha256(told).hexdigest()[:FINGERPRINT_DIGITS]


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something that a rule found, about one subject; instants are UTC.

    A rule has one severity, so what an alert is labelled with never changes: a worse one is
    another rule's alert. `since` is when the condition began, `fired_at` when the rule's time was
    over, and `resolved_at` when it was over for as long as the rule holds it. `ending_since` is
    since when the condition has not been true any more, while it is held. `cause` is the
    fingerprint of the alert that this one follows from. `withheld` says why no page goes out
    although it fires, empty where one does. `paged` says that it ever was to go out: then its
    resolve is, too.
    """

    fingerprint: str
    rule: str
    code: str
    subject: str
    severity: Severity
    state: AlertState
    summary: str
    detail: str
    since: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    owner: str
    runbook: str
    cause: str = ""
    withheld: str = ""
    paged: bool = False
    ending_since: datetime | None = None

    @property
    def pages(self) -> bool:
        """Return whether it goes out now."""
        return self.state is AlertState.FIRING and not self.withheld

    @property
    def order(self) -> tuple[int, datetime, str, str, str]:
        """Sort key: the worst first, then the oldest."""
        return (self.severity.rank, self.since, self.code, self.subject, self.rule)


@dataclass(frozen=True, slots=True)
class AlertBook:
    """
    Every alert that there is at one instant, in their order: what delivery works from.

    It holds pending and firing ones, and resolved ones until every channel has taken the resolve.
    """

    at: datetime
    alerts: tuple[Alert, ...] = ()

    def alert(self, fingerprint: str) -> Alert | None:
        """Find an alert; None where it is not in here."""
        return next((a for a in self.alerts if a.fingerprint == fingerprint), None)


@dataclass(frozen=True, slots=True)
class AlertTransition:
    """
    A change of an alert, and why; also why no page goes out for it, or not any more.

    `from_state` is None for an alert that begins, and `to_state` None for one that was pending and
    is over before it fired. `pages` says whether the alert goes out after it.
    """

    at: datetime
    fingerprint: str
    rule: str
    code: str
    subject: str
    severity: Severity
    from_state: AlertState | None
    to_state: AlertState | None
    pages: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell a channel that an alert is in a state, and the channel's answer."""

    at: datetime
    channel: str
    fingerprint: str
    state: AlertState
    answer: str
    delivered: bool
    attempt: int


Acknowledged = Mapping[str, Mapping[str, AlertState]]
"""For each channel, the state of each alert that it took last, by fingerprint."""


@dataclass(frozen=True, slots=True)
class TransitionPage:
    """Changes of alerts, newest first; `next_before` asks for the page after, None on the last."""

    transitions: tuple[AlertTransition, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Attempts to deliver, newest first; `next_before` as of a page of changes."""

    deliveries: tuple[Delivery, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """
    Which past changes or deliveries are asked for; `before` is a row's number in history.

    From `since` on, and before `until`.
    """

    limit: int = 100
    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    fingerprint: str | None = None
