"""Decide: what happened, as incidents (R15.13)."""

from datetime import timedelta

import pytest

from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.incidents import Before, find_incidents, stood_before
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity
from tests.floor.floor_of_values import (
    FLEET,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    session_at,
)

FEED, ENGINE = MARKETDATA.agent_name, STRATEGY.agent_name
STALE = ("MARKETDATA_STALE", FEED, f"{FEED} /healthz", "freshness")


def at(seconds):
    """Return an instant so many seconds after the floor's now."""
    return NOW + timedelta(seconds=seconds)


def alarm(seconds, *, opened=True, severity=Severity.P1, key=STALE):
    """Return the event of an alarm that is raised, or has cleared."""
    type_ = EventType.ALARM_OPENED if opened else EventType.ALARM_ENDED
    code, subject, source, fact = key
    data = {"code": code, "source": source, "fact": fact}
    return FloorEvent(seconds, at(seconds), type_, "x", severity, subject, data)


def posture(seconds, after, *, confirmed=True, subject=FEED, codes=("MARKETDATA_STALE",)):
    """Return the event of a posture that changed."""
    data = {
        "before": "OK",
        "after": after,
        "expected": after != "HALTED",
        "confirmed": confirmed,
        "reason_codes": list(codes) if after == "HALTED" else [],
        "subject": subject,
    }
    severity = Severity.P1 if after == "HALTED" else Severity.INFO
    return FloorEvent(seconds, at(seconds), EventType.POSTURE_CHANGED, "x", severity, None, data)


def service(seconds, expected, name=ENGINE):
    """Return the event of a service that changed."""
    data = {"before": "OK", "after": "HALTED", "expected": expected, "reason_code": ""}
    return FloorEvent(
        seconds, at(seconds), EventType.SERVICE_CHANGED, "x", Severity.INFO, name, data
    )


def told(events, until=1_000, before=Before()):  # noqa: B008  (a frozen value)
    """Return incidents as (begin, end, halted, events) in seconds after now."""
    return [
        (
            (i.begin - NOW).total_seconds(),
            None if i.end is None else (i.end - NOW).total_seconds(),
            i.halted.total_seconds(),
            [e.identity for e in i.events],
        )
        for i in find_incidents(events, at(until), before)
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="nothing happened"),
        pytest.param([alarm(5), alarm(9, opened=False)], [(5, 9, 0, [5, 9])], id="an alarm"),
        pytest.param(
            [posture(5, "HALTED"), alarm(5), posture(30, "OK"), alarm(31, opened=False)],
            [(5, 31, 25, [5, 5, 30, 31])],
            id="a halt with its alarm",
        ),
        pytest.param([posture(5, "HALTED")], [(5, None, 995, [5])], id="a halt that is not over"),
        pytest.param(
            [alarm(5, severity=Severity.INFO), alarm(9, opened=False)], [], id="after the close"
        ),
        pytest.param(
            [posture(5, "HALTED", confirmed=False), posture(6, "OK")], [], id="a halt in doubt"
        ),
        pytest.param(
            [posture(5, "HALTED", confirmed=False), posture(6, "HALTED"), posture(9, "OK")],
            [(5, 9, 4, [5, 6, 9])],
            id="a doubt that was confirmed",
        ),
        pytest.param(
            [posture(5, "HALTED"), posture(9, "OK"), posture(60, "HALTED"), posture(80, "OK")],
            [(5, 80, 24, [5, 9, 60, 80])],
            id="halted again within a minute",
        ),
        pytest.param(
            [posture(5, "HALTED"), posture(9, "OK"), posture(90, "HALTED"), posture(95, "OK")],
            [(5, 9, 4, [5, 9]), (90, 95, 5, [90, 95])],
            id="two",
        ),
        pytest.param(
            [service(1, expected=False), posture(5, "HALTED"), posture(9, "OK")],
            [(5, 9, 4, [5, 9])],
            id="what was before is apart",
        ),
        pytest.param(
            [
                posture(5, "HALTED"),
                service(6, expected=False),
                posture(9, "OK"),
                service(11, expected=True),
                service(12, expected=True, name="other"),
                service(90, expected=True),
            ],
            [(5, 9, 4, [5, 6, 9, 11])],
            id="the recovery of a service belongs to it",
        ),
        pytest.param(
            [posture(5, "HALTED", codes=("X", "NOT_YET_ASKED")), posture(9, "OK")],
            [],
            id="a start",
        ),
        pytest.param(
            [posture(5, "HALTED", codes=("X", "NOT_YET_ASKED")), posture(95, "OK")],
            [(5, 95, 90, [5, 95])],
            id="a start into a halt",
        ),
        pytest.param(
            [posture(5, "HALTED", codes=("X", "NOT_YET_ASKED"))],
            [(5, None, 995, [5])],
            id="a start into a halt that is not over",
        ),
        pytest.param(
            [
                posture(5, "HALTED", confirmed=False),
                alarm(5),
                posture(6, "OK"),
                alarm(7, opened=False),
            ],
            [(5, 7, 0, [5, 5, 6, 7])],
            id="an alarm while the halt is in doubt",
        ),
    ],
)
def test_an_incident_lasts_from_the_first_alarm_or_halt_to_the_last_end(events, expected):
    """R15.13: alarms that matter and confirmed halts begin it; it ends when none is left."""
    assert expected == told(events)


def test_the_worst_alarm_leads_it():
    """R15.13: what is worst names the incident, and everything that it had is listed."""
    sev0 = ("EXECUTION_EVIDENCE", ENGINE, f"{ENGINE} /ops/status", "orders")
    events = [
        posture(5, "HALTED", codes=("MARKETDATA_STALE", "TIMEOUT")),
        alarm(5),
        alarm(8, severity=Severity.P0, key=sev0),
        service(8, expected=False),
    ]

    (found,) = find_incidents(events, at(20))

    assert (Severity.P0, "EXECUTION_EVIDENCE", ENGINE) == (
        found.severity,
        found.code,
        found.subject,
    )
    assert ("MARKETDATA_STALE", "TIMEOUT", "EXECUTION_EVIDENCE") == found.codes
    assert (FEED, ENGINE) == found.services


def test_a_halt_without_reasons_has_no_name():
    """An old record that names no reason gives an incident without a code, not an error."""
    (found,) = find_incidents([posture(5, "HALTED", codes=(), subject="")], at(6))

    assert ("", "") == (found.code, found.subject)


def test_one_that_had_begun_before_keeps_its_beginning():
    """R15.13: what was latched as the period began is no new incident of the period."""
    floor = FloorOfValues()
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    latched = floor.decide()
    before = stood_before(latched)
    over = [posture(9, "OK")] + [
        alarm(9, opened=False, key=each.key) for each in latched.latched.alarms
    ]

    assert [(0, 9, 9, [9] * len(over))] == told(over, before=before)
    assert [(0, None, 1_000, [])] == told([], before=before)
    (found,) = find_incidents([], at(9), before)
    lead = latched.posture.reasons[0]
    assert (lead.code, lead.subject) == (found.code, found.subject)


def test_a_start_that_was_under_way_is_no_incident_unless_it_lasts():
    """R15.13: as the period began some service was not asked yet; that ends, or is a halt."""
    lead = Reason("NOT_YET_ASKED", ENGINE, Severity.P1, "x", halts=True)
    before = Before((), NOW, lead, doubted=True)

    assert [] == told([posture(3, "OK")], before=before)
    assert [(0, None, 1_000, [])] == told([], before=before)


def test_a_first_round_that_is_not_over_is_doubted():
    """R15.13: a snapshot in which a service was not asked yet gives a halt in doubt."""
    floor = FloorOfValues()
    asked = stood_before(floor.decide())
    empty = decide_floor(FloorEvidence(FLEET, {}), NOTHING_LATCHED, session_at, NOW)

    assert (False, True) == (asked.doubted, stood_before(empty).doubted)


def test_an_alarm_that_halts_nothing_had_begun_before():
    """R15.13: what was latched beside a floor that was not halted begins the incident as well."""
    before = Before(((STALE, NOW, Severity.P1),))

    assert [(0, 9, 0, [9])] == told([alarm(9, opened=False)], before=before)


def test_a_halt_that_is_told_twice_began_once():
    """R15.13: a halt whose reasons change is the same halt."""
    events = [posture(5, "HALTED"), posture(7, "HALTED"), posture(9, "OK")]

    assert [(5, 9, 4, [5, 7, 9])] == told(events)


def test_a_healthy_floor_had_no_incident_before():
    """Nothing is latched and nothing halts on a healthy floor."""
    assert Before() == stood_before(FloorOfValues().decide())
