"""Decide: what happened between two snapshots."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.decide.events import alarm_opened, find_happenings, stall_ended
from mission_control.floor.decide.posture import pages_now, severity_of_trouble
from mission_control.floor.model import Alarm
from mission_control.model.event import EventType
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent, Criticality, Fleet, Kind
from mission_control.model.reading import Addresses
from tests.floor.floor_of_values import (
    CLOSE_AT,
    EVENING,
    FLEET,
    MARKETDATA,
    OPEN_AT,
    STRATEGY,
    session_at,
    session_unknown,
)


def happenings(floor, change):
    """Return what happened between two decisions with a change between them."""
    before = floor.decide()
    change()
    return list(find_happenings(before, floor.decide()))


def test_nothing_happens_on_a_steady_floor(floor):
    """Two decisions on the same evidence have nothing to tell."""
    assert [] == happenings(floor, lambda: None)


def test_an_alarm_is_told_with_what_it_changes(floor):
    """Execution evidence changes posture, raises alarms and changes the service."""
    told = happenings(
        floor, lambda: floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    )

    assert [
        EventType.POSTURE_CHANGED,
        EventType.ALARM_OPENED,
        EventType.SERVICE_CHANGED,
    ] == [h.type for h in told]
    assert Severity.P0 is told[0].severity
    assert ("OK", "HALTED") == (told[0].data["before"], told[0].data["after"])


def test_the_end_of_an_alarm_is_told(floor):
    """A denial clears the alarm, and both that and the posture are told."""
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)

    told = happenings(floor, floor.refresh)
    ended = [h for h in told if h.type is EventType.ALARM_ENDED]

    assert EventType.POSTURE_CHANGED is told[0].type
    assert {"CONTRADICTION", "MARKETDATA_STALE"} == {h.data["code"] for h in ended}
    assert all(h.message.endswith(" no longer says it)") for h in ended)


def test_a_service_that_changes_is_told(floor):
    """A change of a service names it, with its reason and whether it is expected."""
    told = happenings(floor, lambda: floor.say(STRATEGY, "status.state", "DEGRADED"))

    changed = [h for h in told if h.type is EventType.SERVICE_CHANGED]
    assert ["strategy-engine HALTED -> DEGRADED (unexpected): KILL_SWITCH"] == [
        h.message for h in changed
    ]


def report_of(floor, *, expected, code=""):
    """Return a snapshot whose strategy stays as it is, expected or not and for a reason or none."""
    snapshot = floor.decide()
    reasons = (Reason(code, STRATEGY.agent_name, Severity.P2, "x"),) if code else ()
    changed = [
        replace(r, expected=expected, reasons=reasons) if r.agent.kind is STRATEGY.kind else r
        for r in snapshot.services
    ]
    return replace(snapshot, services=tuple(changed))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((True, ""), (False, "EXPIRED"), "is not as expected: EXPIRED; it stays HALTED"),
        ((False, "EXPIRED"), (True, ""), "is as expected again, EXPIRED ended; it stays HALTED"),
        ((False, ""), (True, ""), "is as expected again, its reason ended; it stays HALTED"),
        ((False, "A"), (False, "B"), "stays HALTED (unexpected), for B instead of A"),
        ((True, "A"), (True, ""), "stays HALTED (expected), for no reason instead of A"),
        ((True, ""), (True, "B"), "stays HALTED (expected), for B instead of none"),
    ],
)
def test_a_service_that_stays_says_what_changed(floor, before, after, said):
    """The subject of the sentence is what changed, not the state that did not."""
    old, new = (report_of(floor, expected=e, code=c) for e, c in (before, after))
    told = [h for h in find_happenings(old, new) if h.type is EventType.SERVICE_CHANGED]

    assert {f"{STRATEGY.agent_name} {said}"} == {
        h.message for h in told if h.agent_name == STRATEGY.agent_name
    }


@pytest.mark.parametrize(("now", "said"), [(True, "is confirmed"), (False, "is not confirmed")])
def test_a_switch_that_stays_says_what_changed(floor, now, said):
    """Whether it is confirmed, where it is engaged before and after."""
    after = floor.decide()
    old, new = (
        replace(after, kill_switch=replace(after.kill_switch, confirmed=c)) for c in (not now, now)
    )
    (told,) = find_happenings(old, new)

    assert told.message.startswith(f"kill switch {said}, and stays ENGAGED: ")
    assert (Severity.INFO if now else Severity.P0) is told.severity


def test_the_switch_is_told(floor):
    """A kill switch that is no longer confirmed is told as P0."""
    told = happenings(floor, lambda: setattr(floor, "switch", None))

    switch = [h for h in told if h.type is EventType.KILL_SWITCH_CHANGED]
    assert [Severity.P0] == [h.severity for h in switch]


def test_a_switch_that_is_off_is_told_as_p0(floor):
    """A confirmation that it is off confirms the worst."""
    told = happenings(floor, lambda: setattr(floor, "switch", "0"))

    (switch,) = [h for h in told if h.type is EventType.KILL_SWITCH_CHANGED]
    assert ("DISENGAGED", Severity.P0) == (switch.data["after"], switch.severity)


@pytest.mark.parametrize(
    ("at", "severity"),
    [
        pytest.param(OPEN_AT, Severity.P1, id="open"),
        pytest.param(CLOSE_AT, Severity.INFO, id="after the close"),
        pytest.param(OPEN_AT - timedelta(minutes=61), Severity.INFO, id="before T-60"),
        pytest.param(OPEN_AT - timedelta(minutes=60), Severity.P1, id="from T-60 on"),
    ],
)
def test_a_stale_feed_is_as_severe_as_its_phase(floor, at, severity):
    """Every close leaves the feed stale, which is what a closed market looks like."""
    floor.refresh(at)
    told = happenings(floor, lambda: floor.say(MARKETDATA, "marketdata.is_fresh", value=False))

    opened = [h.severity for h in told if h.data.get("code") == "MARKETDATA_STALE"]
    assert [severity] == opened


@pytest.mark.parametrize("at", [OPEN_AT, CLOSE_AT, OPEN_AT - timedelta(hours=3)])
def test_execution_evidence_is_p0_in_every_phase(floor, at):
    """No hour makes it less (R11.1)."""
    floor.refresh(at)
    told = happenings(
        floor, lambda: floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    )

    assert [Severity.P0] == [h.severity for h in told if h.type is EventType.ALARM_OPENED]


def test_an_alarm_without_a_session_is_taken_for_one_of_an_open(floor):
    """One that was noted before an end is told again without a calendar."""
    floor.refresh(CLOSE_AT)
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    alarms = floor.decide().latched.alarms

    assert {Severity.P1} == {alarm_opened(a).severity for a in alarms}


def test_a_lesser_alarm_after_hours_is_p2(floor):
    """A contradiction about freshness does not page at night."""
    name = STRATEGY.agent_name
    alarm = Alarm("CONTRADICTION", name, "/healthz", "freshness", "x", EVENING, EVENING)

    assert Severity.P2 is alarm_opened(alarm, session_at(EVENING)).severity


def test_an_unknown_session_is_p1(floor):
    """A calendar that ends gates as an open session would (R11.1)."""
    before = floor.decide()
    after = replace(before, session=session_unknown(before.at))

    (told,) = find_happenings(before, after)
    assert (EventType.SESSION_CHANGED, Severity.P1) == (told.type, told.severity)


def posture_told(before, after):
    """Return what is told of a posture."""
    return [
        h.message for h in find_happenings(before, after) if h.type is EventType.POSTURE_CHANGED
    ]


def test_a_posture_that_stays_says_what_changed(floor):
    """The subject of the sentence is what changed, not the verdict that did not."""
    floor.refresh(EVENING)
    calm = floor.decide()
    floor.say(STRATEGY, "status.state", "DEGRADED")
    odd = floor.decide()

    why, stays = "KILL_SWITCH strategy-engine", "the posture stays MARKET_CLOSED"
    assert [f"not every service is as expected: {why}; {stays}"] == posture_told(calm, odd)
    assert [f"every service is as expected again, {why} ended; {stays}"] == posture_told(odd, calm)


def test_the_end_of_a_halt_says_what_ended(floor):
    """Why it was HALTED is told with its end."""
    calm = floor.decide()
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    halted = floor.decide()
    lead = halted.posture.reasons[0]

    assert [f"posture HALTED -> OK: {lead.code} {lead.subject} ended"] == posture_told(halted, calm)


def test_a_stall_after_hours_is_p2():
    """Ours alone pages no human at night, and is told all the same."""
    told = stall_ended(EVENING, EVENING + timedelta(seconds=6), 6.0, session_at(EVENING))

    assert (EventType.STALLED, Severity.P2) == (told.type, told.severity)


def test_the_session_is_told(floor):
    """The end of a session is told."""
    told = happenings(floor, lambda: floor.refresh(EVENING))

    sessions = [h.data for h in told if h.type is EventType.SESSION_CHANGED]
    assert [{"before": "OPEN", "after": "POST_MARKET"}] == sessions


def test_paging_runs_from_an_hour_before_the_open_to_the_close():
    """P1 pages from open - 60 min, inclusive, until the close (R11.1)."""
    hour = timedelta(minutes=60)
    instants = [OPEN_AT - hour - timedelta(seconds=1), OPEN_AT - hour, OPEN_AT, CLOSE_AT]

    assert [False, True, True, False] == [pages_now(session_at(i)) for i in instants]


@pytest.mark.parametrize(
    ("needed", "at", "severity"),
    [
        (True, OPEN_AT - timedelta(minutes=61), Severity.P2),
        (True, OPEN_AT - timedelta(minutes=60), Severity.P1),
        (True, CLOSE_AT, Severity.P2),
        (False, OPEN_AT, Severity.P2),
    ],
)
def test_what_the_floor_needs_is_p1_only_while_p1_pages(needed, at, severity):
    """Outside of those hours it is of the same day, as what is optional always is (R11.1)."""
    criticality = Criticality.CRITICAL if needed else Criticality.OPTIONAL
    agent = replace(STRATEGY, criticality=criticality)

    assert severity is severity_of_trouble(agent, session_at(at))


def test_a_service_that_joins_is_no_change(floor):
    """A service that was not on the floor before has changed from nothing, and is not told."""
    before = floor.decide()
    joined = Agent("ops-ui", Kind.OPS, "http://ui", Criticality.OPTIONAL)
    floor.fleet = Fleet((*floor.fleet.agents, joined), FLEET.digest, FLEET.source)

    told = [h.type for h in find_happenings(before, floor.decide())]

    assert EventType.SERVICE_CHANGED not in told


def test_a_new_address_is_told(floor):
    """A service that answers from another address is told once, with both (R2.5)."""
    name = STRATEGY.agent_name
    answers = {"known": ("10.0.0.7:80", "10.0.0.9:80"), "added": ("10.0.0.9:80",)}

    def from_address(addresses):
        floor.addresses[name] = addresses

    from_address(Addresses(("10.0.0.7:80",)))
    told = happenings(floor, lambda: from_address(Addresses(**answers, told_at=OPEN_AT)))
    again = happenings(floor, lambda: from_address(Addresses(**answers, told_at=OPEN_AT)))

    message = f"{name} answers from a new address, 10.0.0.9:80; before from 10.0.0.7:80"
    assert [(EventType.SERVICE_ADDRESS, message, name)] == [
        (h.type, h.message, h.agent_name) for h in told
    ]
    assert {"before": ["10.0.0.7:80"], "after": ["10.0.0.9:80"]} == told[0].data
    assert [] == again
