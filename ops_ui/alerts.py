"""
Alerts: what is open, what would have paged and why it did not, what became of them, and channels.

What is missing is never quiet: alerts that are not known are counted as `?`. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ops_ui.alert_answers import AlertHistory, Alerts, Attempt, Channel, OpenAlert, Transition
from ops_ui.formats import clock_time, duration, instant_of
from ops_ui.incidents import evidence_href
from ops_ui.mission_control_client import Missed

_MAX_FINGERPRINT = 16
_LOOKS = {"P0": "bad", "P1": "bad", "P2": "warn", "INFO": "calm"}
_FIRING = "FIRING"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert as it is shown; `look` is the end of a CSS class, `lasts` for how long it is so."""

    alert: OpenAlert
    look: str
    lasts: str
    runbook: str
    evidence: str = ""

    @property
    def severity(self) -> str:
        """Return its severity; one that is not said counts as the worst."""
        return self.alert.severity or "P0"


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as it is shown; only one that took something and fails in nothing looks well."""

    channel: Channel
    look: str
    glyph: str
    word: str


@dataclass(frozen=True, slots=True)
class AlertsView:
    """
    Every alert by what it does; `trouble` says why they are not known, empty where they are.

    `channels` is None where it is not known which there are.
    """

    look: str
    glyph: str
    word: str
    trouble: str = ""
    found: Alerts | None = None
    paging: tuple[AlertRow, ...] = ()
    withheld: tuple[AlertRow, ...] = ()
    pending: tuple[AlertRow, ...] = ()
    over: tuple[AlertRow, ...] = ()
    channels: tuple[ChannelRow, ...] | None = None


def see_alerts(found: Alerts | Missed) -> AlertsView:
    """Turn the alerts of this moment into what pages show."""
    if isinstance(found, Missed):
        return AlertsView("bad", "?", "NOT KNOWN", found.told or found.detail)
    rows = [_row(alert, found.ts) for alert in found.alerts]
    paging = tuple(r for r in rows if _pages(r.alert))
    withheld = tuple(r for r in rows if r.alert.withheld and r.alert.state == _FIRING)
    trouble = ""
    if found.current is not True:
        since = found.decided_at_et or "an instant that is not known"
        trouble = f"Alerts are no longer decided: what is shown is of {since}"
    look, glyph, word = _sum(paging, withheld, trouble)
    return AlertsView(
        look,
        glyph,
        word,
        trouble,
        found,
        paging,
        withheld,
        pending=tuple(r for r in rows if r.alert.state == "PENDING"),
        over=tuple(r for r in rows if r.alert.state == "RESOLVED"),
        channels=None if found.channels is None else tuple(map(_channel, found.channels)),
    )


def _pages(alert: OpenAlert) -> bool:
    """Return whether it pages; what is not said to be something quieter does."""
    quiet = alert.state in {"PENDING", "RESOLVED"} or alert.withheld != ""
    return alert.pages is True or not quiet


def _sum(
    paging: Sequence[AlertRow], withheld: Sequence[AlertRow], trouble: str
) -> tuple[str, str, str]:
    if trouble:
        return "bad", "?", "NOT KNOWN"
    if paging:
        worst = min(row.severity for row in paging)
        return "bad", "■", f"{len(paging)} open, the worst {worst}"
    if withheld:
        return "warn", "▲", f"None pages; {len(withheld)} would have"
    return "fine", "●", "None is open"


def _row(alert: OpenAlert, now: str) -> AlertRow:
    begun, asked = instant_of(alert.since), instant_of(now)
    lasts = "" if begun is None or asked is None else duration((asked - begun).total_seconds())
    query = urlencode({"alert": alert.fingerprint}) if alert.fingerprint else ""
    code = "".join(c for c in alert.runbook or alert.code if c.isalnum() or c == "_")
    runbook = f"/runbooks/{code}?{query}" if code else ""
    look = _LOOKS.get(alert.severity, "bad") if _pages(alert) else "calm"
    evidence = evidence_href(
        alert.since, alert.resolved_at or now, f"{alert.code} {alert.subject}".strip()
    )
    return AlertRow(alert, look, lasts, runbook, evidence)


def _channel(channel: Channel) -> ChannelRow:
    if channel.failing_since or channel.dead_letters or channel.waiting is None:
        since = f" since {clock_time(channel.failing_since)}" if channel.failing_since else ""
        return ChannelRow(channel, "bad", "■", f"FAILING{since}")
    if not channel.delivered_at:
        return ChannelRow(channel, "calm", "○", "nothing was sent yet")
    return ChannelRow(channel, "fine", "●", "takes what it is sent")


def would_have_paged(transitions: Sequence[Transition]) -> Sequence[Transition]:
    """Return the changes after which an alert fired without a page."""
    return [t for t in transitions if t.to_state == _FIRING and t.pages is not True]


@dataclass(frozen=True, slots=True)
class Incident:
    """One alert's facts, for above its runbook; the past of it newest first."""

    row: AlertRow
    transitions: tuple[Transition, ...]
    deliveries: tuple[Attempt, ...]


def find_incident(
    found: Alerts | Missed, history: AlertHistory | Missed, fingerprint: str
) -> Incident | None:
    """Return what is known of an alert, which may be over; None where nothing is known of it."""
    past = () if isinstance(history, Missed) else history.transitions
    told = () if isinstance(history, Missed) else history.deliveries
    open_ = () if isinstance(found, Missed) else found.alerts
    alert = next((a for a in open_ if a.fingerprint == fingerprint), None)
    if alert is None and past:
        last = past[0]
        alert = _as_it_ended(last, past[-1].at)
    if alert is None:
        return None
    now = "" if isinstance(found, Missed) or alert.resolved_at else found.ts
    return Incident(_row(alert, now or alert.resolved_at), past, told)


def _as_it_ended(last: Transition, since: str) -> OpenAlert:
    """Return what its last change tells of an alert that is over."""
    told = {
        "fingerprint": last.fingerprint,
        "code": last.code,
        "subject": last.subject,
        "severity": last.severity,
        "state": last.to_state or "RESOLVED",
        "summary": last.reason,
        "since": since,
        "resolved_at": last.at,
        "pages": False,
    }
    return OpenAlert.model_validate(told)


EXAMPLE = "marketdata-mcp-server"
"""The service that runbooks name in their commands."""


def fill_commands(
    markdown: str, code: str, subject: str, address: str, *, feeds: bool, namespace: str = ""
) -> str:
    """
    Return a runbook whose commands ask the incident's own service instead of the example.

    Only in code. Where the runbook is about marketdata itself, only a service that `feeds` takes
    the example's place.
    """
    if not address or (code.startswith("MARKETDATA") and not feeds):
        return markdown
    parts = markdown.split("```")
    for n in range(1, len(parts), 2):
        known = f"http://{EXAMPLE}.trading-floor.svc.cluster.local"
        parts[n] = parts[n].replace(known, address).replace(EXAMPLE, subject)
        if namespace:
            parts[n] = parts[n].replace("-n trading-floor", f"-n {namespace}")
    return "```".join(parts)


def plain_fingerprint(text: str) -> str:
    """Return the digits of a fingerprint in an address."""
    return "".join(c for c in text if c in "0123456789abcdef")[:_MAX_FINGERPRINT]
