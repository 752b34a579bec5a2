"""Alerts: what fires, goes on and is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.alerts.decide.alerts import decide_alerts
from mission_control.alerts.model import (
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
)
from mission_control.model import codes
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity
from mission_control.model.reading import UnseenReason
from tests.alerts.hurts import DAY, MINUTE, NIGHT, OPEN, day_at, reasons, says, silence, states
from tests.alerts.recorded_day import (
    CALENDAR,
    FLOOR,
    RULES,
    LivedDay,
    at,
    stale_feed,
)
from tests.floor.floor_of_values import (
    GAMMA,
    INGEST,
    MARKETDATA,
    STRATEGY,
    FloorOfValues,
)


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


def test_a_resolve_that_no_channel_takes_is_given_up_after_a_day():
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
    """R11.11: also where its resolve was not taken yet; its channels are told again."""
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


def test_a_feed_of_which_nothing_is_known_pages_too():
    """R11.5: unverifiable for 2 min, although the service answers."""
    day = day_at(OPEN, lambda d: d.floor.lose(MARKETDATA, "/healthz", UnseenReason.TIMEOUT))
    day.until(day.now + timedelta(seconds=121), 1)

    assert ["marketdata_unverifiable marketdata-mcp-server"] == day.paging()


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


def test_a_fleet_without_a_feed_has_one_alert_for_it():
    """R11.5: nothing that is required speaks of freshness."""
    day = LivedDay(OPEN)
    day.floor = FloorOfValues(now=OPEN, session_at=CALENDAR.session_at)
    day.floor.fleet = replace(day.floor.fleet, agents=(GAMMA, INGEST))
    snapshot = day.floor.decide(OPEN)
    book, _ = decide_alerts(RULES, AlertBook(OPEN), AlertEvidence(FLOOR, snapshot), OPEN)

    assert [("marketdata_unverifiable", "fleet")] == [(a.rule, a.subject) for a in book.alerts]


def test_what_was_not_asked_yet_never_pages():
    """That nothing is known of a service yet is no silence of its own, however long it lasts."""
    day = day_at(OPEN, silence(MARKETDATA, reason=UnseenReason.NOT_YET_ASKED))
    day.until(OPEN + 10 * MINUTE, 20)

    assert "it was not asked yet" in {t.reason for t in day.transitions}
    assert [] == day.paging()


def test_a_feed_that_stops_after_hours_begins_no_alert():
    """R11.5: it pages at the next session's open - 60 min, at once, if it lasts."""
    begins = at(DAY, "08:30:00")
    day = day_at(begins - timedelta(minutes=10), stale_feed)
    day.last_tick = day.now
    day.until(begins - timedelta(seconds=1), 10)
    quiet = [*day.alerts(), *day.transitions]
    day.step(1)

    assert [] == quiet
    assert ["marketdata_stale marketdata-mcp-server"] == day.paging()


def test_a_feed_that_is_pending_at_the_close_is_ignored_from_then_on():
    """R11.5: its alert says so, and never fires."""
    close = at(DAY, "16:00:00")
    day = day_at(close - MINUTE)
    day.hurts.append(says(MARKETDATA, "marketdata.is_fresh", value=False))
    day.until(close - timedelta(seconds=1), 10)
    before = states(day)
    day.until(close + timedelta(minutes=5), 10)

    assert (AlertState.PENDING, "") == before["marketdata_stale marketdata-mcp-server"]
    assert "marketdata_stale marketdata-mcp-server" not in states(day)
    assert "after hours it is ignored" in reasons(day, "marketdata_stale")[-1]


def test_a_resolve_that_no_channel_took_waits_for_it_after_hours():
    """R11.5, R11.10: an alert that is over stays so while the feed is ignored."""
    close = at(DAY, "16:00:00")
    day = day_at(close - timedelta(minutes=10), stale_feed, channels=("pager",))
    day.last_tick = day.now
    day.until(close - timedelta(minutes=4), 10)
    day.hurts.clear()
    day.delivers = False
    day.until(close - timedelta(seconds=30), 10)
    over = states(day)
    day.hurts.append(stale_feed)
    day.last_tick = close - timedelta(seconds=30)
    day.until(close + timedelta(minutes=5), 10)

    assert {AlertState.RESOLVED} == {state for state, _ in over.values()}
    assert over == {k: v for k, v in states(day).items() if k in over}
    assert [] == day.paging()
