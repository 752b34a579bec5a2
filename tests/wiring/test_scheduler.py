"""The scheduler fires each run once, at its time, whatever clocks and calendars do."""

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine

from mission_control.bootstrap.clock import real_clock
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.schedule.decide import plan_session
from mission_control.schedule.model import Job, PlannedRun
from mission_control.schedule.scheduler import BEAT_SECONDS, MISSED_BEATS, PREPARE, DayScheduler
from mission_control.simulation.clock import SimulatedClock
from tests.schedule.day_of_values import a_day, nothing

pytestmark = pytest.mark.anyio
EVERY = frozenset(Job)
CLOSED_ON = date(2026, 6, 10)
NOTICE = Closure(CLOSED_ON, ClosureKind.CLOSED, None, "NYSE notice", date(2026, 6, 8), "J. D.")
CALENDAR = MarketCalendar([NOTICE])


def runs_of(on, calendar=CALENDAR):
    """List what is planned for a date and will run."""
    plan = plan_session(on, calendar.session_at(instant_of(on, time(12))), EVERY)
    return [r for r in plan.runs if not r.skipped]


class PaperDay:
    """A day that only notes when each run was begun."""

    def __init__(self, clock=real_clock):
        """Begin nothing yet."""
        self.clock = clock
        self.begun = []
        self.prepared = []
        self.waiting: list[PlannedRun] = []
        self.unsettled = True
        self.trouble: BaseException | None = None

    async def prepare(self):
        """Give the runs of the day that are not over."""
        now = self.clock()
        self.prepared.append(now)
        if self.trouble is not None:
            raise self.trouble
        self.unsettled = False
        return [r for r in runs_of(in_new_york(now).date()) if now < r.deadline]

    async def due(self):
        """Give what a test says is due."""
        return self.waiting

    async def begin(self, run):
        """Note a run and when it was begun."""
        self.begun.append((self.clock(), run))


@contextlib.asynccontextmanager
async def scheduling(day, clock=real_clock, seconds=lambda: real_clock().timestamp()):
    """Run a scheduler over a day; gives it, and the library's beneath it."""
    scheduler = DayScheduler(day, clock, real_clock, seconds)
    task = asyncio.create_task(scheduler.run())
    await settle()
    yield scheduler, scheduler._scheduler  # noqa: SLF001  (its clock is turned by hand)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def settle():
    """Let everything that was just started run."""
    for _ in range(6):
        await asyncio.sleep(0)


async def step(library, traveller):
    """Go to the next instant at which a run is armed, and fire what is due there."""
    armed = [j.next_run_time for j in library.get_jobs()]
    traveller.move_to(min(armed))
    library._process_jobs()  # noqa: SLF001  (as its timer would)
    await settle()


@pytest.mark.slow
@pytest.mark.parametrize("year", [2026, 2027])
async def test_every_run_of_a_year_is_fired_once_at_its_time(year):
    """
    A year without sleeping: both changes of the clocks, all holidays, an ad-hoc closure (R8.2).

    What is to be fired is the plan, which is held against the exchange's hours elsewhere.
    """
    start = instant_of(date(year, 1, 1), time(0))
    end = instant_of(date(year + 1, 1, 1), time(0))
    with time_machine.travel(start, tick=False) as traveller:
        day = PaperDay()
        async with scheduling(day) as (_, library):
            while real_clock() < end:
                await step(library, traveller)
    fired = Counter((at, run.key) for at, run in day.begun if at < end)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    expected = Counter((r.planned_at, r.key) for on in days for r in runs_of(on))

    assert expected == fired
    assert {1} == set(fired.values())
    assert year != 2026 or CLOSED_ON not in {
        r.session_date for _, r in day.begun if r.job is Job.LKG_CAPTURE
    }
    prepared = {f"{in_new_york(at):%H:%M}" for at in day.prepared[1:]}
    assert ({"00:05"}, 366) == (prepared, len([p for p in day.prepared if p < end]))


async def test_a_restart_catches_up_on_what_is_still_due():
    """Started at 09:05, the run of 08:30 is begun at once; that of 09:15 waits for its time."""
    at = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
    with time_machine.travel(at, tick=False) as traveller:
        day = PaperDay()
        async with scheduling(day) as (_, library):
            library._process_jobs()  # noqa: SLF001
            await settle()
            first = list(day.begun)
            await step(library, traveller)

    assert [(at, Job.PRE_MARKET)] == [(when, run.job) for when, run in first]
    assert (at + timedelta(minutes=10), Job.PRE_OPEN) == (day.begun[1][0], day.begun[1][1].job)


async def test_what_was_not_begun_is_tended_to():
    """A run whose owner died is begun by the process that finds it due."""
    at = datetime(2026, 11, 21, 20, tzinfo=UTC)
    with time_machine.travel(at, tick=False) as traveller:
        day = PaperDay()
        async with scheduling(day) as (watched, library):
            day.waiting = runs_of(date(2026, 11, 20))[:1]
            traveller.shift(20)
            await watched.tend()
            library._process_jobs()  # noqa: SLF001
            await settle()

    assert [day.waiting[0]] == [run for _, run in day.begun]


async def test_a_loop_that_was_held_up_still_runs_what_is_not_over():
    """Woken a quarter of an hour late, a run whose deadline is not over is begun, and once."""
    at = datetime(2026, 11, 20, 13, 29, tzinfo=UTC)
    with time_machine.travel(at, tick=False) as traveller:
        day = PaperDay()
        async with scheduling(day) as (_, library):
            traveller.shift(16 * 60)
            library._process_jobs()  # noqa: SLF001
            await settle()

    assert [Job.PRE_MARKET] == [run.job for _, run in day.begun]


async def test_a_clock_that_is_set_arms_the_day_again():
    """On a floor whose clock jumps to another day, that day's runs are fired at its times."""
    clock = SimulatedClock(datetime(2026, 11, 18, 15, 15, tzinfo=UTC), monotonic=lambda: 0.0)
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as traveller:
        day = PaperDay(clock)
        async with scheduling(day, clock) as (watched, library):
            clock.set(datetime(2026, 11, 27, 18, 29, tzinfo=UTC))
            traveller.shift(BEAT_SECONDS)
            await watched.beat()
            armed = {j.id: j.next_run_time for j in library.get_jobs()}

    key = "2026-11-27_post_market_capture_183000Z"
    minute = datetime(2026, 1, 1, 0, 1, BEAT_SECONDS, tzinfo=UTC)
    assert minute == armed[key]


@pytest.mark.parametrize("hours", [-1, 1], ids=["back", "forward"])
async def test_a_machines_clock_that_steps_is_noticed_at_the_next_beat(hours):
    """
    The library sleeps by the clock that was; woken, the day is armed by the clock that is.

    Stepped back it does not sleep for as long as the step, and beats all the while.
    """
    seconds = [0.0]
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    with time_machine.travel(at, tick=False) as traveller:
        day = PaperDay()
        async with scheduling(day, seconds=lambda: seconds[0]) as (watched, library):
            traveller.shift(hours * 3600)
            seconds[0] += BEAT_SECONDS
            await watched.beat()
            await settle()
            due = min(j.next_run_time for j in library.get_jobs())
            sleeps = library._timeout.when() - asyncio.get_running_loop().time()  # noqa: SLF001

    assert 2 == len(day.prepared)
    assert "" == watched.stalled()
    assert abs(sleeps - (due - at).total_seconds() + hours * 3600) < 1


async def test_whatever_breaks_while_planning_is_tried_again():
    """A broken plan does not end the scheduler: the next tending makes up for it."""
    at = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    with time_machine.travel(at, tick=False):
        day = PaperDay()
        day.trouble, day.unsettled = ValueError("a line of the ledger is odd"), False
        async with scheduling(day) as (watched, library):
            first = {j.id for j in library.get_jobs()}
            day.trouble = None
            await watched.tend()
            then = {j.id for j in library.get_jobs()}

    assert {"prepare"} == first
    assert "2026-11-20_pre_market_readiness_133000Z" in then


@pytest.mark.parametrize("hangs", [False, True], ids=["it raises", "it hangs"])
async def test_a_day_that_cannot_be_armed_again_is_tried_again(monkeypatch, hangs):
    """Neither ends the scheduler when the clock was set; the next beat makes up for it."""
    monkeypatch.setattr("mission_control.schedule.scheduler.TEND_PATIENCE_SECONDS", 0.05)
    seconds = [0.0]

    async def prepare():
        if hangs:
            await asyncio.Event().wait()
        raise ValueError("a line of the ledger is odd")

    with time_machine.travel(datetime(2026, 11, 20, 13, 0, tzinfo=UTC), tick=False) as traveller:
        day: Any = PaperDay()
        async with scheduling(day, seconds=lambda: seconds[0]) as (watched, library):
            traveller.shift(timedelta(days=3))
            day.prepare = prepare
            await watched.beat()
            day.prepare = PaperDay.prepare.__get__(day)
            await watched.beat()
            await watched.beat()
            armed = {j.id for j in library.get_jobs()}

    assert "2026-11-23_pre_market_readiness_133000Z" in armed
    assert 2 == len(day.prepared)


async def test_a_plan_that_is_not_recorded_yet_is_planned_again():
    """Until the store is back, each tending tries to settle what is open."""
    at = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    with time_machine.travel(at, tick=False):
        day = PaperDay()
        async with scheduling(day) as (watched, _):
            day.unsettled = True
            await watched.tend()
            await watched.tend()

    assert 2 == len(day.prepared)


async def test_an_edge_that_hangs_costs_the_beat(monkeypatch):
    """It is not said to be well while nothing that is due is begun."""
    monkeypatch.setattr("mission_control.schedule.scheduler.TEND_PATIENCE_SECONDS", 0.05)
    seconds = [0.0]

    async def hanging():
        await asyncio.Event().wait()

    with time_machine.travel(datetime(2026, 11, 20, 13, 0, tzinfo=UTC), tick=False):
        day: Any = PaperDay()
        async with scheduling(day, seconds=lambda: seconds[0]) as (watched, _):
            day.due = hanging
            seconds[0] = 60.0
            await watched.tend()
            hung = watched.stalled()
            day.due = PaperDay().due
            await watched.tend()

    assert "has not beaten for 60.0 s" in hung
    assert "" == watched.stalled()


def test_a_scheduler_that_does_not_beat_says_so():
    """After three missed beats, and not before."""
    seconds = [0.0]
    day: Any = PaperDay()
    scheduler = DayScheduler(day, real_clock, real_clock, lambda: seconds[0])
    seconds[0] = BEAT_SECONDS * MISSED_BEATS
    well = scheduler.stalled()
    seconds[0] += 0.1

    assert ("", True) == (well, "has not beaten for 15.1 s" in scheduler.stalled())


async def test_stopping_gives_back_what_runs(tmp_path):
    """A run that is under way is stopped with the scheduler, and free for the next process."""
    clock = SimulatedClock(datetime(2026, 11, 20, 13, 30, tzinfo=UTC))

    async def hanging():
        await asyncio.Event().wait()

    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    async with scheduling(day, clock):
        while not await day.sources.claims.held(date(2026, 11, 20)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    restarted = a_day(tmp_path, clock, {Job.PRE_MARKET: nothing}, owner="host:2")
    assert [Job.PRE_MARKET] == [r.job for r in await restarted.due()]


async def test_what_is_planned_no_more_is_armed_no_more():
    """A day that is prepared again with other runs leaves none of the runs from before armed."""
    now = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        day = PaperDay()
        async with scheduling(day) as (scheduler, library):
            before = {job.id for job in library.get_jobs()}
            fewer = [r for r in runs_of(now.date()) if r.job is Job.POST_MARKET]
            day.prepare = partial(_give, fewer)
            day.unsettled = True
            await scheduler.tend()
            after = {job.id for job in library.get_jobs()}

    assert {PREPARE, *(r.key for r in fewer)} == after < before


async def _give(runs):
    return runs
