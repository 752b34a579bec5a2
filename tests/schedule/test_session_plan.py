"""Plans: every run of two years stands where the exchange's own calendar says it must."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.model.session import MarketSession, Phase
from mission_control.schedule.decide import join_plans, plan_session
from mission_control.schedule.model import Job

pytestmark = pytest.mark.filterwarnings(
    "ignore:Series.values returning an ndarray"  # pandas to exchange_calendars, not to us
)
NEW_YORK = ZoneInfo("America/New_York")
EVERY = frozenset(Job)
YEARS = [2026, 2027]
CALENDAR = MarketCalendar()


def plan_of(on, calendar=CALENDAR, offered=EVERY):
    """Plan a date as the scheduled day does."""
    return plan_session(on, calendar.session_at(datetime.combine(on, time(12), NEW_YORK)), offered)


def runs_of(plan, job):
    """Give a job's runs of a plan."""
    return [r for r in plan.runs if r.job is job]


def clock(run):
    """Give a run's time and deadline as New York's clocks show them."""
    at, by = run.planned_at.astimezone(NEW_YORK), run.deadline.astimezone(NEW_YORK)
    return f"{at:%a %H:%M %Z}", f"{by:%a %H:%M %Z}"


@pytest.fixture(scope="module")
def oracle():
    """Give the exchange's sessions as another library knows them."""
    return exchange_calendars.get_calendar("XNYS", start="2025-12-01", end="2028-01-31")


def expected_runs(open_, close, next_open):
    """Work out from a session's hours, in minutes, what docs/semantics.md#8 asks for."""
    minutes = lambda n: timedelta(minutes=n)  # noqa: E731
    yield Job.PRE_MARKET, open_ - minutes(60), open_ - minutes(15)
    yield Job.PRE_OPEN, open_ - minutes(15), open_
    yield Job.OPEN_VERIFICATION, open_ + minutes(5), open_ + minutes(20)
    yield Job.POST_MARKET, close + minutes(30), close + minutes(60)
    yield Job.LKG_CAPTURE, close + minutes(60), close + minutes(120)
    yield Job.ATTESTATION, close + minutes(75), next_open - minutes(60)
    at = open_
    while at < close:
        yield Job.INTRADAY_SAMPLE, at, min(at + minutes(15), close)
        at += minutes(15)


@pytest.mark.parametrize("year", YEARS)
def test_every_run_of_a_year_stands_where_the_exchange_says(oracle, year):
    """
    For each date of a year the plan holds just the runs of docs/semantics.md#8.

    The hours come from another calendar, so that ours cannot be wrong and agree with itself (R8.1).
    """
    on, sessions = date(year, 1, 1), 0
    while on.year == year:
        plan = plan_of(on)
        evening = datetime.combine(on, time(18), NEW_YORK)
        tomorrow = datetime.combine(on + timedelta(days=1), time(18), NEW_YORK)
        expected = {(j, evening, tomorrow, "") for j in (Job.RETENTION, Job.DURABLE_COPY)}
        if oracle.is_session(str(on)):
            sessions += 1
            hours = (
                oracle.session_open(str(on)),
                oracle.session_close(str(on)),
                oracle.session_open(oracle.next_session(str(on))),
            )
            expected |= {(*r, "") for r in expected_runs(*(h.to_pydatetime() for h in hours))}
            found = {(r.job, r.planned_at, r.deadline, r.skipped) for r in plan.runs}
        else:
            found = {
                (r.job, r.planned_at, r.deadline, r.skipped) for r in plan.runs if not r.skipped
            }

        assert expected == found, on
        assert sorted(plan.runs) == list(plan.runs)
        assert {on} == {r.session_date for r in plan.runs}
        on += timedelta(days=1)
    assert 251 == sessions


@pytest.mark.parametrize(
    ("on", "zone"),
    [
        (date(2026, 3, 6), "EST"),
        (date(2026, 3, 9), "EDT"),
        (date(2026, 10, 30), "EDT"),
        (date(2026, 11, 2), "EST"),
        (date(2027, 3, 15), "EDT"),
        (date(2027, 11, 8), "EST"),
    ],
)
def test_new_yorks_clocks_show_the_same_times_on_both_sides_of_a_change(on, zone):
    """On the sessions beside a change of the clocks, each run is at its usual hour there (R5.4)."""
    plan = plan_of(on)
    shown = {r.job: f"{r.planned_at.astimezone(NEW_YORK):%H:%M %Z}" for r in plan.runs}

    assert f"08:30 {zone}" == shown[Job.PRE_MARKET]
    assert f"09:15 {zone}" == shown[Job.PRE_OPEN]
    assert f"09:35 {zone}" == shown[Job.OPEN_VERIFICATION]
    assert f"16:30 {zone}" == shown[Job.POST_MARKET]
    assert f"17:00 {zone}" == shown[Job.LKG_CAPTURE]
    assert f"17:15 {zone}" == shown[Job.ATTESTATION]
    assert f"18:00 {zone}" == shown[Job.RETENTION]


def test_an_attestation_over_a_change_of_the_clocks_is_due_by_the_wall_clock():
    """That of the Friday before is due at 08:30 on Monday, an hour nearer by the sun."""
    (run,) = runs_of(plan_of(date(2026, 3, 6)), Job.ATTESTATION)

    assert ("Fri 17:15 EST", "Mon 08:30 EDT") == clock(run)


def test_an_early_close_moves_what_follows_the_close():
    """On 2026-11-27 the market closes at 13:00, and the captures follow it (R5.4)."""
    plan = plan_of(date(2026, 11, 27))
    (capture,) = runs_of(plan, Job.POST_MARKET)
    (lkg,) = runs_of(plan, Job.LKG_CAPTURE)
    samples = runs_of(plan, Job.INTRADAY_SAMPLE)

    assert ("Fri 13:30 EST", "Fri 14:00 EST") == clock(capture)
    assert ("Fri 14:00 EST", "Fri 15:00 EST") == clock(lkg)
    assert (14, ("Fri 12:45 EST", "Fri 13:00 EST")) == (len(samples), clock(samples[-1]))
    assert plan.early_close
    assert "day after Thanksgiving" in plan.note


def test_a_published_closure_skips_the_day():
    """A day that the exchange closes at short notice is planned as a holiday, by its name."""
    on = date(2026, 6, 10)
    closed = Closure(on, ClosureKind.CLOSED, None, "NYSE notice 2026-7", date(2026, 6, 8), "J. D.")
    plan = plan_of(on, MarketCalendar([closed]))

    assert {"holiday: Unscheduled closing (NYSE notice 2026-7)", ""} == {
        r.skipped for r in plan.runs
    }
    assert {Job.RETENTION, Job.DURABLE_COPY} == {r.job for r in plan.runs if not r.skipped}


def test_a_published_early_close_moves_the_day():
    """A close that is published for 14:00 moves capture and samples with it."""
    on = date(2026, 6, 10)
    early = Closure(
        on, ClosureKind.EARLY_CLOSE, time(14), "NYSE notice 2026-8", date(2026, 6, 8), "J. D."
    )
    plan = plan_of(on, MarketCalendar([early]))

    assert ("Wed 14:30 EDT", "Wed 15:00 EDT") == clock(runs_of(plan, Job.POST_MARKET)[0])
    assert 18 == len(runs_of(plan, Job.INTRADAY_SAMPLE))


def test_a_holiday_is_planned_as_skipped_at_its_usual_times():
    """So that a person who looks for the 08:30 run of Thanksgiving finds why there is none."""
    plan = plan_of(date(2026, 11, 26))
    (run,) = runs_of(plan, Job.PRE_MARKET)

    assert "holiday: Thanksgiving Day (NYSE Rule 7.2)" == run.skipped
    assert ("Thu 08:30 EST", "Thu 09:15 EST") == clock(run)
    assert [] == runs_of(plan, Job.INTRADAY_SAMPLE)


def test_a_weekend_has_the_daily_runs_alone():
    """What is due every day is due on a Saturday as well (R8.1)."""
    plan = plan_of(date(2026, 11, 21))

    assert [Job.DURABLE_COPY, Job.RETENTION] == [r.job for r in plan.runs]
    assert "no session: weekend" == plan.note


def test_a_calendar_that_cannot_tell_plans_the_literal_weekday():
    """
    Not knowing whether there is a session, the usual day is planned: one too many, not few (R8.6).
    """
    on = date(2026, 11, 20)
    unknown = MarketSession(datetime(2026, 11, 20, 17, tzinfo=UTC), Phase.UNKNOWN, note="broken")
    plan = plan_session(on, unknown, EVERY)

    assert "broken" == plan.note
    assert ("Fri 08:30 EST", "Fri 09:15 EST") == clock(runs_of(plan, Job.PRE_MARKET)[0])
    assert ("Fri 16:30 EST", "Fri 17:00 EST") == clock(runs_of(plan, Job.POST_MARKET)[0])
    assert ("Fri 17:15 EST", "Mon 08:30 EST") == clock(runs_of(plan, Job.ATTESTATION)[0])
    assert 26 == len(runs_of(plan, Job.INTRADAY_SAMPLE))
    assert all(not r.skipped for r in plan.runs)


def test_past_the_last_covered_day_weekdays_are_planned():
    """The calendar's end takes no run away."""
    plan = plan_of(date(2061, 1, 4))

    assert {"08:30 EST"} == {
        f"{r.planned_at.astimezone(NEW_YORK):%H:%M %Z}" for r in runs_of(plan, Job.PRE_MARKET)
    }


def test_only_what_is_offered_is_planned():
    """A job that this configuration cannot run is not promised."""
    plan = plan_of(date(2026, 11, 20), offered=frozenset({Job.PRE_OPEN, Job.RETENTION}))

    assert [Job.PRE_OPEN, Job.RETENTION] == [r.job for r in plan.runs]


def test_plans_of_servers_that_offer_different_jobs_are_joined():
    """Each keeps what the other alone offers, and plans its own again."""
    on = date(2026, 11, 20)
    one, other = plan_of(on, offered=EVERY - {Job.DURABLE_COPY}), plan_of(on)

    assert other == join_plans(one, other, EVERY - {Job.DURABLE_COPY})
    assert other == join_plans(other, one, EVERY)
    assert one == join_plans(one, replace(other, runs=other.runs[:1]), EVERY)


def test_a_key_names_one_run():
    """No two runs of two years have the same key."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(730)]
    keys = [r.key for on in days for r in plan_of(on).runs]

    assert len(set(keys)) == len(keys)
    assert "2026-11-20_pre_market_readiness_133000Z" in keys
