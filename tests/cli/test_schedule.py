"""Command line: `schedule`, which needs no fleet."""

import orjson
import pytest


def test_the_next_sessions_with_the_holiday_between(run):
    """Before Thanksgiving 2026 the next sessions show the holiday and the early close."""
    done = run("schedule", "--next", "2", "--json", "--at", "2026-11-25T17:00-05:00")

    told = orjson.loads(done.stdout)
    assert 0 == done.exit_code
    assert [("2026-11-27", True), ("2026-11-30", False)] == [
        (s["session_date"], s["early_close"]) for s in told["sessions"]
    ]
    assert ["2026-11-26"] == [h["date"] for h in told["holidays"]]
    boundaries = told["sessions"][0]["phase_boundaries"]
    assert {
        "pre_market_start": "2026-11-27T05:00:00Z",
        "open": "2026-11-27T14:30:00Z",
        "close": "2026-11-27T18:00:00Z",
        "post_market_end": "2026-11-28T05:00:00Z",
    } == {name: moment["utc"] for name, moment in boundaries.items()}
    assert "2026-11-27T13:00:00-05:00" == boundaries["close"]["et"]


def test_a_session_that_is_open_is_the_first(run):
    """A session that has not closed yet is listed first."""
    done = run("schedule", "--next", "1", "--json", "--at", "2026-11-18T15:59:59-05:00")

    assert "2026-11-18" == orjson.loads(done.stdout)["sessions"][0]["session_date"]


def test_people_see_the_marks(run):
    """For people early closes, holidays and changed clocks are marked."""
    text = run("schedule", "--next", "3", "--at", "2026-11-25T17:00-05:00").stdout
    spring = run("schedule", "--next", "2", "--at", "2027-03-12T17:00-05:00").stdout

    assert "no session: Thanksgiving" in text
    assert "early close" in text
    assert "13:00 EST" in text
    assert "clocks changed from EST to EDT" in spring


def test_a_published_closure_counts(run, tmp_path):
    """A published closure removes its session from the list and stands among the holidays."""
    path = tmp_path / "closures.yaml"
    path.write_text(
        "closures:\n  - {date: 2026-12-01, kind: closed, source: notice, "
        "announced: 2026-11-29, entered_by: ops}\n"
    )
    done = run("schedule", "--next", "2", "--json", "--at", "2026-11-30T12:00-05:00",
        MISSION_CONTROL_CLOSURES_FILE=str(path),
    )  # fmt: skip

    told = orjson.loads(done.stdout)
    assert ["2026-11-30", "2026-12-02"] == [s["session_date"] for s in told["sessions"]]
    assert ["2026-12-01"] == [h["date"] for h in told["holidays"]]


@pytest.mark.parametrize(
    "words",
    [
        ["--next", "0"],
        ["--at", "noon"],
        ["--at", "2026-11-18T10:00"],
        ["--at", "2090-01-01T00:00Z"],
    ],
)
def test_wrong_usage_is_told(run, words):
    """Wrong usage exits 2 with a sentence."""
    done = run("schedule", *words)

    assert 2 == done.exit_code
    assert done.stderr


def test_the_end_of_the_calendar_is_told(run):
    """Near the calendar's end fewer sessions are listed, and that is said."""
    done = run("schedule", "--next", "5", "--json", "--at", "2060-12-30T12:00Z")

    assert len(orjson.loads(done.stdout)["sessions"]) < 5
    assert "2060-12-31" in done.stderr


def test_an_instant_without_its_offset_is_refused_for_that(run):
    """A time that could be any zone's is refused, and the remedy is named."""
    assert "has no offset from UTC" in run("schedule", "--at", "2026-11-18T10:00").stderr


def test_json_for_all_commands_counts_here_too(run):
    """With --json before the command the schedule is JSON as well."""
    done = run("--json", "schedule", "--next", "260", "--at", "2026-11-20T14:00Z")

    assert 260 == len(orjson.loads(done.stdout)["sessions"])
