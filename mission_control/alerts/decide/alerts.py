"""From the alerts before to those of now: what begins, fires, goes on and is over, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from mission_control.alerts.decide.facts import UNSURE, find_facts
from mission_control.alerts.decide.rules import (
    MINUTE,
    RuleChoice,
    alerts_by_key,
    code_of,
    describe_wait,
    elapsed_seconds,
    keys_of,
    rule_phase,
)
from mission_control.alerts.decide.withholding import withhold
from mission_control.alerts.model import (
    Alert,
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    AlertTransition,
    Fact,
    Rule,
    Source,
    fingerprint_of,
)
from mission_control.model.catalogue import explain, runbook_code

KEPT_AT_MOST = timedelta(hours=24)
"""A resolved alert waits so long for a channel to take the resolve; then it is given up."""
_ABOUT_RUNS = frozenset({Source.RUN, Source.READINESS})
_POSITIVE = frozenset({Source.ALARM, Source.EVENT})
"""What is seen is seen, also before everything was asked."""


class _Match(NamedTuple):
    """A fact, the rule that takes it, and what its alert is called."""

    fact: Fact
    rule: Rule
    code: str


@dataclass(frozen=True, slots=True)
class _Moved:
    """An alert after this decision, None where it is gone, and why it is in its state."""

    alert: Alert | None
    why: str


def decide_alerts(
    rules: AlertRules, before: AlertBook, seen: AlertEvidence, now: datetime
) -> tuple[AlertBook, tuple[AlertTransition, ...]]:
    """
    Decide every alert at `now`, and say of each change why (docs/semantics.md#R11.2).

    What fires pages at once where nothing withholds it. What was seen to end is held for the rule's
    hold, so that a blip pages once. The cost is that of what is wrong and of what is in the book.
    """
    matches = _match(rules, before, seen)
    if not matches and not before.alerts:
        return AlertBook(now), ()
    known = {a.fingerprint: a for a in before.alerts}
    moved = dict[str, _Moved]()
    for fingerprint, match in matches.items():
        moved[fingerprint] = _go_on(fingerprint, known.get(fingerprint), match, seen, now)
    by_key = {match.fact.key: match for match in matches.values()}
    alarmed = {m.fact.subject for m in matches.values() if m.fact.source is Source.ALARM}
    named = {r.name: r for r in rules.rules}
    for alert in before.alerts:
        if alert.fingerprint not in matches:
            rule = named.get(alert.rule)
            keys = keys_of(alert, rule) if rule is not None else ()
            taken = next((by_key[key] for key in keys if key in by_key), None)
            if rule is not None and _is_unseen(rule, alert, alarmed, seen):
                moved[alert.fingerprint] = _stay(alert, seen, now)
            else:
                moved[alert.fingerprint] = _end(alert, rule, taken, seen, now)
    alerts = [m.alert for m in moved.values() if m.alert is not None]
    settled = withhold(alerts, known, rules, seen, now)
    book = AlertBook(now, tuple(sorted(settled.values(), key=lambda a: a.order)))
    told = _transitions(known, moved, settled, now)
    return book, tuple(sorted(told, key=lambda t: (t.severity.rank, t.fingerprint)))


def _match(rules: AlertRules, before: AlertBook, seen: AlertEvidence) -> Mapping[str, _Match]:
    """Return each fact with its rule, by the fingerprint of its alert."""
    facts = find_facts(seen)
    if not facts:
        return {}
    phase, verdict = rule_phase(seen.snapshot.session), seen.snapshot.posture.verdict
    choice = RuleChoice(rules.rules, phase, verdict)
    firing = alerts_by_key(before.alerts, rules)
    found = dict[str, _Match]()
    for fact in facts:
        alert, known = firing.get(fact.key, (None, None))
        rule = choice.choose(fact, known)
        if rule is not None:
            code = code_of(rule, fact) if alert is None or rule is not known else alert.code
            named = fingerprint_of(seen.floor, rule.name, code, fact.subject)
            found.setdefault(named, _Match(fact, rule, code))
    return found


def _go_on(
    fingerprint: str, alert: Alert | None, match: _Match, seen: AlertEvidence, now: datetime
) -> _Moved:
    """Begin an alert whose condition is true, or let it go on."""
    if alert is not None and alert.state is AlertState.FIRING:
        return _Moved(replace(alert, ending_since=None) if alert.ending_since else alert, "")
    fact, rule = match.fact, match.rule
    if alert is None and (_is_too_early(fact, seen) or _is_after_hours(match, seen)):
        return _Moved(None, "")
    if alert is not None and _is_after_hours(match, seen):
        pending = alert.state is AlertState.PENDING
        return _Moved(None, _IGNORED) if pending else _settle(alert, seen, now)
    begun = alert if alert is not None and alert.state is AlertState.PENDING else None
    if begun is None:
        since = now if fact.since is None else min(fact.since, now)
        paged = alert.paged_at if alert is not None else None
        begun = replace(_begin(fingerprint, match, since), paged_at=paged)
    unsure = _unsure(fact, seen)
    if unsure:
        return _Moved(begun, unsure)
    elapsed = elapsed_seconds(rule, begun.since, seen, now)
    if elapsed < rule.wait_seconds:
        why = f"true for {age_text(elapsed)}, and {rule.name} waits {describe_wait(rule)}"
        return _Moved(begun, why)
    why = f"{rule.name} fires at once"
    if rule.wait_seconds:
        lasted = age_text((now - begun.since).total_seconds())
        why = f"true for {lasted}, and {rule.name} waits {describe_wait(rule)}"
    fired = replace(
        begun,
        state=AlertState.FIRING,
        fired_at=now,
        resolved_at=None,
        summary=_summary(match, begun.since, now),
        detail=fact.detail,
    )
    return _Moved(fired, why)


_IGNORED = "after hours it is ignored, unless it lasts into the next session's open - 60 min"


def _is_after_hours(match: _Match, seen: AlertEvidence) -> bool:
    """Return whether a feed is not fresh where no tick is due: that begins no alert (R11.5)."""
    outside = rule_phase(seen.snapshot.session) not in match.rule.phases
    return match.fact.source is Source.FEED and outside


def _is_too_early(fact: Fact, seen: AlertEvidence) -> bool:
    """Return whether it may be so only because not everything was asked yet since the start."""
    return seen.starting and fact.source not in _POSITIVE


def _unsure(fact: Fact, seen: AlertEvidence) -> str:
    """Say why a fact is not sure enough to count; empty where it is."""
    if _is_too_early(fact, seen):
        return "Mission Control has just started, and not everything was asked yet"
    if fact.codes[0] in UNSURE:
        return "it was not asked yet"
    return "" if fact.confirmed else "a first silence, which is asked about again"


def _begin(fingerprint: str, match: _Match, since: datetime) -> Alert:
    fact, rule, code = match
    return Alert(
        fingerprint,
        rule.name,
        code,
        fact.subject,
        rule.severity,
        AlertState.PENDING,
        _summary(match, since, since),
        fact.detail,
        since,
        None,
        None,
        fact.owner,
        runbook_code(rule.runbook or code),
    )


def _summary(match: _Match, since: datetime, now: datetime) -> str:
    fact, rule, code = match
    return (rule.summary or "{title}: {subject}").format(
        subject=fact.subject,
        code=code,
        title=explain(code).title,
        state=fact.state.value if fact.state else "not as it should be",
        age=age_text((now - since).total_seconds()),
        detail=fact.detail,
    )


def age_text(seconds: float) -> str:
    """Write how long something has lasted: `7 min 12 s`."""
    minutes, left = divmod(max(0, int(seconds)), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def _end(
    alert: Alert, rule: Rule | None, now_of: _Match | None, seen: AlertEvidence, now: datetime
) -> _Moved:
    """End an alert whose condition is not true any more; `now_of` is what took its fact since."""
    if alert.state is AlertState.RESOLVED:
        return _settle(alert, seen, now)
    if alert.state is AlertState.PENDING:
        return _Moved(None, _never_fired(alert, rule, now_of, now))
    if now_of is not None:
        why = f"{now_of.rule.name} ({now_of.rule.severity}) takes it over"
        return _resolve(alert, why, now)
    if rule is None:
        return _resolve(alert, "its rule is gone", now)
    return _hold(alert, rule, now)


def _never_fired(alert: Alert, rule: Rule | None, now_of: _Match | None, now: datetime) -> str:
    if now_of is not None:
        return f"{now_of.rule.name} ({now_of.rule.severity}) takes it over"
    lasted = age_text((now - alert.since).total_seconds())
    waits = rule is not None and rule.wait_seconds
    limit = f"its {describe_wait(rule)} were over" if rule and waits else "it was confirmed"
    return f"it ended after {lasted}, before {limit}: no page"


def _hold(alert: Alert, rule: Rule, now: datetime) -> _Moved:
    since = alert.ending_since or now
    if (now - since).total_seconds() < rule.hold_seconds:
        return _Moved(alert if alert.ending_since else replace(alert, ending_since=now), "")
    return _resolve(alert, f"it has not been true for {rule.hold_seconds:g} s", now)


def _is_unseen(rule: Rule, alert: Alert, alarmed: Collection[str], seen: AlertEvidence) -> bool:
    """
    Return whether nothing is known now of what a rule speaks of: that ends no alert.

    An alarm about a service leads what is said of it, and hides what else it is about.
    """
    unknown = seen.runs is None and rule.when.source in _ABOUT_RUNS
    hidden = rule.when.source is Source.SERVICE and alert.subject in alarmed
    return unknown or hidden or seen.starting


def _stay(alert: Alert, seen: AlertEvidence, now: datetime) -> _Moved:
    return _settle(alert, seen, now) if alert.state is AlertState.RESOLVED else _Moved(alert, "")


def _resolve(alert: Alert, why: str, now: datetime) -> _Moved:
    state = AlertState.RESOLVED
    over = replace(alert, state=state, resolved_at=now, withheld="", cause="", ending_since=None)
    return _Moved(over, why)


def _settle(alert: Alert, seen: AlertEvidence, now: datetime) -> _Moved:
    """Let go of a resolved alert once every channel has taken the resolve."""
    taken = all(
        states.get(alert.fingerprint) is AlertState.RESOLVED
        for states in seen.acknowledged.values()
    )
    if alert.paged_at is None or taken:
        return _Moved(None, "")
    if alert.resolved_at is not None and now - alert.resolved_at > KEPT_AT_MOST:
        return _Moved(None, "no channel took its resolve for 24 h: it is given up")
    return _Moved(alert, "")


def _transitions(
    known: Mapping[str, Alert],
    moved: Mapping[str, _Moved],
    settled: Mapping[str, Alert],
    now: datetime,
) -> Iterator[AlertTransition]:
    for fingerprint, move in moved.items():
        before, after = known.get(fingerprint), settled.get(fingerprint)
        told = after or before
        reason = _reason(before, after, move.why)
        if reason and told is not None:
            yield AlertTransition(
                now,
                fingerprint,
                told.rule,
                told.code,
                told.subject,
                told.severity,
                before.state if before else None,
                after.state if after else None,
                pages=after is not None and after.pages,
                reason=reason,
            )


def _reason(before: Alert | None, after: Alert | None, why: str) -> str:
    """Say why an alert changed; empty where nothing did that a person would ask about."""
    if after is None:
        return why
    if before is None or before.state is not after.state:
        return f"{why}; {after.withheld}" if after.withheld else why
    if before.withheld == after.withheld:
        return ""
    return after.withheld or f"no longer: {before.withheld}"
