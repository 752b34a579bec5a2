"""Page Schedule, and today's runs on the Floor: what is missing is never a success."""

import httpx
import pytest

from ops_ui.answers import Schedule
from ops_ui.schedule import see_day
from tests.ops_ui.conftest import AT

pytestmark = pytest.mark.anyio
SCHEDULE = "/api/v1/schedule"
RUN = "audit_artifacts/ops_runs/20261118T133000Z_pre_market"


def run(job, stage="ENDED", outcome=None, **more):
    """Return one planned run."""
    return {
        "job": job,
        "stage": stage,
        "outcome": outcome,
        "session_date": "2026-11-18",
        "planned_at": "2026-11-18T13:30:00.000Z",
        "deadline": "2026-11-18T14:15:00.000Z",
        "detail": "",
        "path": None,
        **more,
    }


def schedule(*runs, **more):
    """Return a day with these runs, and two days to come."""
    return {
        "ts": AT,
        "at_et": "2026-11-18 10:15:13 EST",
        "on": "2026-11-18",
        "note": "a full session",
        "scheduler": {"runs_here": True, "stalled": False, "detail": ""},
        "runs": list(runs),
        "carried": [],
        "last": None,
        "next": None,
        "upcoming": {
            "sessions": [
                {
                    "session_date": "2026-11-27",
                    "open": "2026-11-27T14:30:00Z",
                    "close": "2026-11-27T18:00:00Z",
                    "early_close": True,
                    "source": "NYSE early close",
                    "clock_change": None,
                },
                {
                    "session_date": "2027-03-15",
                    "open": "2027-03-15T13:30:00Z",
                    "close": "2027-03-15T20:00:00Z",
                    "early_close": False,
                    "source": "NYSE hours",
                    "clock_change": {"from": "EST", "to": "EDT"},
                },
            ],
            "holidays": [{"date": "2026-11-26", "name": "Thanksgiving Day", "source": "Rule 7.2"}],
        },
        **more,
    }


def day_of(*runs, **more):
    """See a day with these runs."""
    return see_day(Schedule.model_validate(schedule(*runs, **more)))


async def test_today_is_listed_with_outcomes_and_links(pages, upstream):
    """Each run has its time in New York, what became of it in words, and its evidence."""
    well = run("pre_market_readiness", outcome="SUCCEEDED", path=RUN, detail="<b>NO-GO</b>")
    upstream.answers[SCHEDULE] = schedule(well, run("pre_open_readiness", "PLANNED"))
    page = (await pages.get("/schedule")).text

    assert "08:30 EST" in page
    assert "SUCCEEDED" in page
    assert "Pre-open readiness" in page
    assert "PLANNED" in page
    assert f'href="/artifacts/view/{RUN}/run.json"' in page
    assert "<b>NO-GO" not in page


async def test_the_next_sessions_are_marked(pages, upstream):
    """Early closes, changes of the clocks and holidays are marked, in the order of days."""
    upstream.answers[SCHEDULE] = schedule()
    page = (await pages.get("/schedule")).text
    order = [page.index(t) for t in ("Thanksgiving Day", "Fri 27 Nov 2026", "Mon 15 Mar 2027")]

    assert sorted(order) == order
    assert "13:00 EST" in page
    assert "early close: NYSE early close" in page
    assert "clocks changed: EST to EDT" in page
    assert "09:30 EDT" in page


@pytest.mark.parametrize(
    ("outcome", "look"),
    [
        ("SUCCEEDED", "fine"),
        ("FAILED", "bad"),
        ("MISSED", "bad"),
        ("LATE", "bad"),
        ("OVERLAPPED", "bad"),
        ("SKIPPED_HOLIDAY", "waits"),
        ("SOMETHING_NEW", "bad"),
        (None, "bad"),
    ],
)
def test_only_a_success_looks_like_one(outcome, look):
    """An unknown outcome, or none at all of a run that ended, is no success."""
    (row,) = day_of(run("lkg_capture", outcome=outcome)).rows

    assert look == row.look
    assert row.bad == (look == "bad")


@pytest.mark.parametrize(
    ("detail", "look"),
    [
        ("GO", "fine"),
        ("GOOD", "fine"),
        ("NO_EXECUTION_OBSERVED", "fine"),
        ("NO-GO SESSION_CLOSED", "fine"),
        ("COMPLETE", "fine"),
        ("CONTRADICTED", "tells"),
        ("WARNINGS", "tells"),
        ("NO-GO", "bad"),
        ("CANDIDATE", "tells"),
        ("NO_EXECUTION_OBSERVED_WITH_GAPS", "tells"),
        ("EXECUTION_OBSERVED", "alarm"),
        ("something new", "tells"),
    ],
)
def test_evidence_that_says_something_is_seen_to(detail, look):
    """That a run succeeded says that there is evidence; what it says is another matter."""
    (row,) = day_of(run("lkg_capture", outcome="SUCCEEDED", detail=detail)).rows

    assert (look, look in {"bad", "alarm"}) == (row.look, row.bad)


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        ({"runs_here": True, "stalled": True, "detail": "no beat for 16 s"}, "no beat for 16 s"),
        ({"runs_here": False, "stalled": False}, "this server does not start the runs"),
        ({}, "it is not known whether runs are started"),
        (None, "it is not known whether runs are started"),
    ],
)
def test_a_scheduler_that_does_nothing_is_loud(scheduler, words):
    """The plan says so where nothing starts its runs."""
    day = day_of(scheduler=scheduler)

    assert (words, True) == (day.scheduler, day.scheduler_bad)


def test_samples_are_counted_by_what_became_of_them():
    """Twenty-six rows are one line, unless one of them went wrong."""
    ran = run("intraday_sample", outcome="SUCCEEDED")
    missed = run("intraday_sample", outcome="MISSED")
    waits = run("intraday_sample", "PLANNED")
    well, bad = day_of(ran, ran, waits), day_of(ran, missed)

    assert ("2 SUCCEEDED, 1 PLANNED", False) == (well.sample_note, well.samples_bad)
    assert ("1 SUCCEEDED, 1 MISSED", True) == (bad.sample_note, bad.samples_bad)


async def test_a_schedule_that_was_missed_is_no_empty_day(pages, upstream):
    """Down, slow or garbage: the page says so, and never that nothing is planned."""
    upstream.answers[SCHEDULE] = httpx.Response(503)
    down = await pages.get("/schedule")
    upstream.answers[SCHEDULE] = {"runs": "none"}
    garbage = await pages.get("/schedule")

    assert (502, 502) == (down.status_code, garbage.status_code)
    assert "could not be read" in down.text
    assert "its runs is no list" in garbage.text
    assert "Nothing is planned" not in down.text + garbage.text


async def test_the_floor_says_what_ran_and_what_comes_next(pages, upstream):
    """The last run with its outcome, the next with its time, and what was missed in red."""
    missed = run("pre_market_readiness", outcome="MISSED", detail="it was not started in time")
    following = run("post_market_capture", "PLANNED", planned_at="2026-11-18T21:30:00.000Z")
    upstream.answers[SCHEDULE] = schedule(missed, following, last=missed, next=following)
    page = (await pages.get("/")).text

    assert "Today's runs" in page
    assert "Ran last: Pre-market readiness MISSED (08:30 EST)" in page
    assert "next: Post-market capture at 16:30 EST" in page
    assert 'class="run-bad"' in page


async def test_the_floor_is_shown_without_the_schedule(pages, upstream):
    """A schedule that cannot be read is told, and takes nothing from the verdict."""
    upstream.answers[SCHEDULE] = httpx.Response(503)
    answer = await pages.get("/")

    assert 200 == answer.status_code
    assert "They could not be read" in answer.text
    assert '<h1 id="verdict">OK</h1>' in answer.text


async def test_a_stalled_scheduler_is_told_on_the_floor(pages, upstream):
    """The Floor lists today's runs and says that nothing starts them."""
    stalled = {"runs_here": True, "stalled": True, "detail": "the scheduler has not beaten"}
    upstream.answers[SCHEDULE] = schedule(run("lkg_capture", "PLANNED"), scheduler=stalled)

    assert "The scheduler has not beaten." in (await pages.get("/")).text
