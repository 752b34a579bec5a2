"""Decide: what files that changed mean: an event, a calendar in doubt, a GO that counts no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.decide.events import fleet_file_changed, reloaded, turns_session
from mission_control.floor.decide.evidence import session_in_doubt
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import Verdict
from mission_control.history.codec import pack_evidence, unpack_evidence
from mission_control.model.event import EventType
from mission_control.model.finding import Severity
from mission_control.model.reload import Reload, RestartNeeded
from mission_control.model.session import CalendarDoubt, MarketSession, Phase
from tests.floor.floor_of_values import CLOSE_AT, EVENING, NOW, FloorOfValues, session_at

OPEN, NIGHT = session_at(NOW), session_at(EVENING)
HOLIDAY = MarketSession(NOW, Phase.CLOSED_HOLIDAY)
UNKNOWN = MarketSession(NOW, Phase.UNKNOWN)
EARLY = replace(OPEN, close=CLOSE_AT - timedelta(hours=3))
TAKEN = Reload("closures", "/etc/closures.yaml", "a" * 64, "b" * 64)
REFUSED = replace(TAKEN, after="", trouble="/etc/closures.yaml: cannot be read")
DOUBT = CalendarDoubt(NOW - timedelta(seconds=1), "the closures file changed: it is gone")


@pytest.mark.parametrize(
    ("reload", "before", "after", "severity", "words"),
    [
        pytest.param(TAKEN, OPEN, OPEN, Severity.INFO, "aaaaaaaaaaaa -> bbbbbbbbbbbb", id="read"),
        pytest.param(TAKEN, OPEN, HOLIDAY, Severity.P1, "is CLOSED_HOLIDAY", id="closed"),
        pytest.param(TAKEN, HOLIDAY, OPEN, Severity.P1, "no longer CLOSED_HOLIDAY", id="opened"),
        pytest.param(TAKEN, UNKNOWN, OPEN, Severity.P1, "is OPEN", id="known again"),
        pytest.param(TAKEN, OPEN, EARLY, Severity.P2, "closes at 13:00 EST", id="closes earlier"),
        pytest.param(REFUSED, OPEN, UNKNOWN, Severity.P1, "cannot be read", id="refused"),
        pytest.param(REFUSED, UNKNOWN, UNKNOWN, Severity.P1, "unreadable", id="refused again"),
        pytest.param(
            replace(REFUSED, what="certificates"), OPEN, OPEN, Severity.P2, "used", id="certificate"
        ),
    ],
)
def test_a_reload_is_told_by_what_it_turns(reload, before, after, severity, words):
    """What closes or opens a session, or leaves none known, pages; other closures do not."""
    told = reloaded(reload, before, after)

    assert severity is told.severity
    assert words in told.message
    assert (reload.before, reload.after) == (told.data["before"], told.data["after"])
    assert (told.type is EventType.RELOAD_FAILED) == bool(reload.trouble)
    assert ("detail" in told.data) == bool(reload.trouble)


@pytest.mark.parametrize(
    ("before", "after", "turns"),
    [
        pytest.param(OPEN, OPEN, False, id="the same"),
        pytest.param(OPEN, EARLY, False, id="closes earlier"),
        pytest.param(OPEN, HOLIDAY, True, id="closed"),
        pytest.param(NIGHT, replace(NIGHT, session_date=None), True, id="there was none"),
        pytest.param(HOLIDAY, UNKNOWN, True, id="not known"),
    ],
)
def test_what_takes_a_session_away_ends_what_was_given_for_it(before, after, turns):
    """
    GO was given for a session: where another calendar makes it another, it counts no more (R13.2).
    """
    assert turns == turns_session(before, after)


def test_a_calendar_in_doubt_knows_no_session():
    """From when it is in doubt the phase is UNKNOWN, and before that what it was."""
    doubted = session_in_doubt(session_at, DOUBT)

    assert session_in_doubt(session_at, None) is session_at
    assert (Phase.UNKNOWN, DOUBT.detail) == (doubted(NOW).phase, doubted(NOW).note)
    assert session_at(NOW - timedelta(minutes=1)) == doubted(NOW - timedelta(minutes=1))


@pytest.mark.parametrize("now", [NOW, EVENING], ids=["in session", "at night"])
def test_a_floor_without_a_session_is_halted(now):
    """Whatever the hour, a calendar in doubt halts, says why, and is never better for it."""
    floor = FloorOfValues()
    floor.refresh(now)
    doubt = replace(DOUBT, since=now - timedelta(seconds=1))
    evidence = replace(floor.evidence(), calendar_doubt=doubt)
    doubted = decide_floor(evidence, floor.latched, session_at, now)
    reasons = {r.code: r for r in doubted.posture.reasons}

    assert Verdict.HALTED is doubted.posture.verdict
    assert {"CALENDAR_UNKNOWN", "RELOAD_FAILED"} <= reasons.keys()
    assert reasons["CALENDAR_UNKNOWN"].halts
    assert DOUBT.detail == reasons["RELOAD_FAILED"].detail
    assert doubted.posture.confirmed


def test_history_remembers_the_doubt():
    """What was decided in doubt is decided so again, and old records have none."""
    floor = FloorOfValues()
    evidence = replace(floor.evidence(), calendar_doubt=DOUBT)

    assert DOUBT == unpack_evidence(pack_evidence(evidence), evidence.fleet).calendar_doubt
    plain = unpack_evidence(pack_evidence(floor.evidence()), evidence.fleet)
    assert plain.calendar_doubt is None


CHANGED = RestartNeeded(NOW, "fleet.yaml", "a" * 64, "b" * 64)


@pytest.mark.parametrize(
    ("restart", "severity", "words"),
    [
        pytest.param(CHANGED, Severity.INFO, "restart needed for fleet.yaml", id="changed"),
        pytest.param(
            replace(CHANGED, trouble="fleet.yaml:3: no agents"),
            Severity.P2,
            "a start would refuse it: fleet.yaml:3: no agents",
            id="unusable",
        ),
        pytest.param(None, Severity.INFO, "as it was at the start again", id="as it was"),
    ],
)
def test_a_changed_fleet_file_is_an_event_with_both_digests(restart, severity, words):
    """It is told and never taken; what a start would refuse is told as such (R13.3)."""
    told = fleet_file_changed(restart, "a" * 64, "b" * 64)

    assert (EventType.FLEET_FILE_CHANGED, severity) == (told.type, told.severity)
    assert words in told.message
    assert "(aaaaaaaaaaaa -> bbbbbbbbbbbb)" in told.message
    assert ("a" * 64, "b" * 64, restart is not None) == (
        told.data["before"],
        told.data["after"],
        told.data["restart"],
    )
