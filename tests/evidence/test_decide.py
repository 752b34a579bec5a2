"""The posture from instant to instant and by the minute, the rows of the story, what is missing."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.evidence.decide import (
    NOT_WATCHED,
    draw_posture,
    say_coverage,
    worst_by_minute,
)
from mission_control.evidence.model import (
    ChangeLine,
    Exported,
    Gap,
    PartCoverage,
    PostureSegment,
    Story,
    Told,
    Wanted,
)
from mission_control.evidence.present import index_page, story_rows

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = Wanted(START, START + 60 * MINUTE)


def change(minute, posture="OK", **more):
    """Return a judged change at a minute of the hour."""
    at = START + minute * MINUTE
    about = {"decision_version": "0+0", "result": "0", "equal": True, "severity": None, "codes": ()}
    return ChangeLine(0, f"at {minute}", at, 1, "change", posture=posture, **(about | more))


def drawn(lines, unwatched=()):
    """Return the posture of the hour, by minutes."""
    spans = [(START + b * MINUTE, START + e * MINUTE) for b, e in unwatched]
    return [
        ((s.begin - START) // MINUTE, (s.end - START) // MINUTE, s.posture)
        for s in draw_posture(lines, spans, HOUR)
    ]


@pytest.mark.parametrize(
    ("lines", "unwatched", "expected"),
    [
        pytest.param([], [], [(0, 60, NOT_WATCHED)], id="nothing is known"),
        pytest.param([change(-5)], [], [(0, 60, "OK")], id="one that was in force"),
        pytest.param(
            [change(10)], [], [(0, 10, NOT_WATCHED), (10, 60, "OK")], id="nothing before the first"
        ),
        pytest.param(
            [change(-5), change(20, "HALTED")],
            [(30, 40)],
            [(0, 20, "OK"), (20, 30, "HALTED"), (30, 40, NOT_WATCHED), (40, 60, "HALTED")],
            id="a gap in a halt",
        ),
        pytest.param(
            [change(-9), change(-5), change(0, "HALTED"), change(0, "OK")],
            [(0, 60)],
            [(0, 60, NOT_WATCHED)],
            id="a gap hides all that was known",
        ),
    ],
)
def test_the_posture_has_no_hole_and_no_overlap(lines, unwatched, expected):
    """R12.31: What was not watched is no posture, whatever was known before."""
    assert expected == drawn(lines, unwatched)


def test_a_minute_is_as_bad_as_the_worst_in_it():
    """R12.31: One that was not watched whole says so, and is no better for it."""
    second = timedelta(seconds=1)
    segments = (
        PostureSegment(START, START + 70 * second, "OK"),
        PostureSegment(START + 70 * second, START + 80 * second, "HALTED"),
        PostureSegment(START + 80 * second, START + 200 * second, NOT_WATCHED),
    )

    minutes = worst_by_minute(segments, START + 30 * second, START + 200 * second)

    assert [("OK", 30.0), ("HALTED", 20.0), (NOT_WATCHED, 0.0), (NOT_WATCHED, 0.0)] == [
        (m.posture, m.watched_seconds) for m in minutes
    ]
    assert START == minutes[0].minute


WHOLE = PartCoverage("events", 3, 3, "events")
GAPS = PartCoverage("posture", 60, 50, "seconds", (Gap("a minute", "nothing was decided"),))
LESS = PartCoverage("artifacts", 3, 2, "files")
UNREAD = PartCoverage("alerts", None, 0, "changes", (Gap("all of it", "the disk is gone"),))


@pytest.mark.parametrize(
    ("coverage", "said"),
    [
        pytest.param([WHOLE], "Nothing is missing: all 1 sources are whole.", id="whole"),
        pytest.param(
            [WHOLE, GAPS, LESS], "WITH GAPS: posture, artifacts (of 3 sources).", id="gaps"
        ),
        pytest.param([UNREAD], "NOT READ: alerts (of 1 sources).", id="unread"),
        pytest.param(
            [GAPS, UNREAD],
            "NOT READ: alerts; WITH GAPS: posture (of 2 sources).",
            id="unread first",
        ),
    ],
)
def test_what_is_missing_is_said_first(coverage, said):
    """R12.32: Nothing is called whole that lacks anything."""
    about = {}

    assert said == say_coverage(coverage)
    assert Exported(about, tuple(coverage), said).whole == (said.startswith("Nothing"))
    assert len(Exported(about, tuple(coverage), said).unread) == said.count("NOT READ")


ABOUT = {
    "from": "2026-11-20T14:30:00.000Z",
    "to": "2026-11-20T15:30:00.000Z",
    "incident": "<script>alert(1)</script>",
    "label": "DEMO",
    "sessions": [],
    "fleet": {"source": "f\u202eyaml", "agents": 1, "digest": "0"},
    "mission_control": "0",
    "decision_version": "0+0",
    "ledger_head": None,
}


def page(story, coverage=(WHOLE,), **about):
    """Return the page of a story."""
    told = Exported(ABOUT | about, tuple(coverage), say_coverage(coverage))
    return index_page(told, story).decode()


def test_the_story_goes_minute_by_minute_and_says_where_nothing_happened():
    """R12.29: What lies between two minutes is one row, with the posture of that time."""
    told = (
        Told(START, "posture", "one"),
        Told(START + timedelta(seconds=59), "event", "two"),
        Told(START + MINUTE, "event", "three"),
        Told(START + 10 * MINUTE, "event", "four"),
    )
    segments = (PostureSegment(START, START + 5 * MINUTE, "OK"),)

    rows = list(story_rows(Story(told, 0, segments)))

    assert [2, 1, 0, 1] == [len(r.lines) for r in rows]
    assert "nothing new for 8 min; OK" == rows[2].quiet
    assert [] == list(story_rows(Story((), 0, ())))
    (_, quiet, _) = story_rows(Story((told[0], told[3]), 0, ()))
    assert quiet.quiet.endswith("nothing is known of the posture")


def test_what_others_wrote_is_no_markup_and_turns_nothing():
    """R12.33: The page is inert: no script, no request, and no character that turns text."""
    story = Story((Told(START, "event", "<img src=x onerror=alert(1)> \u202eabc"),), 7, ())
    text = page(story, (GAPS, UNREAD))

    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "default-src 'none'" in text
    assert "7 more lines are in the documents alone" in text
    assert "no ledger: it could not be read" in text
    assert "none: the market was closed" in text
    assert "DEMO" in text


def test_a_page_of_nothing_says_so():
    """R12.32: An empty table is never taken for a calm day."""
    text = page(Story((), 0, ()), label="", incident="", ledger_head={"seq": 1, "hash": "ab"})

    for said in (
        "Nothing is known of the posture.",
        "No report was recorded.",
        "Nothing was recorded in this time.",
        "Nothing is missing",
        "the ledger up to line 1",
    ):
        assert said in text


def test_very_many_gaps_are_counted():
    """R12.32: The page shows the first, and says how many more there are."""
    gaps = tuple(Gap(f"gap {n}", "because") for n in range(60))
    segments = (
        PostureSegment(
            START, START + MINUTE, "HALTED", "P1", ("MARKETDATA_STALE",), "x", equal=False
        ),
    )
    text = page(
        Story((Told(START, "report", "made", "data/x"),), 0, segments),
        (PartCoverage("artifacts", 60, 0, "files", gaps), LESS),
    )

    assert "10 more are in" in text
    assert "gap 50" not in text
    assert "decided again, it differs" in text
    assert 'href="data/runbooks/MARKETDATA_STALE.md"' in text
    assert "not all of it" in text
