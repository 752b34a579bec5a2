"""What happened, as incidents; what changed; what could not be read is said."""

import pytest

from ops_ui.answers import Events, Schedule
from ops_ui.happened import Incidents, see_changed, see_happened
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.record_answers import Captures, Comparison
from tests.ops_ui.test_pages import see
from tests.ops_ui.test_schedule_page import run, schedule

MISSED = Missed(Failure.DOWN, "nothing answers")
NONE = Missed(Failure.GARBAGE, "is not there", 404)
OPEN = {
    "begin": "2026-11-18T15:10:00.000Z", "end": None, "open": True, "seconds": 313.0,
    "severity": "P1", "sentence": "Marketdata is stale; the floor is halted", "event_count": 4,
}  # fmt: skip
OVER = OPEN | {"begin": "2026-11-18T14:40:00.000Z", "end": "2026-11-18T14:42:00.000Z",
               "open": False, "seconds": 120.0, "event_count": 1}  # fmt: skip
TURNED = {"type": "posture.changed", "ts": "2026-11-18T14:42:00.000Z", "severity": "INFO",
          "message": "posture HALTED -> OK", "sentence": "The halt is over",
          "data": {"before": "HALTED", "after": "OK"}}  # fmt: skip
LINE = TURNED | {"type": "agent.changed", "sentence": "a line"}


def told(incidents, events: Events | Missed = MISSED, plan=None):
    """Return what happened as (look, lead, text)."""
    view = see_happened(incidents, events, plan)
    return [(i.look, i.lead, i.text) for i in view.items], view.trouble


def test_incidents_are_told_and_not_their_lines():
    """Newest first, open ones loud, with what the planned runs found between them."""
    plan = Schedule.model_validate(
        schedule(
            run("pre_open_readiness", "SUCCEEDED", detail="NO-GO",
                finished="2026-11-18T14:20:00.000Z"),
            run("open_verification", "SUCCEEDED", detail="GO",
                finished="2026-11-18T14:35:40.000Z"),
            run("intraday_sample", "SUCCEEDED", finished="2026-11-18T15:00:00.000Z"),
            run("lkg_capture", "PLANNED"),
        )
    )  # fmt: skip
    found = Incidents.model_validate({"incidents": [OPEN, OVER], "others": [TURNED, LINE]})

    assert [
        ("bad", "P1 Open now.", "Marketdata is stale; the floor is halted"),
        ("ok", "", "The halt is over"),
        ("was", "P1 Over after 2 min.", "Marketdata is stale; the floor is halted"),
        ("ok", "GO", "Open verification"),
        ("bad", "NO-GO", "Pre-open readiness"),
    ] == told(found, plan=plan)[0]
    links = see_happened(found, MISSED, None).items
    assert "/events?since=2026-11-18T15%3A10%3A00.000Z" == links[0].href
    assert ("4 events", "") == (links[0].more, links[2].more)


def test_without_incidents_the_events_serve_and_polls_do_not():
    """An older server tells lines; a failing one is said."""
    events = Events.model_validate({"events": [TURNED, {**LINE, "type": "mission_control.poll"}]})

    assert [("ok", "", "The halt is over")] == told(NONE, events)[0]
    assert ([], "They could not be read: nothing answers") == told(NONE)


CHANGES = {
    "before": {"at": "2026-11-17T14:30:00.000Z"},
    "after": {"at": "2026-11-18T14:30:00.000Z"},
    "changes": [
        {"subject": f"s{n}", "what": "image", "before": "a", "after": "b"} for n in range(7)
    ],
}
GOOD = {"good": "ops/lkg/x", "captures": [
    {"path": "ops/lkg/x", "session_date": "2026-11-17", "status": "GOOD"}]}  # fmt: skip


def changed(diff=CHANGES, captures=GOOD, away=CHANGES):
    """Return what changed."""
    return see_changed(
        diff if isinstance(diff, Missed) else Comparison.model_validate(diff),
        captures if isinstance(captures, Missed) else Captures.model_validate(captures),
        away if isinstance(away, Missed) else Comparison.model_validate(away),
    )


def test_what_changed_is_told_with_how_far_the_last_known_good_is():
    """A few changes, and how many more."""
    view = changed()

    assert ("Tue 09:30 EST", 5, 2, "") == (view.since, len(view.items), view.more, view.note)
    assert "Last known good: session 2026-11-17, GOOD, 7 changes away" == view.good
    assert "fine" == changed(away=CHANGES | {"changes": []}).good_look
    assert "Nothing changed." == changed(diff=CHANGES | {"changes": []}).note


@pytest.mark.parametrize(
    ("given", "note", "good"),
    [
        ({"diff": NONE}, "No two deploy reports to compare yet.", "7 changes away"),
        ({"diff": MISSED}, "Not known: nothing answers.", "7 changes away"),
        ({"diff": CHANGES | {"changes": None}}, "Not known", "7 changes away"),
        ({"captures": MISSED}, "", "not known (nothing answers)"),
        ({"captures": {"captures": [], "good": None}}, "", "none yet"),
        ({"captures": GOOD | {"good_doubts": ["older"]}}, "", "in doubt: older"),
        ({"away": MISSED}, "", "how far it is, is not known"),
    ],
)
def test_what_could_not_be_compared_is_no_nothing(given, note, good):
    """Each failure has its words, and none of them is "nothing changed"."""
    view = changed(**given)

    assert view.note.startswith(note) if note else view.note == ""
    assert good in view.good


@pytest.mark.anyio
async def test_the_floor_tells_both(pages, upstream):
    """Beside the services, each with the way to the rest."""
    upstream.answers["/api/v1/incidents"] = {"incidents": [OPEN], "others": []}
    upstream.answers["/api/v1/reports/diff"] = CHANGES
    page = await see(pages)

    assert "P1 Open now. Marketdata is stale; the floor is halted 4 events" in page.text
    assert "Changed since Tue 09:30 EST" in page.text
    assert "2 more" in page.text
