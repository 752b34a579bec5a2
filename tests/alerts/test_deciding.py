"""Alerts: what fires, goes on and is over, one rule at a time."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mission_control.alerts.decide.alerts import age_text, decide_alerts
from mission_control.alerts.decide.rules import (
    choose_rule,
    describe_wait,
    market_seconds,
    name_phases,
    takes,
)
from mission_control.alerts.load import load_alert_rules
from mission_control.alerts.model import (
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    Condition,
    Fact,
    Rule,
    RulePhase,
    Source,
    Waiver,
)
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import Verdict
from mission_control.model import codes
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Criticality, Kind
from mission_control.model.reading import UnseenReason
from mission_control.model.session import MarketSession, Phase, TradingDay
from mission_control.readiness.model import ReadinessVerdict
from mission_control.schedule.model import Job, RunOutcome, RunStage
from tests.alerts.recorded_day import (
    CALENDAR,
    ENGINE,
    FLOOR,
    RULES,
    LivedDay,
    at,
    stale_feed,
)
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import (
    GAMMA,
    INGEST,
    MARKETDATA,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
    unseen,
)

DAY = date(2026, 11, 18)
OPEN = at(DAY, "10:00:00")
NIGHT = at(DAY, "20:00:00")
MINUTE = timedelta(minutes=1)


def silence(agent, *, confirmed=True, reason=UnseenReason.TIMEOUT):
    """Return a hurt: an agent's primary path is not seen."""

    def hurt(day: LivedDay) -> None:
        path = agent.primary_path or ""
        lost = replace(unseen(reason, day.now), confirmed=confirmed)
        day.floor.answers[agent.agent_name][path] = lost

    return hurt


def says(agent, path, value):
    """Return a hurt: an agent says something else in its status."""

    def hurt(day: LivedDay) -> None:
        document = changed(rich(agent, day.now), path, value)
        day.floor.answer(agent, "/ops/status", document)

    return hurt


def day_at(now, *hurts, **more) -> LivedDay:
    """Return a floor at an instant that was calm before, hurt from now on."""
    day = LivedDay(now - MINUTE, **more)
    day.until(now, 20)
    day.hurts += hurts
    return day


def states(day: LivedDay) -> dict[str, tuple[AlertState, str]]:
    """Return each alert's state, and why it is withheld, by rule and subject."""
    return {f"{a.rule} {a.subject}": (a.state, a.withheld) for a in day.alerts()}


def reasons(day: LivedDay, rule: str) -> list[str]:
    """Return why alerts of a rule changed."""
    return [t.reason for t in day.transitions if t.rule == rule]


def test_a_calm_floor_has_no_alert():
    """Where nothing is wrong there is nothing to decide, and nothing is said."""
    day = day_at(OPEN)

    assert ((), []) == (day.step().alerts, day.transitions)


@pytest.mark.parametrize("now", [OPEN, NIGHT], ids=["open", "night"])
def test_a_p0_pages_at_once_in_every_phase(now):
    """R11.3: evidence of execution fires with the decision that shows it."""
    day = day_at(now, says(STRATEGY, "safety.safe_to_execute_orders", value=True))
    day.step()

    assert ["execution_evidence strategy-engine"] == day.paging()


def test_a_p0_is_never_waived():
    """R11.3, R11.8: a waiver that names it changes nothing."""
    waiver = Waiver(codes.EXECUTION_EVIDENCE, "strategy-engine", NIGHT, "me", "quiet")
    rules = replace(RULES, waivers=(waiver,))
    day = day_at(OPEN, says(STRATEGY, "safety.safe_to_execute_orders", value=True), rules=rules)
    day.step()

    assert ["execution_evidence strategy-engine"] == day.paging()


def test_a_first_silence_never_pages():
    """R11.3: it is pending until it is confirmed, and says so; confirmed, it pages at once."""
    day = day_at(OPEN, silence(INGEST, confirmed=False))
    day.step()
    before = states(day)
    day.hurts[:] = [silence(INGEST)]
    day.step()

    assert {"service_unexpected market-ingest": (AlertState.PENDING, "")} == before
    assert ["service_unexpected market-ingest"] == day.paging()
    assert "a first silence, which is asked about again" == day.transitions[0].reason


def test_a_first_silence_during_the_hold_resolves_nothing():
    """R11.6: while it is asked again the alert that fires stays."""
    day = day_at(OPEN, silence(INGEST))
    day.step()
    day.hurts.clear()
    day.step(30)
    day.hurts.append(silence(INGEST, confirmed=False))
    day.step(40)
    day.step(40)

    assert ["service_unexpected market-ingest"] == day.paging()


def test_a_blip_after_a_page_is_no_second_page():
    """R11.6: within the hold the same alert goes on; after it, it has resolved."""
    day = day_at(OPEN, silence(INGEST))
    day.step()
    day.hurts.clear()
    day.step(30)
    day.hurts.append(silence(INGEST))
    day.step(20)
    day.hurts.clear()
    day.step(59)
    held = [a.ending_since for a in day.alerts()]
    day.step(61)
    pages = [t.pages for t in day.transitions]

    assert [day.now - timedelta(seconds=61)] == held
    assert [True, False] == pages
    assert "it has not been true for 60 s" == day.transitions[-1].reason


def test_a_resolve_is_kept_until_every_channel_took_it():
    """R11.11: without that it would be lost with a channel that does not answer."""
    day = day_at(OPEN, silence(INGEST), channels=("pager", "mail"))
    day.step()
    day.hurts.clear()
    day.delivers = False
    day.step(1)
    day.step(61)
    day.step(1)
    kept = states(day)
    day.taken["pager"] = {a.fingerprint: AlertState.RESOLVED for a in day.alerts()}
    day.step(1)
    still = states(day)
    day.taken["mail"] = dict(day.taken["pager"])
    day.step(1)

    assert {"service_unexpected market-ingest": (AlertState.RESOLVED, "")} == kept == still
    assert () == day.alerts()


def test_a_resolve_that_nobody_takes_is_given_up_after_a_day():
    """A channel that is gone for good does not keep it for ever, and that is said."""
    day = day_at(OPEN, silence(INGEST), channels=("pager",))
    day.step()
    day.hurts.clear()
    day.delivers = False
    day.step(1)
    day.step(61)
    day.until(day.now + timedelta(hours=24, minutes=1), 3600)

    assert () == day.alerts()
    assert "given up" in day.transitions[-1].reason


def test_a_resolved_alert_that_is_true_again_pages_again():
    """R11.11: also where its resolve was not taken yet; its channels are told anew."""
    day = day_at(OPEN, silence(INGEST), channels=("pager",))
    day.step()
    day.hurts.clear()
    day.delivers = False
    day.step(1)
    day.step(61)
    day.hurts.append(silence(INGEST))
    day.step(1)
    (alert,) = day.alerts()

    assert (AlertState.FIRING, None, day.now) == (alert.state, alert.resolved_at, alert.paged_at)


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


def test_a_strategy_that_is_unexpectedly_halted_pages():
    """P1, unless the kill switch is why."""
    day = day_at(OPEN, says(STRATEGY, "status.reason_codes", ["HEARTBEAT_STALE"]))
    day.step()

    assert ["strategy_halted strategy-engine"] == day.paging()


def test_a_feed_that_is_stale_pages_two_minutes_after_its_last_tick():
    """R11.5: with no further wait, and its dependents follow from it."""
    day = day_at(OPEN, stale_feed)
    day.last_tick = day.now
    day.until(OPEN + timedelta(seconds=120), 1)
    before = day.paging()
    day.until(OPEN + timedelta(seconds=122), 1)

    assert ([], ["marketdata_stale marketdata-mcp-server"]) == (before, day.paging())


def test_a_feed_that_is_silent_is_one_page():
    """R11.5: its silence tells, and what follows from it is withheld."""
    day = day_at(OPEN, silence(MARKETDATA), silence(ENGINE))
    day.step()
    day.step()

    withheld = "suppressed by marketdata-mcp-server (TIMEOUT)"
    assert ["service_unexpected marketdata-mcp-server"] == day.paging()
    assert (AlertState.FIRING, withheld) == states(day)["service_unexpected strategy-engine"]


def test_a_feed_of_which_nothing_is_known_pages_too():
    """R11.5: unverifiable for 2 min, although the service answers."""
    day = day_at(OPEN, lambda d: d.floor.lose(MARKETDATA, "/healthz", UnseenReason.TIMEOUT))
    day.until(day.now + timedelta(seconds=121), 1)

    assert ["marketdata_unverifiable marketdata-mcp-server"] == day.paging()


def follow(day: LivedDay) -> None:
    """Be silent, cause and dependent."""
    day.step()
    day.step()


def test_a_dependent_pages_when_its_cause_is_over_and_it_is_not():
    """R11.7: what goes on without its cause has another one."""
    day = day_at(OPEN, silence(MARKETDATA), silence(ENGINE))
    follow(day)
    day.hurts[:] = [silence(ENGINE)]
    day.step(1)
    during = day.paging()
    day.step(61)

    assert ["service_unexpected marketdata-mcp-server"] == during
    assert ["service_unexpected strategy-engine"] == day.paging()
    assert "no longer: suppressed by marketdata-mcp-server (TIMEOUT)" in reasons(
        day, "service_unexpected"
    )


def test_a_dependent_that_ends_with_its_cause_never_pages():
    """R11.7: the cause's hold covers what recovers a little later."""
    day = day_at(OPEN, silence(MARKETDATA), silence(ENGINE))
    follow(day)
    day.hurts[:] = [silence(ENGINE)]
    day.step(30)
    day.hurts.clear()
    day.step(10)
    day.until(day.now + 3 * MINUTE, 10)

    assert [] == day.paging()
    assert {"marketdata-mcp-server"} == {t.subject for t in day.transitions if t.pages}


def test_a_cause_that_no_channel_takes_suppresses_nothing():
    """R11.7: for half a minute it is taken for delivered, and then its dependents page."""
    day = day_at(OPEN, silence(MARKETDATA), silence(ENGINE), channels=("pager",), delivers=False)
    follow(day)
    at_first = len(day.paging())
    day.until(day.now + timedelta(seconds=31), 1)

    assert (1, 2) == (at_first, len(day.paging()))


def test_a_cause_that_is_waived_suppresses_nothing():
    """R11.7, R11.8: a waived alert pages for no one."""
    waiver = Waiver("TIMEOUT", "marketdata-mcp-server", OPEN + 5 * MINUTE, "me", "known")
    day = day_at(
        OPEN, silence(MARKETDATA), silence(ENGINE), rules=replace(RULES, waivers=(waiver,))
    )
    follow(day)

    why = "waived until 2026-11-18 10:05:00 EST by me: known"
    assert ["service_unexpected strategy-engine"] == day.paging()
    assert why == states(day)["service_unexpected marketdata-mcp-server"][1]


def test_a_waiver_ends():
    """R11.8: when its time is over the alert pages, while its cause is still true."""
    waiver = Waiver("TIMEOUT", "market-ingest", OPEN + MINUTE, "me", "known")
    day = day_at(OPEN, silence(INGEST), rules=replace(RULES, waivers=(waiver,)))
    day.step()
    before = day.paging()
    day.until(OPEN + MINUTE, 10)

    assert ([], ["service_unexpected market-ingest"]) == (before, day.paging())


def test_a_milder_alert_is_no_cause():
    """R11.7: a P2 suppresses no P1."""
    rule = RULES.rule("service_unexpected")
    assert rule is not None
    mild = replace(
        rule,
        name="mild",
        severity=Severity.P2,
        when=replace(rule.when, kinds=frozenset({Kind.MARKETDATA})),
    )
    day = day_at(OPEN, silence(MARKETDATA), silence(ENGINE), rules=AlertRules((mild, *RULES.rules)))
    follow(day)

    assert {"mild marketdata-mcp-server", "service_unexpected strategy-engine"} == set(day.paging())


def test_one_that_pages_already_is_not_taken_back():
    """R11.7: a cause that shows later is named, and the page stays."""
    day = day_at(OPEN, silence(ENGINE))
    day.step()
    day.hurts.append(silence(MARKETDATA))
    day.step()
    alert = next(a for a in day.alerts() if a.subject == "strategy-engine")

    assert {
        "service_unexpected strategy-engine",
        "service_unexpected marketdata-mcp-server",
    } == set(day.paging())
    assert alert.cause


@pytest.mark.parametrize(
    ("job", "verdict", "paging"),
    [
        pytest.param(
            Job.PRE_MARKET, ReadinessVerdict.NO_GO, ["readiness_no_go_early readiness"], id="T-60"
        ),
        pytest.param(
            Job.PRE_OPEN, ReadinessVerdict.NO_GO, ["readiness_no_go readiness"], id="T-15"
        ),
        pytest.param(
            Job.OPEN_VERIFICATION,
            ReadinessVerdict.NO_GO,
            ["readiness_no_go readiness"],
            id="T+5",
        ),
        pytest.param(Job.PRE_OPEN, ReadinessVerdict.GO, [], id="GO"),
    ],
)
def test_a_no_go_alerts_early_and_pages_later(job, verdict, paging):
    """R11.9: at open - 60 min the same day, then at once."""
    day = day_at(at(DAY, "09:00:00"))
    day.run(job, RunOutcome.SUCCEEDED, verdict)
    day.step()

    assert paging == day.paging()


def test_a_no_go_is_over_at_the_close():
    """R11.9: after it every verdict is NO-GO."""
    day = day_at(at(DAY, "15:59:00"))
    day.run(Job.OPEN_VERIFICATION, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    day.step()
    before = day.paging()
    day.until(at(DAY, "16:01:30"), 5)

    assert (["readiness_no_go readiness"], []) == (before, day.paging())


def test_a_no_go_from_before_its_hour_says_nothing():
    """R11.9: made before open - 60 min it is SESSION_CLOSED in any case."""
    day = day_at(at(DAY, "07:00:00"))
    day.run(Job.PRE_MARKET, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    day.step()

    assert [] == day.paging()


@pytest.mark.parametrize(
    ("job", "outcome", "told"),
    [
        (Job.PRE_OPEN, RunOutcome.MISSED, {"run_lost_before_open pre_open_readiness": ""}),
        (Job.PRE_OPEN, RunOutcome.LATE, {}),
        (Job.OPEN_VERIFICATION, RunOutcome.FAILED, {"run_lost open_verification": ""}),
        (Job.INTRADAY_SAMPLE, RunOutcome.OVERLAPPED, {"run_lost intraday_sample": ""}),
        (Job.LKG_CAPTURE, RunOutcome.FAILED, {"lkg_capture_lost lkg_capture": "INFO never pages"}),
    ],
)
def test_a_run_without_evidence_alerts(job, outcome, told):
    """R11.9: P1 for those before the open, else P2; a capture alone is INFO."""
    day = day_at(at(DAY, "09:32:00"))
    day.run(job, outcome)
    if outcome is not RunOutcome.FAILED:
        day.runs[-1] = replace(day.runs[-1], run=replace(day.runs[-1].run, deadline=day.now))
    day.step()

    assert told == {name: withheld for name, (_, withheld) in states(day).items()}


def test_a_capture_that_fails_in_an_incident_is_p2():
    """R11.9: then it may be needed."""
    day = day_at(OPEN, silence(INGEST))
    day.run(Job.LKG_CAPTURE, RunOutcome.FAILED)
    day.step()

    assert "lkg_capture_lost_in_incident lkg_capture" in day.paging()


def test_runs_that_cannot_be_read_end_no_alert():
    """R11.10: what is not known is not over."""
    day = day_at(OPEN)
    day.run(Job.OPEN_VERIFICATION, RunOutcome.FAILED)
    day.step()
    day.runs_known = False
    day.until(day.now + 5 * MINUTE, 30)

    assert ["run_lost open_verification"] == day.paging()


def test_a_run_from_before_the_floor_was_watched_was_not_lost():
    """A root that is new at noon has missed nothing in the morning."""
    day = day_at(at(DAY, "12:00:00"))
    day.run(Job.PRE_OPEN, RunOutcome.MISSED)
    day.decide(began=day.now)

    assert () == day.alerts()


def test_a_run_is_lost_until_the_day_is_over_or_a_later_one_ran():
    """R11.9: the next day it is history."""
    day = day_at(OPEN)
    day.run(Job.OPEN_VERIFICATION, RunOutcome.FAILED)
    planned = replace(day.runs[0], stage=RunStage.PLANNED, outcome=None)
    skipped = replace(day.runs[0], outcome=RunOutcome.SKIPPED_HOLIDAY)
    day.runs += [planned, skipped]
    day.step()
    day.until(at(date(2026, 11, 19), "00:02:00"), 600)

    assert [] == day.paging()


def test_a_service_behind_an_alarm_is_not_over():
    """R11.10: the alarm leads what is said of it, so its other trouble goes on."""
    day = day_at(OPEN, silence(INGEST))
    day.step()
    day.hurts[:] = [says(INGEST, "agent_identity.agent_mode", "LIVE")]
    day.step()
    day.hurts.clear()
    day.until(day.now + 2 * MINUTE, 10)

    assert {"execution_evidence market-ingest", "service_unexpected market-ingest"} == set(
        day.paging()
    )


def test_just_after_a_start_what_was_not_asked_is_no_news():
    """R11.3: neither begins nor ends anything; an alarm pages all the same."""
    day = day_at(OPEN, silence(INGEST))
    day.step()
    day.hurts.clear()
    day.floor.refresh(day.now + 2 * MINUTE)
    day.now += 2 * MINUTE
    for hurt in (silence(GAMMA), says(STRATEGY, "safety.safe_to_execute_orders", value=True)):
        hurt(day)
    day.decide(starting=True)
    begun = set(day.paging())
    day.floor.refresh(day.now)
    day.decide(starting=True)

    assert {"service_unexpected market-ingest", "execution_evidence strategy-engine"} == begun
    assert begun == set(day.paging())


def test_one_that_was_pending_at_a_start_waits_on():
    """R11.3: it fires once everything was asked."""
    day = day_at(OPEN, silence(INGEST, confirmed=False))
    day.step()
    day.hurts[:] = []
    silence(INGEST)(day)
    day.decide(starting=True)
    before = states(day)
    silence(INGEST)(day)
    day.decide()

    assert [AlertState.PENDING] == [s for s, _ in before.values()]
    assert ["service_unexpected market-ingest"] == day.paging()


def test_changed_closures_that_move_the_session_page():
    """A reload that closes a running session pages in any phase, and is over a minute later."""
    day = day_at(OPEN)
    moved = FloorEvent(1, day.now, EventType.FILES_RELOADED, "closed at 12:00", Severity.P1)
    harmless = FloorEvent(2, day.now, EventType.FILES_RELOADED, "again")
    day.decide(events=(moved, harmless))
    paging = day.paging()
    day.until(day.now + 2 * MINUTE, 10)

    assert (["session_changed market-calendar"], []) == (paging, day.paging())


def test_a_scheduler_that_has_stalled_pages():
    """The day's runs are no longer begun."""
    day = day_at(OPEN)
    day.decide(scheduler_stalled="no beat since 10:00")

    assert ["floor_reason scheduler"] == day.paging()


def test_reasons_beside_the_floor_are_facts_too():
    """A channel that takes nothing is one of them."""
    day = day_at(OPEN)
    reason = Reason(codes.DELIVERY_FAILING, "pager", Severity.P2, "HTTP 503")
    day.decide(further=(reason,))

    assert ["floor_notice pager"] == day.paging()


def test_a_rule_that_is_gone_resolves_its_alerts():
    """A reload that drops a rule leaves nothing behind."""
    day = day_at(OPEN, silence(INGEST))
    day.step()
    kept = tuple(r for r in RULES.rules if r.severity is Severity.P0)
    day.rules = AlertRules(kept)
    day.step()

    assert ["its rule is gone"] == reasons(day, "service_unexpected")[1:]


def test_a_pending_alert_whose_rule_is_gone_is_dropped():
    """It never fired, so nothing is resolved."""
    day = day_at(OPEN, silence(INGEST, confirmed=False))
    day.step()
    day.rules = AlertRules(())
    day.step()

    assert "it ended after 1 s, before it was confirmed: no page" == day.transitions[-1].reason


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


LOST = ["pods", "deployments"]


def cluster_day(*hurts) -> LivedDay:
    """Return a floor on a cluster, which is read beside its services."""
    day = LivedDay(OPEN)
    day.floor = ClusterFloor(now=OPEN, session_at=CALENDAR.session_at)
    day.hurts += hurts
    return day


def test_lists_that_are_not_seen_are_one_alert():
    """However many are lost, and what follows from them names them."""
    day = cluster_day()
    seen = AlertEvidence(FLOOR, day.floor.decide(OPEN + MINUTE))
    lost = [
        Reason("DENIED", f"cluster trading-floor/{name}", Severity.P1, "not seen: 403", halts=True)
        for name in LOST
    ]
    follows = Reason("WORKLOAD_NOT_FOUND", "strategy-engine", Severity.P1, "gone", halts=True)
    outdated = Reason("RELOAD_FAILED", "cluster", Severity.INFO, "certificates changed")
    report = next(s for s in seen.snapshot.services if s.agent.agent_name == "strategy-engine")
    services = tuple(
        replace(report, expected=False) if s is report else s for s in seen.snapshot.services
    )
    posture = replace(seen.snapshot.posture, reasons=(*lost, follows, outdated))
    snapshot = replace(seen.snapshot, posture=posture, services=services)
    book, _ = decide_alerts(RULES, AlertBook(OPEN), replace(seen, snapshot=snapshot), OPEN)
    told = {f"{a.rule} {a.subject}": (a.detail, a.withheld) for a in book.alerts}
    first = "cluster trading-floor/pods: not seen: 403 (and 1 lists more)"

    assert {
        "cluster_unseen cluster": (first, ""),
        "service_unexpected strategy-engine": ("gone", "suppressed by cluster (DENIED)"),
        "floor_information cluster": ("certificates changed", "INFO never pages"),
    } == told
    assert None is book.alert("nothing")
    assert book.alerts[0] == book.alert(book.alerts[0].fingerprint)


def test_a_fleet_without_a_feed_has_one_alert_for_it():
    """R11.5: nothing that is required speaks of freshness."""
    day = LivedDay(OPEN)
    day.floor = FloorOfValues(now=OPEN, session_at=CALENDAR.session_at)
    day.floor.fleet = replace(day.floor.fleet, agents=(GAMMA, INGEST))
    snapshot = day.floor.decide(OPEN)
    book, _ = decide_alerts(RULES, AlertBook(OPEN), AlertEvidence(FLOOR, snapshot), OPEN)

    assert [("marketdata_unverifiable", "fleet")] == [(a.rule, a.subject) for a in book.alerts]
