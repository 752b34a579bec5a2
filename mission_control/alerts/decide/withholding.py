"""Why an alert that fires does not page: its hours, a waiver, or a cause that pages for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from mission_control.alerts.decide.facts import (
    CLUSTER,
    FEED_CODES,
    Dependencies,
    find_agent,
)
from mission_control.alerts.decide.rules import name_phases, rule_phase
from mission_control.alerts.model import (
    Alert,
    AlertEvidence,
    AlertRules,
    AlertState,
    Rule,
    Waiver,
)
from mission_control.documents.instants import new_york_text
from mission_control.floor.model import KILL_SWITCH
from mission_control.model import codes
from mission_control.model.finding import Severity
from mission_control.model.fleet import Fleet, Kind

DELIVERED_WITHIN = timedelta(seconds=30)
"""A cause that no channel took for so long suppresses nothing any more."""
OF_LISTS = frozenset(
    {codes.WORKLOAD_UNSEEN, codes.WORKLOAD_NOT_FOUND, codes.EXECUTION_NOT_PROVEN_OFF}
)
"""What follows from lists of the cluster that are not seen."""
OF_FEEDS = frozenset({*FEED_CODES, codes.CONTRADICTION})
"""What follows from a feed that is not fresh, whether or not the fleet file says so."""


class _Asked(NamedTuple):
    """A firing alert, and what the subjects are whose alerts it may follow from."""

    alert: Alert
    causes: frozenset[str]


def withhold(
    alerts: Sequence[Alert],
    before: Mapping[str, Alert],
    rules: AlertRules,
    seen: AlertEvidence,
    now: datetime,
) -> Mapping[str, Alert]:
    """
    Return the alerts by fingerprint, each with why it does not page, or with when it first did.

    P0 is never withheld (docs/semantics.md#R11.3). One that pages already is not taken back for a
    cause that shows later: it names it.
    """
    settled = {a.fingerprint: a for a in alerts}
    named = {r.name: r for r in rules.rules}
    left = list[Alert]()
    for alert in alerts:
        if alert.state is not AlertState.FIRING:
            continue
        if alert.ending_since is not None and alert.withheld:
            continue  # it is not true any more, so it does not begin to page
        why = _own_reason(alert, named.get(alert.rule), rules.waivers, seen, now)
        if why:
            settled[alert.fingerprint] = replace_if(alert, withheld=why, cause="")
        else:
            left.append(alert)
    by_subject, depends = dict[str, list[Alert]](), Dependencies(seen.snapshot.fleet)
    feeds = _feeds(left, seen.snapshot.fleet, depends)
    asked = [_ask(a, named.get(a.rule), depends, feeds) for a in left]
    for each in sorted(asked, key=_causes_first):
        known = before.get(each.alert.fingerprint)
        paged = known is not None and known.pages
        decided = _follow(each.alert, _cause(each, by_subject, seen, now), now, paged=paged)
        if decided.pages:
            by_subject.setdefault(decided.subject, []).append(decided)
        settled[decided.fingerprint] = decided
    return settled


def replace_if(alert: Alert, **changes: object) -> Alert:
    """Return the alert with changes; itself where there are none."""
    same = all(getattr(alert, name) == value for name, value in changes.items())
    return alert if same else replace(alert, **changes)  # pyright: ignore[reportArgumentType]


def _own_reason(
    alert: Alert,
    rule: Rule | None,
    waivers: Sequence[Waiver],
    seen: AlertEvidence,
    now: datetime,
) -> str:
    """Say why an alert does not page, whatever else fires."""
    if alert.severity is Severity.P0:
        return ""
    if alert.severity is Severity.INFO:
        return "INFO never pages"
    waiver = _waiver(alert, waivers, now)
    if waiver is not None:
        return f"waived until {new_york_text(waiver.until)} by {waiver.who}: {waiver.why}"
    if rule is not None and rule_phase(seen.snapshot.session) not in rule.phases:
        return f"outside {name_phases(rule.phases)}"
    return ""


def _waiver(alert: Alert, waivers: Iterable[Waiver], now: datetime) -> Waiver | None:
    about = (alert.code, alert.subject)
    return next((w for w in waivers if (w.code, w.subject) == about and now < w.until), None)


def _feeds(alerts: Iterable[Alert], fleet: Fleet, depends: Dependencies) -> frozenset[str]:
    """Return the marketdata services that alerts fire for, with all that they depend on."""
    found = set[str]()
    for subject in {a.subject for a in alerts}:
        agent = find_agent(fleet, subject)
        if agent is not None and agent.kind is Kind.MARKETDATA:
            found |= {subject} | depends.of(subject)
    return frozenset(found)


def _ask(alert: Alert, rule: Rule | None, depends: Dependencies, feeds: frozenset[str]) -> _Asked:
    if alert.severity is Severity.P0:  # it is told with its cause, and never withheld for it
        return _Asked(alert, frozenset({KILL_SWITCH, alert.subject}))
    if rule is None or not rule.follows:
        return _Asked(alert, frozenset())
    causes = depends.of(alert.subject) | {alert.subject}
    if alert.code == codes.KILL_SWITCH:
        causes |= {KILL_SWITCH}
    if alert.code in OF_LISTS:
        causes |= {CLUSTER}
    if alert.code in OF_FEEDS and alert.subject not in feeds:
        causes |= feeds
    return _Asked(alert, causes)


def _causes_first(
    asked: _Asked,
) -> tuple[bool, int, datetime, tuple[int, datetime, str, str, str]]:
    """Sort causes before what follows from them: P0 first, then what depends on least."""
    alert = asked.alert
    milder = alert.severity is not Severity.P0
    return (milder, len(asked.causes), alert.fired_at or alert.since, alert.order)


def _cause(
    asked: _Asked, paging: Mapping[str, Sequence[Alert]], seen: AlertEvidence, now: datetime
) -> Alert | None:
    """Return the worst alert that pages and that this one follows from."""
    found = [
        alert
        for subject in asked.causes
        for alert in paging.get(subject, ())
        if alert.severity.rank <= asked.alert.severity.rank and _is_delivered(alert, seen, now)
    ]
    return min(found, key=lambda a: a.order, default=None)


def _is_delivered(alert: Alert, seen: AlertEvidence, now: datetime) -> bool:
    """Return whether a page reached anyone, or is young enough to reach them yet."""
    channels = seen.acknowledged.values()
    taken = any(states.get(alert.fingerprint) is AlertState.FIRING for states in channels)
    since = alert.paged_at or now
    return taken or not channels or now - since < DELIVERED_WITHIN


def _follow(alert: Alert, cause: Alert | None, now: datetime, *, paged: bool) -> Alert:
    """Return the alert as it pages, or is withheld for its cause; `paged` says that it did."""
    if cause is not None and not paged and alert.severity is not Severity.P0:
        why = f"suppressed by {cause.subject} ({cause.code})"
        return replace_if(alert, cause=cause.fingerprint, withheld=why)
    since = alert.paged_at if paged else now
    named = cause.fingerprint if cause is not None else ""
    return replace_if(alert, cause=named, withheld="", paged_at=since)
