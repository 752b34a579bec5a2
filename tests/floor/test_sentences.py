"""Present: every event is a sentence that a person can read aloud (R15.14)."""

from datetime import timedelta

import pytest

from mission_control.floor.decide.events import alarm_opened, reloaded, stall_ended
from mission_control.floor.decide.incidents import Incident
from mission_control.floor.model import Alarm
from mission_control.floor.present.events import (
    MOST_EVENTS,
    MOST_INCIDENTS,
    event_document,
    incidents_document,
    sentence_of,
    title_of,
)
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.reload import Reload
from tests.floor.floor_of_values import NOW, session_at

SESSION = session_at(NOW)


def event(type_, data, agent=None, message="message of old", identity=1):
    """Return an event with this data."""
    return FloorEvent(identity, NOW, type_, message, Severity.P1, agent, data)


def posture(before, after, *, expected=True, confirmed=True, codes=(), subject="", before_code=""):
    """Return the event of a posture."""
    return event(
        EventType.POSTURE_CHANGED,
        {
            "before": before,
            "after": after,
            "expected": expected,
            "confirmed": confirmed,
            "reason_codes": list(codes),
            "subject": subject,
            "before_code": before_code,
        },
    )


def service(before, after, *, expected, code=""):
    """Return the event of a service."""
    data = {"before": before, "after": after, "expected": expected, "reason_code": code}
    return event(EventType.SERVICE_CHANGED, data, "feed")


def told(happening):
    """Return the event of what happened."""
    return FloorEvent(
        1, NOW, happening.type, happening.message, happening.severity, None, happening.data
    )


STALE = Alarm("MARKETDATA_STALE", "feed", "feed /healthz", "freshness", "old", NOW, NOW)


TWO_HOURS = (
    "Marketdata is stale (feed), 2 more services with it; the floor was halted for 2 h 0 min"
)
OUR_STALL = (
    "Our own stall: nothing was decided from 10:15:00 to 10:15:06 EST (15:15:00 to 15:15:06 UTC),"
    " 6.0 s; what happened then was not watched"
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            posture("OK", "HALTED", expected=False, codes=["TIMEOUT"], subject="feed"),
            "The floor halted: no whole answer in time (feed)",
        ),
        (
            posture("OK", "HALTED", confirmed=False, codes=["TIMEOUT"]),
            "The floor halted: no whole answer in time; asked again in a second",
        ),
        (
            posture("HALTED", "HALTED", codes=["TIMEOUT"]),
            "The floor stays halted: no whole answer in time",
        ),
        (posture("HALTED", "OK"), "The halt is over: the floor is open and well"),
        (
            posture("HALTED", "OK", before_code="NOT_YET_ASKED"),
            "Every service was asked for the first time: the floor is open and well",
        ),
        (posture("OK", "MARKET_CLOSED"), "The floor is closed for the day"),
        (
            posture("HALTED", "OK", expected=False, codes=["TIMEOUT"], subject="feed"),
            "The floor is open and well, but not as expected: no whole answer in time (feed)",
        ),
        (posture("OK", "OK"), "Every service is as expected again"),
        (
            service("OK", "OFFLINE", expected=False, code="CONNECTION_REFUSED"),
            "feed became OFFLINE, unexpected: nothing listens",
        ),
        (service("OK", "OK", expected=True), "feed stays OK, as expected"),
        (
            event(
                EventType.SERVICE_CHANGED,
                {"before": "HALTED", "after": "HALTED", "expected": True},
                "feed",
                "feed is as expected again, TIMEOUT ended; it stays HALTED",
            ),
            "feed is as expected again, and stays HALTED",
        ),
        (event(EventType.SESSION_CHANGED, {"after": "OPEN"}), "The session opened"),
        (event(EventType.SESSION_CHANGED, {}), "message of old"),
        (
            event(
                EventType.KILL_SWITCH_CHANGED,
                {"after": "ENGAGED", "confirmed": True},
                message="kill switch a -> b: 6 of 6 agree",
            ),
            "The kill switch is ENGAGED: 6 of 6 agree",
        ),
        (
            event(EventType.KILL_SWITCH_CHANGED, {"after": "UNKNOWN", "confirmed": False}),
            "The kill switch is UNKNOWN, NOT CONFIRMED",
        ),
        (told(alarm_opened(STALE, SESSION)), "Alarm: marketdata is stale, by feed /healthz: old"),
        (
            event(EventType.ALARM_ENDED, {"code": "NO_SUCH", "source": "feed /healthz"}),
            "Alarm cleared: NO_SUCH, by feed /healthz",
        ),
        (event(EventType.ALARM_OPENED, {}), "Alarm: not as expected, by "),
        (
            told(reloaded(Reload("closures", "closures.yaml", "a", "b"), SESSION, SESSION)),
            "Closures read again (a -> b): closures.yaml",
        ),
        (
            told(stall_ended(NOW, NOW + timedelta(seconds=6), 6.0, SESSION)),
            OUR_STALL,
        ),
    ],
)
def test_an_event_is_a_sentence(given, expected):
    """R15.14: who, what it became and why, in words; the message stays as machines know it."""
    assert expected == sentence_of(given) == event_document(given)["sentence"]
    assert given.message == event_document(given)["message"]


def incident(seconds=261.0, **changes):
    """Return an incident of so many seconds."""
    values = {
        "begin": NOW,
        "end": NOW + timedelta(seconds=seconds),
        "severity": Severity.P1,
        "code": "MARKETDATA_STALE",
        "subject": "feed",
        "codes": ("MARKETDATA_STALE",),
        "services": ("feed",),
        "halted": timedelta(seconds=seconds),
        "events": (),
    }
    return Incident(**(values | changes))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (incident(), "Marketdata is stale (feed); the floor was halted for 4 min 21 s"),
        (
            incident(7_200, services=("feed", "a", "b")),
            TWO_HOURS,
        ),
        (
            incident(services=("a", "feed"), end=None, halted=timedelta(seconds=5)),
            "Marketdata is stale (feed), 1 more service with it; the floor is halted for 5 s",
        ),
        (
            incident(code="", subject="", halted=timedelta()),
            "Not as expected, 1 more service with it; the floor never halted",
        ),
    ],
)
def test_an_incident_is_a_sentence(given, expected):
    """R15.14: what it was, who was part of it, and how long the floor was halted."""
    until = NOW + timedelta(hours=3)
    (document,) = incidents_document(NOW, until, [given], [], until)["incidents"]

    assert expected == document["sentence"]
    assert (given.end is None) is document["open"]


def test_more_than_is_told_is_cut_and_says_so():
    """The newest incidents and the newest events apart are told; that there are more is too."""
    others = [posture("OK", "OK")] * (MOST_EVENTS + 1)
    many = [incident(number) for number in range(MOST_INCIDENTS + 1)]

    whole = incidents_document(NOW, NOW, [], others[1:], NOW)
    cut = incidents_document(NOW, NOW, many, others[1:], NOW)

    assert (False, MOST_EVENTS) == (whole["cut"], len(whole["others"]))
    assert (True, MOST_INCIDENTS) == (cut["cut"], len(cut["incidents"]))
    assert MOST_INCIDENTS == cut["incidents"][0]["seconds"]
    assert incidents_document(NOW, NOW, [], others, NOW)["cut"]


def test_a_code_that_is_not_known_is_its_own_title():
    """A title is taken from the catalogue, and never invented."""
    assert "NEW_CODE" == title_of("NEW_CODE")
