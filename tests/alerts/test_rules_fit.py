"""Alerts: which rule takes a fact, and on which clock it waits."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mission_control.alerts.decide.alerts import age_text
from mission_control.alerts.decide.rules import (
    choose_rule,
    describe_wait,
    market_seconds,
    name_phases,
    takes,
)
from mission_control.alerts.load import load_alert_rules
from mission_control.alerts.model import (
    AlertRules,
    Condition,
    Fact,
    Rule,
    RulePhase,
    Source,
)
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import Verdict
from mission_control.model.finding import Severity
from mission_control.model.fleet import Criticality, Kind
from mission_control.model.reading import UnseenReason
from mission_control.model.session import MarketSession, Phase, TradingDay
from mission_control.schedule.model import Job
from tests.alerts.hurts import DAY, MINUTE, NIGHT, OPEN, day_at, reasons, says, silence
from tests.alerts.recorded_day import (
    ENGINE,
    RULES,
    at,
)
from tests.floor.floor_of_values import (
    INGEST,
)


def test_one_trouble_that_changes_its_face_is_one_page():
    """R11.2: silent, refusing and crash-looping in turn, a service is one alert."""
    day = day_at(OPEN, silence(INGEST))
    day.step()
    day.hurts[:] = [silence(INGEST, reason=UnseenReason.CONNECTION_REFUSED)]
    day.step()
    day.hurts[:] = [says(INGEST, "status.state", "DEGRADED")]
    day.step()

    assert [True] == [t.pages for t in day.transitions]
    assert ["service_unexpected market-ingest"] == day.paging()


def test_a_worse_rule_takes_over_and_a_milder_one_too():
    """R11.2: at the close P1 gives way to P2, at open - 60 min it comes back."""
    day = day_at(at(DAY, "15:58:00"), silence(INGEST))
    day.step()
    day.until(at(DAY, "16:00:01"), 10)
    evening = day.paging()
    day.until(at(date(2026, 11, 19), "08:29:59"), 1800)
    day.until(at(date(2026, 11, 19), "08:30:01"), 1)

    assert ["service_unexpected_after_hours market-ingest"] == evening
    assert ["service_unexpected market-ingest"] == day.paging()
    assert ["service_unexpected_after_hours (P2) takes it over"] == reasons(
        day, "service_unexpected"
    )[1:2]


def test_a_pending_alert_may_be_taken_over():
    """R11.2: what was waiting for a milder rule fires by another."""
    first = replace(RULES.rules[0], name="slow", wait_seconds=60, severity=Severity.P1)
    slow = replace(first, when=Condition(Source.SERVICE, codes=("TIMEOUT",)))
    rules = AlertRules((slow, *RULES.rules))
    day = day_at(OPEN, silence(INGEST), rules=rules)
    day.step()
    day.hurts[:] = [silence(INGEST, reason=UnseenReason.CONNECTION_REFUSED)]
    day.step()

    assert ["service_unexpected market-ingest"] == day.paging()
    assert "service_unexpected (P1) takes it over" == reasons(day, "slow")[-1]


def test_crash_loops_wait_on_the_market_clock():
    """R11.6: 5 min of the market's time are not over during the night."""
    rule = RULES.rule("strategy_crash_looping")
    assert rule is not None
    quick = replace(rule, when=Condition(Source.SERVICE, kinds=frozenset({Kind.STRATEGY})))
    rules = AlertRules((replace(quick, phases=frozenset(RulePhase)), *RULES.rules))
    day = day_at(at(DAY, "15:57:00"), silence(ENGINE), rules=rules)
    day.step()
    day.until(at(date(2026, 11, 19), "09:30:00"), 600)
    night = day.paging()
    day.until(at(date(2026, 11, 19), "09:31:59"), 1)
    before = day.paging()
    day.until(at(date(2026, 11, 19), "09:32:02"), 1)

    assert ([], []) == (night, before)
    assert ["strategy_crash_looping strategy-engine"] == day.paging()


def test_without_a_session_the_market_counts_as_open():
    """R11.6: UNKNOWN gates as OPEN, so its time goes with the wall's."""
    rule = RULES.rule("strategy_crash_looping")
    assert rule is not None
    rules = AlertRules((replace(rule, when=Condition(Source.SERVICE)), *RULES.rules))
    day = day_at(OPEN, silence(ENGINE), rules=rules)
    day.floor.session_at = lambda now: MarketSession(at=now, phase=Phase.UNKNOWN, note="lost")
    day.until(day.now + timedelta(minutes=5, seconds=11), 10)

    assert "strategy_crash_looping strategy-engine" in day.paging()


@pytest.mark.parametrize(
    ("condition", "takes_it"),
    [
        (Condition(Source.SERVICE), True),
        (Condition(Source.ANY), True),
        (Condition(Source.FEED), False),
        (Condition(Source.SERVICE, codes=("CRASH_LOOPING", "DENIED")), True),
        (Condition(Source.SERVICE, codes=("DENIED",)), False),
        (Condition(Source.SERVICE, only_codes=frozenset({"TIMEOUT", "CRASH_LOOPING"})), True),
        (Condition(Source.SERVICE, only_codes=frozenset({"TIMEOUT"})), False),
        (Condition(Source.SERVICE, kinds=frozenset({Kind.STRATEGY})), True),
        (Condition(Source.SERVICE, kinds=frozenset({Kind.OPS})), False),
        (Condition(Source.SERVICE, criticalities=frozenset({Criticality.OPTIONAL})), False),
        (Condition(Source.SERVICE, states=frozenset({ServiceState.OFFLINE})), True),
        (Condition(Source.SERVICE, states=frozenset({ServiceState.HALTED})), False),
        (Condition(Source.SERVICE, severities=frozenset({Severity.P2})), False),
        (Condition(Source.SERVICE, halts=True), True),
        (Condition(Source.SERVICE, halts=False), False),
        (Condition(Source.SERVICE, verdicts=frozenset({Verdict.HALTED})), True),
        (Condition(Source.SERVICE, verdicts=frozenset({Verdict.OK})), False),
        (Condition(Source.SERVICE, jobs=frozenset({Job.PRE_OPEN})), False),
    ],
)
def test_a_condition_asks_for_each_of_its_parts(condition, takes_it):
    """An empty part asks for nothing, and every other one has to be so."""
    fact = Fact(
        Source.SERVICE,
        "strategy-engine",
        ("TIMEOUT", "CRASH_LOOPING"),
        "silent",
        Severity.P1,
        halts=True,
        kind=Kind.STRATEGY,
        criticality=Criticality.CRITICAL,
        state=ServiceState.OFFLINE,
    )

    assert takes_it is takes(condition, fact, Verdict.HALTED)


def test_market_time_is_that_of_sessions():
    """It stands still between them."""
    sessions = [
        TradingDay(DAY, at(DAY, "09:30:00"), at(DAY, "16:00:00")),
        TradingDay(date(2026, 11, 19), at(date(2026, 11, 19), "09:30:00"), NIGHT + MINUTE * 1440),
    ]

    assert 90.0 == market_seconds(sessions, at(DAY, "15:59:00"), at(date(2026, 11, 19), "09:30:30"))


def test_waits_phases_and_ages_are_told_in_words():
    """What a person reads of a rule."""
    rule = Rule("a", Severity.P1, Condition(Source.ANY), frozenset(), wait_seconds=300)

    assert ["5 min", "5 min of the market's time", "90 s"] == [
        describe_wait(rule),
        describe_wait(replace(rule, market=True)),
        describe_wait(replace(rule, wait_seconds=90)),
    ]
    assert "its phases: open, closed" == name_phases([RulePhase.CLOSED, RulePhase.OPEN])
    assert ["0 s", "59 s", "2 min 1 s", "3 h 5 min"] == [
        age_text(s) for s in (-3.0, 59.9, 121.0, 3 * 3600 + 300.0)
    ]


def test_every_reason_code_is_taken_by_a_rule():
    """Nothing that the floor can say is without a rule, at any severity of its."""
    rules = load_alert_rules(None, None).rules
    for source in (Source.ALARM, Source.SERVICE, Source.CLUSTER, Source.REASON):
        for severity in Severity:
            fact = Fact(source, "x", ("TIMEOUT",), "", severity)
            for phase in RulePhase:
                rule = choose_rule(rules, fact, phase, Verdict.OK, None)
                assert rule is not None
                assert severity is rule.severity, (source, severity, phase)
