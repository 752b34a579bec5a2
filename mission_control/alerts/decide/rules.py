"""Which rule takes a fact, in which phase of the market's day, and how long it waits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mission_control.alerts.model import (
    PAGING,
    Alert,
    AlertEvidence,
    AlertRules,
    Condition,
    Fact,
    Rule,
    RulePhase,
    Source,
)
from mission_control.floor.decide.posture import pages_now
from mission_control.floor.model import Verdict
from mission_control.history.model import add_up, share
from mission_control.model.session import MarketSession, Phase, TradingDay

MINUTE = 60


def rule_phase(session: MarketSession) -> RulePhase:
    """Return the phase of the market's day as rules name it."""
    match session.phase:
        case Phase.OPEN:
            return RulePhase.OPEN
        case Phase.UNKNOWN:
            return RulePhase.UNKNOWN
        case Phase.POST_MARKET:
            return RulePhase.POST_MARKET
        case Phase.PRE_MARKET:
            return RulePhase.BEFORE_OPEN if pages_now(session) else RulePhase.NIGHT
        case _:
            return RulePhase.CLOSED


def name_phases(phases: Iterable[RulePhase]) -> str:
    """Say in which phases a rule pages."""
    named = frozenset(phases)
    if named == PAGING:
        return "P1 hours (from open - 60 min to close)"
    return "its phases: " + ", ".join(p.value for p in RulePhase if p in named)


def takes(condition: Condition, fact: Fact, verdict: Verdict) -> bool:
    """Return whether a fact is what a condition asks for."""
    if condition.source not in (Source.ANY, fact.source):
        return False
    if condition.codes and not any(code in condition.codes for code in fact.codes):
        return False
    if condition.only_codes and not condition.only_codes.issuperset(fact.codes):
        return False
    asked: tuple[tuple[frozenset[object], object], ...] = (
        (condition.kinds, fact.kind),
        (condition.criticalities, fact.criticality),
        (condition.states, fact.state),
        (condition.severities, fact.severity),
        (condition.jobs, fact.job),
        (condition.outcomes, fact.outcome),
        (condition.verdicts, verdict),
    )
    if any(wanted and given not in wanted for wanted, given in asked):
        return False
    return condition.halts is None or condition.halts is fact.halts


def choose_rule(
    rules: Iterable[Rule], fact: Fact, phase: RulePhase, verdict: Verdict, known: Rule | None
) -> Rule | None:
    """
    Return the rule that takes a fact: the first that fits in this phase, else the first that fits.

    `known` is the rule of the alert that fires for it already. It keeps the fact while it fits, or
    while another that is just as severe does: one trouble that changes its face is one page.
    """
    first = None
    for rule in rules:
        if (first is None or phase in rule.phases) and takes(rule.when, fact, verdict):
            first = rule
            if phase in rule.phases:
                break
    if first is None or known is None or phase not in known.phases:
        return first
    if first.severity.rank < known.severity.rank:
        return first
    fits = first.severity is known.severity or takes(known.when, fact, verdict)
    return known if fits else first


class RuleChoice:
    """
    Chooses rules within one decision, where many facts are alike.

    Facts that a condition cannot distinguish are taken by the same rule.
    """

    def __init__(self, rules: Sequence[Rule], phase: RulePhase, verdict: Verdict) -> None:
        """Choose among these rules, in their order."""
        self._phase, self._verdict = phase, verdict
        self._by_source = {
            source: [r for r in rules if r.when.source in (source, Source.ANY)] for source in Source
        }
        self._chosen: dict[tuple[object, ...], Rule | None] = {}

    def choose(self, fact: Fact, known: Rule | None) -> Rule | None:
        """Return the rule that takes a fact (`choose_rule`)."""
        alike = (
            fact.source,
            fact.codes,
            fact.severity,
            fact.halts,
            fact.kind,
            fact.criticality,
            fact.state,
            fact.job,
            fact.outcome,
            known.name if known is not None else "",
        )
        if alike not in self._chosen:
            rules = self._by_source[fact.source]
            chosen = choose_rule(rules, fact, self._phase, self._verdict, known)
            self._chosen[alike] = chosen
        return self._chosen[alike]


def code_of(rule: Rule, fact: Fact) -> str:
    """Return the code that an alert bears: the first of the rule's that is true, else the lead."""
    return next((c for c in fact.codes if c in rule.when.codes), fact.codes[0])


def alerts_by_key(
    alerts: Iterable[Alert], rules: AlertRules
) -> Mapping[tuple[Source, str, str], tuple[Alert, Rule]]:
    """Return the firing alerts by what they are about, as `Fact.key` has it."""
    named = {r.name: r for r in rules.rules}
    found = dict[tuple[Source, str, str], tuple[Alert, Rule]]()
    for alert in alerts:
        rule = named.get(alert.rule)
        if rule is not None and alert.fired_at is not None and alert.resolved_at is None:
            for key in keys_of(alert, rule):
                found.setdefault(key, (alert, rule))
    return found


def keys_of(alert: Alert, rule: Rule) -> Iterable[tuple[Source, str, str]]:
    """Return what an alert of a rule may be about, as `Fact.key` has it."""
    for source in Source if rule.when.source is Source.ANY else (rule.when.source,):
        one = source in {Source.ALARM, Source.REASON}
        yield (source, alert.code if one else "", alert.subject)


def elapsed_seconds(rule: Rule, since: datetime, evidence: AlertEvidence, now: datetime) -> float:
    """
    Return for how long a condition has been true, on the clock that its rule names.

    The market's time is that of sessions from open to close. Where no session is known the market
    counts as open, so its time goes with the wall's.
    """
    if not rule.market or evidence.snapshot.session.phase is Phase.UNKNOWN:
        return (now - since).total_seconds()
    return market_seconds(evidence.sessions, since, now)


def market_seconds(sessions: Sequence[TradingDay], since: datetime, until: datetime) -> float:
    """Return how long the market was open between two instants."""
    hours = [(s.open, s.close) for s in sessions]
    return add_up(share(hours, [(since, until)])).total_seconds()


def describe_wait(rule: Rule) -> str:
    """Say how long a rule waits."""
    seconds = rule.wait_seconds
    minutes, left = divmod(seconds, MINUTE)
    told = f"{minutes:g} min" if minutes and not left else f"{seconds:g} s"
    return f"{told} of the market's time" if rule.market else told
