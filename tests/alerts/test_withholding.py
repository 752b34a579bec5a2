"""Alerts that fire and do not page: causes, waivers, and what is never withheld."""

from dataclasses import replace
from datetime import timedelta

from mission_control.alerts.decide.alerts import decide_alerts
from mission_control.alerts.decide.facts import Dependencies
from mission_control.alerts.model import (
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    Waiver,
)
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Kind
from tests.alerts.hurts import MINUTE, NIGHT, OPEN, day_at, reasons, says, silence, states
from tests.alerts.recorded_day import (
    CALENDAR,
    ENGINE,
    FLOOR,
    RULES,
    LivedDay,
)
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import (
    INGEST,
    MARKETDATA,
    STRATEGY,
    FloorOfValues,
)

LOST = ["pods", "deployments"]


def test_a_p0_is_never_waived():
    """R11.3, R11.8: a waiver that names it changes nothing."""
    waiver = Waiver(codes.EXECUTION_EVIDENCE, "strategy-engine", NIGHT, "me", "quiet")
    rules = replace(RULES, waivers=(waiver,))
    day = day_at(OPEN, says(STRATEGY, "safety.safe_to_execute_orders", value=True), rules=rules)
    day.step()

    assert ["execution_evidence strategy-engine"] == day.paging()


def test_a_feed_that_is_silent_is_one_page():
    """R11.5: its silence tells, and what follows from it is withheld."""
    day = day_at(OPEN, silence(MARKETDATA), silence(ENGINE))
    day.step()
    day.step()

    withheld = "suppressed by marketdata-mcp-server (TIMEOUT)"
    assert ["service_unexpected marketdata-mcp-server"] == day.paging()
    assert (AlertState.FIRING, withheld) == states(day)["service_unexpected strategy-engine"]


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


def test_what_follows_from_the_kill_switch_is_told_with_it():
    """R11.7: each P0 pages and names the switch's; the P1s that follow from it are withheld."""
    day = day_at(OPEN, lambda d: setattr(d.floor, "switch", "0\n"))
    day.step()
    day.hurts.append(says(STRATEGY, "safety.kill_switch", value=False))
    day.step()
    root = {a.fingerprint for a in day.alerts() if a.subject == "kill-switch"}
    p0 = [a for a in day.alerts() if a.severity is Severity.P0]
    first = min(p0, key=lambda a: a.order)
    others = {a.code: (a.withheld, a.cause) for a in day.alerts() if a.severity is Severity.P1}

    assert all(a.pages for a in p0)
    assert "" == first.cause
    assert {a.cause for a in p0 if a is not first} <= root
    assert {"KILL_SWITCH"} <= others.keys()
    assert {f"suppressed by kill-switch ({first.code})"} == {w for w, _ in others.values()}


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


def test_dependencies_are_followed_to_their_end():
    """R11.7: also where two ways lead to the same one, and whichever is asked for first."""
    named = {"a": ("b", "c"), "b": ("d",), "c": ("d", "e"), "d": (), "e": ("gone",)}
    agents = tuple(replace(INGEST, agent_name=n, depends_on=d) for n, d in named.items())
    fleet = replace(FloorOfValues().fleet, agents=agents)
    depends, late = Dependencies(fleet), Dependencies(fleet)

    assert {"b", "c", "d", "e", "gone"} == depends.of("a")
    assert ({"d", "e", "gone"}, set()) == (late.of("c"), late.of("d"))
    assert depends.of("a") == late.of("a")
