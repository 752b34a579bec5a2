"""The ribbon: the day in percent, with gaps as gaps, and each stretch a way to that time."""

from datetime import datetime

import pytest

from ops_ui.answers import Event, Posture, Schedule, Timeline
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.ribbon import day_path, see_ribbon
from ops_ui.schedule import see_day
from tests.ops_ui.conftest import AT, POSTURE
from tests.ops_ui.test_pages import see
from tests.ops_ui.test_schedule_page import run, schedule

DAY = {
    "phase": "OPEN",
    "open": "2026-11-18T14:30:00.000Z",
    "close": "2026-11-18T21:00:00.000Z",
    "next_boundary": "2026-11-18T21:00:00.000Z",
    "next_phase": "POST_MARKET",
}
MISSED = Missed(Failure.DOWN, "nothing answers")


def span(begin, end, state="OK", *, watched=True, expected=True, code=""):
    """Return a segment of the floor's own line."""
    return {
        "begin": f"2026-11-18T{begin}:00.000Z", "end": f"2026-11-18T{end}:00.000Z",
        "state": state, "watched": watched, "expected": expected, "reason_code": code,
    }  # fmt: skip


def ribbon(*spans, plan=None, events=(), past=False, timeline=None, **told):
    """Draw the day of a posture at 10:15:13."""
    posture = Posture.model_validate({**POSTURE, "session": DAY, **told})
    line = timeline or Timeline.model_validate({"agents": [], "floor": spans})
    known = [Event.model_validate(e) for e in events]
    drawn = see_ribbon(posture, line, plan, known, past=past)
    assert drawn is not None
    return drawn


def test_the_day_is_drawn_from_five_to_nine():
    """In percent of 16 hours: the session, its bounds, the hours, now."""
    drawn = ribbon()

    assert drawn.open is not None
    assert (28.125, 40.625) == (drawn.open.x, drawn.open.width)
    assert ["open 09:30", "close 16:00"] == [m.text for m in drawn.bounds]
    assert ["05:00", "07:00", "09:00"] == [m.text for m in drawn.hours[:3]]
    assert "Wednesday 18 November" == drawn.title
    assert "regular session, closes 16:00 EST in 5 h 44 min" == drawn.note
    assert drawn.now is not None
    assert 32.835 == drawn.now.x
    path = day_path(datetime.fromisoformat(AT))
    assert path == "/api/v1/timeline?from=2026-11-18T10%3A00%3A00Z&to=2026-11-19T02%3A00%3A00Z"


def test_gaps_are_gaps_and_every_other_stretch_leads_there():
    """What was not watched has no way to it; the present reaches up to now."""
    drawn = ribbon(
        span("10:00", "14:00", "UNKNOWN", watched=False, expected=False),
        span("14:00", "14:30", "MARKET_CLOSED"),
        span("14:30", "15:00", expected=False, code="TIMEOUT"),
        span("15:00", "15:15", "HALTED", expected=False, code="TIMEOUT"),
        since="2026-11-18T15:10:00.000Z",
    )

    assert ["gap", "closed", "ok odd", "halt", "ok"] == [s.look for s in drawn.stretches]
    assert ["", "/?at=2026-11-18T14%3A00%3A01Z"] == [s.href for s in drawn.stretches[:2]]
    assert "09:30 EST to 10:00 EST: OK, unexpected, TIMEOUT" == drawn.stretches[2].words
    halt, now = drawn.stretches[3:]
    assert round(halt.x + halt.width, 2) == round(now.x, 2)
    assert "10:10 EST until now: OK" == now.words
    assert "10:00 EST to 10:10 EST: HALTED, unexpected, TIMEOUT" in drawn.words


def test_a_posture_that_is_older_than_a_gap_is_not_drawn_over_it():
    """What was not watched stays a gap, also where the same was found again after it."""
    spans = [
        span("10:00", "11:00", "OK"),
        span("11:00", "15:00", "UNKNOWN", watched=False, expected=False),
        span("15:00", "15:14", "OK"),
        span("15:14", "15:15", "UNKNOWN", watched=False, expected=False),
    ]
    begun = ribbon(*spans[:2], since="2026-11-17T15:14:00.000Z")
    later = ribbon(*spans, since="2026-11-17T15:14:00.000Z")

    assert ["ok", "gap", "ok"] == [s.look for s in begun.stretches]
    assert ["ok", "gap", "ok"] == [s.look for s in later.stretches]


def test_a_gap_up_to_now_is_not_drawn_over():
    """A stretch that was not watched stays a gap up to what is known now."""
    gap = span("10:00", "15:14", "UNKNOWN", watched=False, expected=False)
    drawn = ribbon(gap, since="2026-11-18T15:14:00.000Z")

    assert ["gap", "ok"] == [s.look for s in drawn.stretches]


def test_runs_are_marked_with_their_outcome():
    """✓ for GO, ✕ for what went wrong or said no, a ring for what waits; labels never collide."""
    found = schedule(
        run("pre_market_readiness", "SUCCEEDED", detail="GO"),
        run("pre_open_readiness", "SUCCEEDED", planned_at="2026-11-18T14:15:00.000Z",
            detail="NO-GO"),
        run("no_execution_attestation", "SUCCEEDED", planned_at="2026-11-18T22:15:00.000Z",
            detail="EXECUTION_OBSERVED"),
        run("lkg_capture", "PLANNED", planned_at="2026-11-18T22:00:00.000Z"),
        run("intraday_sample", "SUCCEEDED", planned_at="2026-11-18T14:45:00.000Z"),
        run("intraday_sample", "MISSED", planned_at="2026-11-18T15:00:00.000Z"),
    )  # fmt: skip
    drawn = ribbon(plan=see_day(Schedule.model_validate({**found, "on": "2026-11-18"})))
    other = ribbon(plan=see_day(Schedule.model_validate({**found, "on": "2026-11-17"})))

    assert ["✓", "✕", "✕", "", "✕"] == [m.glyph for m in drawn.runs]
    assert ["T-60 GO · T-15 NO-GO", "LKG · attest EXECUTION OBSERVED"] == [
        m.text for m in drawn.labels
    ]
    assert ["bad", "bad"] == [m.look for m in drawn.labels]
    assert () == other.runs


def test_alarms_and_the_halt_are_marked():
    """When each was raised, in New York's time; of other days none."""
    event = {"type": "accusation.opened", "severity": "P0", "message": "x raises", "ts": AT}
    drawn = ribbon(
        events=[event, {**event, "ts": "2026-11-16T15:00:00Z"}, {**event, "type": "agent.changed"}],
        posture="HALTED", expected=False, since="2026-11-18T15:11:13.000Z",
    )  # fmt: skip

    assert ["10:15:13 ET: P0 x raises"] == [m.words for m in drawn.alarms]
    assert drawn.now is not None
    assert "now · halted 4 min" == drawn.now.text


def test_the_past_is_marked_as_of_and_nothing_of_now_is_drawn():
    """The day is as it was recorded, also after that instant."""
    drawn = ribbon(span("14:30", "15:00"), span("15:00", "20:00", "HALTED"), past=True)

    assert ["ok", "halt"] == [s.look for s in drawn.stretches]
    assert drawn.now is not None
    assert "as of" == drawn.now.text


def test_what_is_not_known_is_said():
    """A day that could not be read is trouble; one without a session says so."""
    drawn = ribbon(timeline=MISSED, session={})
    late = ribbon(at="2026-11-19T03:30:00.000Z")

    assert "The day could not be read: nothing answers." == drawn.trouble
    assert ("no session today", None) == (drawn.note, drawn.open)
    assert late.now is not None
    assert "end" == late.now.anchor
    odd = Posture.model_validate({**POSTURE, "at": "soon"})
    assert see_ribbon(odd, MISSED, None, ()) is None


@pytest.mark.anyio
async def test_the_floor_shows_the_ribbon_with_its_ways(pages, upstream):
    """Server-rendered, told in words, and a link for each stretch."""
    upstream.answers["/api/v1/timeline"]["floor"] = [span("14:30", "15:00", "HALTED")]
    page = await see(pages)

    links = [a["href"] for t, a in page.elements if t == "a" and a["href"].startswith("/?at=")]
    assert "/?at=2026-11-18T14%3A30%3A01Z" in links
    assert ["group"] == [a["role"] for t, a in page.elements if a.get("class") == "ribbon"]


@pytest.mark.anyio
async def test_postures_differ_in_height_where_there_is_no_colour(pages, upstream):
    """R15.16: in greyscale OK, closed and halted are told apart: closed is low, halted is high."""
    upstream.answers["/api/v1/timeline"]["floor"] = [
        span("13:00", "14:30", "MARKET_CLOSED"),
        span("14:30", "15:00"),
        span("15:00", "15:05", "HALTED"),
    ]
    page = await see(pages)

    drawn = [a for t, a in page.elements if t == "rect" and a.get("class", "").startswith("b-")]
    heights = {a["class"]: int(a["height"]) for a in drawn}
    assert heights["b-closed"] < heights["b-ok"] < heights["b-halt"]
