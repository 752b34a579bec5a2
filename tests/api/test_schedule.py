"""`/api/v1/schedule`: today's plan with what became of each run, and the sessions to come."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.schedule.model import Job
from tests.api.paper_floor import PaperClock, PaperControl
from tests.schedule.day_of_values import a_day, nothing

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


class RealCalendarControl(PaperControl):
    """A control whose sessions are the exchange's."""

    def parts(self):
        """Return the parts with a real calendar."""
        from dataclasses import replace  # noqa: PLC0415

        return replace(super().parts(), calendar=MarketCalendar())


@pytest.fixture
def clock():
    """Return a clock that shows 08:30 in New York."""
    return PaperClock(AT)


async def schedule_of(tmp_path, clock, day=None, **more):
    """Ask for the schedule."""
    control = RealCalendarControl(clock=clock, root=tmp_path, day=day, **more)
    return await control.ask("/api/v1/schedule")


async def test_each_run_stands_there_with_its_outcome(tmp_path, clock):
    """What ran links to its evidence; what did not is PLANNED, DUE or MISSED."""
    day = a_day(tmp_path, clock, dict.fromkeys((Job.PRE_MARKET, Job.PRE_OPEN), nothing))
    await day.begin(day.plan(AT.date()).runs[0])
    document = (await schedule_of(tmp_path, clock, day)).json()
    runs = {r["job"]: r for r in document["runs"]}

    assert ("2026-11-20", "a full session") == (document["on"], document["note"])
    assert "SUCCEEDED" == runs["pre_market_readiness"]["outcome"]
    assert runs["pre_market_readiness"]["path"].startswith("audit_artifacts/ops_runs/2026")
    assert ("PLANNED", None) == (
        runs["pre_open_readiness"]["stage"],
        runs["pre_open_readiness"]["outcome"],
    )
    assert "pre_open_readiness" == document["next"]["job"]
    assert "pre_market_readiness" == document["last"]["job"]
    assert "2026-11-20 08:30:00 EST" == runs["pre_market_readiness"]["planned_at_et"]


async def test_thirty_sessions_to_come_are_listed_with_what_is_marked(tmp_path, clock):
    """Early closes and holidays are among them; so is a change of the clocks."""
    document = (await schedule_of(tmp_path, clock)).json()
    sessions = {s["session_date"]: s for s in document["upcoming"]["sessions"]}
    clock.now = datetime(2026, 10, 20, 15, tzinfo=UTC)
    autumn = (await schedule_of(tmp_path, clock)).json()["upcoming"]["sessions"]

    assert 30 == len(sessions)
    assert (True, "2026-11-27T18:00:00Z") == (
        sessions["2026-11-27"]["early_close"],
        sessions["2026-11-27"]["close"],
    )
    assert ["Thanksgiving Day", "Christmas Day", "New Year's Day"] == [
        h["name"] for h in document["upcoming"]["holidays"]
    ]
    assert ["2026-11-02"] == [s["session_date"] for s in autumn if s["clock_change"]]


async def test_a_missed_run_and_a_carried_one_are_told(tmp_path, clock):
    """What was not begun is MISSED; what is still open from Friday is carried on Monday."""
    day = a_day(tmp_path, clock, dict.fromkeys((Job.PRE_MARKET, Job.ATTESTATION), nothing))
    await day.prepare()
    clock.now = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    monday = (await schedule_of(tmp_path, clock, day)).json()
    clock.now += timedelta(hours=3)
    later = (await schedule_of(tmp_path, clock, day)).json()

    assert [("no_execution_attestation", "2026-11-20", "DUE")] == [
        (r["job"], r["session_date"], r["stage"]) for r in monday["carried"]
    ]
    assert "no_execution_attestation" == monday["next"]["job"]
    assert "MISSED" == later["runs"][0]["outcome"]
    assert [] == later["carried"]


async def test_whether_anything_begins_runs_here_is_told(tmp_path, clock):
    """A server without a scheduler says so; one whose scheduler stalled is no longer healthy."""
    day = a_day(tmp_path, clock, {})
    none = (await schedule_of(tmp_path, clock, day)).json()["scheduler"]
    day.beat = lambda: ""
    well = (await schedule_of(tmp_path, clock, day)).json()["scheduler"]
    day.beat = lambda: "the scheduler has not beaten for 16.0 s"
    control = PaperControl(clock=clock, root=tmp_path, day=day)
    health, alive = await control.ask("/healthz"), await control.ask("/livez")
    status = (await control.ask("/ops/status")).json()["status"]

    assert (False, False) == (none["runs_here"], none["stalled"])
    assert (True, False) == (well["runs_here"], well["stalled"])
    assert (503, "scheduler_stalled", 200) == (
        health.status_code,
        health.json()["code"],
        alive.status_code,
    )
    assert ("DEGRADED", ["SCHEDULER_STALLED"]) == (status["state"], status["reason_codes"])


async def test_a_record_that_cannot_be_read_is_a_503(tmp_path, clock):
    """Where the record cannot be read, no run is shown as well."""
    root = tmp_path / "root"
    root.write_bytes(b"")
    day = a_day(root, clock, {Job.PRE_MARKET: nothing})
    answer = await schedule_of(root, clock, day)

    assert 503 == answer.status_code


async def test_a_simulated_floor_says_so(tmp_path, clock):
    """The demo's schedule is marked as the demo's."""
    assert "DEMO" == (await schedule_of(tmp_path, clock, label="DEMO")).json()["label"]
