"""The scheduled day: nothing runs twice, and whatever became of a run is told."""

import asyncio
import subprocess
import sys
import threading
import time as time_module
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import orjson
import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure, ClosureKind
from mission_control.market_calendar.days import in_new_york
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.folder import Folder
from mission_control.records.model import Collection
from mission_control.records.verification import verify
from mission_control.schedule import planned_run
from mission_control.schedule.calendar_in_force import CalendarInForce
from mission_control.schedule.claims import FOLDER
from mission_control.schedule.day import RunningJobs
from mission_control.schedule.model import Job, RunOutcome, RunStage
from mission_control.schedule.planned_run import FAILURE_NAME, TakenOverError
from tests.api.paper_floor import PaperClock
from tests.schedule.day_of_values import a_day, nothing, recording

pytestmark = pytest.mark.anyio
ON = date(2026, 11, 20)
RACER = Path(__file__).with_name("day_racer.py")
PLANNED = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
DEADLINE = PLANNED + 45 * MINUTE


@pytest.fixture
def clock():
    """Give a clock that stands at 08:30 in New York on a full session."""
    return PaperClock(PLANNED)


def state_of(view, job):
    """Give the first run of a job as a view shows it."""
    return next(s for s in view.states if s.run.job is job)


def run_of(day, job, on=ON):
    """Give the first planned run of a job."""
    return next(r for r in day.plan(on).runs if r.job is job)


def runs_in(root, name):
    """List recorded runs whose folder's name holds a word."""
    folder = root / "audit_artifacts/ops_runs"
    return sorted(p for p in folder.glob(f"*{name}*")) if folder.exists() else []


def account(path):
    """Read what a run tells of itself."""
    return orjson.loads((path / "run.json").read_bytes())


async def raising():
    """Fail with a secret in the message."""
    raise ValueError("no such thing: password=hunter2secret")


async def hanging():
    """Never end."""
    await asyncio.Event().wait()


def stubborn(over):
    """Give a job that does not end before this event, not when told to either."""

    async def work():
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    return work


async def claimed(day):
    """Wait until a run of the day is claimed."""
    while not await day.sources.claims.held(ON):  # noqa: ASYNC110  (what is awaited is a file)
        await asyncio.sleep(0.01)


def almost_over(clock):
    """Set the clock so that a run has next to no time left."""
    clock.now = DEADLINE - timedelta(milliseconds=50)


async def test_a_run_is_recorded_as_the_planned_one(tmp_path, clock):
    """It bears its key, its session date and its deadline, and the view links to it."""
    day = a_day(tmp_path, clock)
    await day.begin(run_of(day, Job.PRE_MARKET))
    state = state_of(await day.view(), Job.PRE_MARKET)
    told = account(tmp_path / state.path)

    assert (RunStage.ENDED, RunOutcome.SUCCEEDED) == (state.stage, state.outcome)
    assert "2026-11-20_pre_market_readiness_133000Z" == told["planned"]["key"]
    assert ("2026-11-20", "pre_market_readiness") == (told["session_date"], told["job"])
    assert "2026-11-20T14:15:00.000Z" == told["planned"]["deadline"]
    assert verify(tmp_path).intact


BROKEN = "WARNING ended 2026-11-20_pre_market_readiness_133000Z after 0.0 s:"


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (None, "INFO ended 2026-11-20_pre_market_readiness_133000Z after 0.0 s: SUCCEEDED"),
        (
            raising,
            f"{BROKEN} FAILED: ValueError: no such thing: password=[REDACTED]",
        ),
    ],
    ids=["well", "broken"],
)
async def test_the_end_of_a_run_is_one_line(tmp_path, clock, caplog, work, told):
    """With what became of it and how long it took: a log that only begins runs tells half."""
    caplog.set_level("INFO", "mission_control.schedule.day")
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: work} if work else None)
    await day.begin(run_of(day, Job.PRE_MARKET))
    ended = [r for r in caplog.records if r.getMessage().startswith("ended ")]

    assert [told] == [f"{r.levelname} {r.getMessage()}" for r in ended]


async def test_a_run_whose_end_cannot_be_read_is_told_so(tmp_path, clock, caplog):
    """Its record is there or not: who reads the log is sent to look."""
    day = a_day(tmp_path, clock)
    run, record = run_of(day, Job.PRE_MARKET), day.runners[Job.PRE_MARKET]
    ledger = tmp_path / "audit_artifacts/ledger.jsonl"

    async def recorded_and_lost(origin):
        entry = await record(origin)
        ledger.rename(tmp_path / "aside")
        ledger.mkdir()
        return entry

    day.runners = {Job.PRE_MARKET: recorded_and_lost}
    await day.begin(run)

    assert f"{run.key} has ended, and how cannot be read" in caplog.text


async def test_nothing_runs_twice(tmp_path, clock):
    """Neither again in one process, nor in two at once, nor after a restart."""
    one, two = a_day(tmp_path, clock), a_day(tmp_path, clock, owner="host:2")
    run = run_of(one, Job.PRE_MARKET)
    await asyncio.gather(one.begin(run), two.begin(run), one.begin(run))
    await one.begin(run)
    await a_day(tmp_path, clock, owner="host:3").begin(run)

    assert 1 == len(runs_in(tmp_path, "pre_market_readiness"))


async def test_nothing_begins_before_its_time_or_after_its_deadline(tmp_path, clock):
    """
    A second early it is only planned; at its deadline it is MISSED, never run and misfiled (R8.3).
    """
    day = a_day(tmp_path, clock)
    run = run_of(day, Job.PRE_MARKET)
    clock.now = PLANNED - SECOND
    await day.begin(run)
    early = state_of(await day.view(), Job.PRE_MARKET)
    clock.now = DEADLINE
    await day.begin(run)
    late = state_of(await day.view(), Job.PRE_MARKET)

    assert (RunStage.PLANNED, None) == (early.stage, early.outcome)
    assert (RunStage.ENDED, RunOutcome.MISSED) == (late.stage, late.outcome)
    assert [] == runs_in(tmp_path, "pre_market_readiness")


async def test_a_raising_job_is_failed_with_its_redacted_traceback(tmp_path, clock):
    """The traceback is kept, the secret in it is not."""
    day = a_day(tmp_path, clock, {Job.POST_MARKET: raising})
    clock.now = run_of(day, Job.POST_MARKET).planned_at
    await day.begin(run_of(day, Job.POST_MARKET))
    state = state_of(await day.view(), Job.POST_MARKET)
    trace = (tmp_path / state.path / FAILURE_NAME).read_text()

    assert (RunOutcome.FAILED, 1) == (state.outcome, account(tmp_path / state.path)["exit_code"])
    assert "ValueError: no such thing: password=[REDACTED]" in trace
    assert "in raising" in trace
    assert "hunter2" not in trace + state.detail


async def test_a_hanging_job_is_cut_at_its_deadline(tmp_path, clock):
    """It is recorded as FAILED then, and its claim is free."""
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    almost_over(clock)
    await day.begin(run_of(day, Job.PRE_MARKET))
    state = state_of(await day.view(), Job.PRE_MARKET)

    assert (RunOutcome.FAILED, "cut at its evidence deadline") == (state.outcome, state.detail)


@pytest.mark.parametrize("work", [raising, hanging], ids=["raised", "cut"])
async def test_a_failed_readiness_run_leaves_a_no_go(tmp_path, clock, work):
    """Whether it raised or was cut: no older GO stands after it (R7.4)."""
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: work})
    almost_over(clock)
    await day.begin(run_of(day, Job.PRE_MARKET))
    state = state_of(await day.view(), Job.PRE_MARKET)
    report = orjson.loads((tmp_path / state.path / "readiness_report.json").read_bytes())
    latest = orjson.loads((tmp_path / "audit_artifacts/readiness_report.json").read_bytes())

    assert ("NO-GO", False, "INTERNAL_ERROR") == (
        report["verdict"],
        report["ready"],
        report["code"],
    )
    assert report == latest


class SlowWriter:
    """A writer that says when it is about to record, and waits until it is let."""

    def __init__(self, inner):
        """Record through this writer."""
        self.inner = inner
        self.recording, self.let = asyncio.Event(), threading.Event()

    async def record(self, *arguments, **more):
        """Record once it is let, in a thread that no cancellation stops."""
        self.recording.set()

        def wait():
            self.let.wait(10)

        waiting = asyncio.ensure_future(asyncio.to_thread(wait))
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            await asyncio.wait({waiting})
            await self.inner.record(*arguments, **more)
            raise
        return await self.inner.record(*arguments, **more)


def slowly_recording(day):
    """Have a day's readiness run record slowly; gives what it waits for."""
    slow = SlowWriter(day.sources.writer)
    day.runners = {Job.PRE_MARKET: recording(replace(day.sources, writer=slow))}
    return slow


async def test_what_is_recorded_after_the_cut_is_no_second_account(tmp_path, clock, monkeypatch):
    """A GO that lands after the NO-GO of its own cut run does not stand beside it."""
    monkeypatch.setattr(planned_run, "STOP_SECONDS", 0.05)
    day = a_day(tmp_path, clock)
    slow = slowly_recording(day)
    almost_over(clock)
    await day.begin(run_of(day, Job.PRE_MARKET))
    slow.let.set()
    await asyncio.sleep(0.3)
    state = state_of(await day.view(), Job.PRE_MARKET)

    assert 1 == len(runs_in(tmp_path, "pre_market_readiness"))
    assert (RunOutcome.FAILED, "cut at its evidence deadline") == (state.outcome, state.detail)
    assert verify(tmp_path).intact


async def test_who_is_stopped_while_recording_has_recorded(tmp_path, clock):
    """A claim is not free for the next process before its record is where it belongs."""
    day = a_day(tmp_path, clock)
    slow = slowly_recording(day)
    run = run_of(day, Job.PRE_MARKET)
    task = asyncio.create_task(day.begin(run))
    await slow.recording.wait()
    task.cancel()
    await asyncio.sleep(0.05)
    held = await day.sources.claims.held(ON)
    slow.let.set()
    await asyncio.gather(task, return_exceptions=True)
    restarted = a_day(tmp_path, clock, owner="host:2")

    assert clock() < held[run.key].lease_until
    assert run not in await restarted.due()
    assert 1 == len(runs_in(tmp_path, "pre_market_readiness"))


async def test_a_command_that_was_overtaken_is_recorded_beside(tmp_path, clock):
    """What a person started always leaves its record; the plan's is the one recorded first."""
    day = a_day(tmp_path, clock)
    run = run_of(day, Job.PRE_MARKET)
    origin = replace(day.sources.origin, trigger="command", planned=run, beside=True)
    await day.begin(run)
    entry = await recording(day.sources)(origin)
    state = state_of(await day.view(), Job.PRE_MARKET)

    assert 2 == len(runs_in(tmp_path, "pre_market_readiness"))
    assert (None, None) == (entry.once, account(tmp_path / entry.path)["planned"])
    assert entry.path != state.path
    assert verify(tmp_path).intact


async def test_of_two_that_ran_one_is_recorded(tmp_path, clock):
    """Whatever clocks and leases said: the ledger takes one account of a planned run."""
    one, two = a_day(tmp_path, clock), a_day(tmp_path, clock, owner="host:2")
    slow = slowly_recording(one)
    run = run_of(one, Job.PRE_MARKET)
    task = asyncio.create_task(one.begin(run))
    await slow.recording.wait()
    clock.now += 5 * MINUTE
    await two.begin(run)
    slow.let.set()
    await task

    assert 1 == len(runs_in(tmp_path, "pre_market_readiness"))
    assert RunOutcome.SUCCEEDED is state_of(await two.view(), Job.PRE_MARKET).outcome


async def test_a_lease_that_cannot_be_renewed_ends_the_run(tmp_path, clock, monkeypatch):
    """Who cannot say that it lives is taken for dead, and so stops."""
    monkeypatch.setattr(planned_run, "RENEW_SECONDS", 0.02)
    monkeypatch.setattr(planned_run, "LEASE_SECONDS", 0.1)
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    task = asyncio.create_task(day.begin(run_of(day, Job.PRE_MARKET)))
    await claimed(day)
    (tmp_path / FOLDER).rename(tmp_path / "gone")
    (tmp_path / FOLDER).write_bytes(b"in the way")
    async with asyncio.timeout(5):
        await task

    assert [] == runs_in(tmp_path, "pre_market_readiness")


async def test_an_account_that_cannot_be_read_is_not_run_again(tmp_path, clock):
    """The ledger's line says that it ran; that its account is gone makes it FAILED, never due."""
    day = a_day(tmp_path, clock)
    run = run_of(day, Job.PRE_MARKET)
    await day.begin(run)
    folder = runs_in(tmp_path, "pre_market_readiness")[0]
    folder.chmod(0o755)
    (folder / "run.json").unlink()
    restarted = a_day(tmp_path, clock, owner="host:2")
    await restarted.begin(run)

    assert run not in await restarted.due()
    assert 1 == len(runs_in(tmp_path, "pre_market_readiness"))
    assert RunOutcome.FAILED is state_of(await restarted.view(), Job.PRE_MARKET).outcome


async def test_a_run_whose_beginning_is_anothers_deadline_is_no_overlap(tmp_path, clock):
    """The sample that is cut at 09:45 has ended when that of 09:45 begins."""
    day = a_day(tmp_path, clock, {Job.INTRADAY_SAMPLE: nothing})
    hang = recording(day.sources, hanging)
    runners = [hang, day.runners[Job.INTRADAY_SAMPLE]]

    async def first_hangs(origin):
        return await runners.pop(0)(origin)

    day.runners = {Job.INTRADAY_SAMPLE: first_hangs}
    first, second, *_ = [r for r in day.plan(ON).runs if r.job is Job.INTRADAY_SAMPLE]
    clock.now = first.deadline - timedelta(milliseconds=200)
    task = asyncio.create_task(day.begin(first))
    await claimed(day)
    clock.now = second.planned_at
    await day.begin(second)
    await task
    states = [s for s in (await day.view()).states if s.run in {first, second}]

    assert [RunOutcome.FAILED, RunOutcome.SUCCEEDED] == [s.outcome for s in states]


async def test_what_was_not_planned_in_time_is_planned_once_the_store_is_back(tmp_path, clock):
    """A first day whose plan could not be recorded is told all the same, the day after."""
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: nothing})
    (tmp_path / "audit_artifacts").write_bytes(b"in the way")
    await day.prepare()
    open_ = day.unsettled
    (tmp_path / "audit_artifacts").unlink()
    clock.now = datetime(2026, 11, 21, 5, 5, tzinfo=UTC)
    await day.prepare()

    assert (True, False) == (open_, day.unsettled)
    assert 2 == len(runs_in(tmp_path, "session_plan"))
    (told,) = runs_in(tmp_path, "session_reconciliation")
    assert "2026-11-20" == account(told)["session_date"]


async def test_two_processes_record_one_plan_and_one_reconciliation(tmp_path, clock):
    """At 00:05 everybody prepares; the ledger takes what one of them made."""
    days = [a_day(tmp_path, clock, {Job.PRE_MARKET: nothing}, owner=f"host:{n}") for n in (1, 2)]
    await asyncio.gather(*(d.prepare() for d in days))
    clock.now = datetime(2026, 11, 21, 5, 5, tzinfo=UTC)
    await asyncio.gather(*(d.prepare() for d in days))

    assert 2 == len(runs_in(tmp_path, "session_plan"))
    assert 1 == len(runs_in(tmp_path, "session_reconciliation"))


async def test_no_cut_bares_a_secret(tmp_path, clock):
    """What a failure says is redacted whole, and cut afterwards."""
    address = "https://svc:" + "hunter2" * 60 + "@db.internal/x"

    async def telling():
        raise ValueError("x" * 150 + " " + address)

    day = a_day(tmp_path, clock, {Job.POST_MARKET: telling})
    clock.now = run_of(day, Job.POST_MARKET).planned_at
    await day.begin(run_of(day, Job.POST_MARKET))
    state = state_of(await day.view(), Job.POST_MARKET)

    assert "hunter2" not in state.detail
    assert "hunter2" not in (tmp_path / state.path / FAILURE_NAME).read_text()


async def test_a_run_is_overlapped_while_the_one_before_does_not_stop(tmp_path, clock, monkeypatch):
    """What was cut and goes on all the same has no other beside it."""
    monkeypatch.setattr(planned_run, "STOP_SECONDS", 0.05)
    over = asyncio.Event()
    day = a_day(tmp_path, clock, {Job.INTRADAY_SAMPLE: stubborn(over)})
    first, second, *_ = [r for r in day.plan(ON).runs if r.job is Job.INTRADAY_SAMPLE]
    clock.now = first.deadline - timedelta(milliseconds=50)
    await day.begin(first)
    clock.now = second.planned_at
    await day.begin(second)
    states = [s for s in (await day.view()).states if s.run in {first, second}]
    over.set()

    assert [RunOutcome.FAILED, RunOutcome.OVERLAPPED] == [s.outcome for s in states]


async def test_a_dead_owners_run_is_taken_over_in_time(tmp_path, clock):
    """Once the lease is over, and until the deadline; afterwards it is FAILED (R8.4)."""
    day = a_day(tmp_path, clock)
    run = run_of(day, Job.PRE_MARKET)
    dead = a_day(tmp_path, clock, owner="dead:1")
    await dead.sources.claims.claim(run, clock())
    held = await day.due()
    clock.now += 2 * MINUTE
    due = await day.due()
    await day.begin(run)
    taken = state_of(await day.view(), Job.PRE_MARKET)
    pre_open = run_of(day, Job.PRE_OPEN)
    clock.now = pre_open.planned_at
    await dead.sources.claims.claim(pre_open, clock())
    clock.now = pre_open.deadline + 2 * MINUTE
    lost = state_of(await day.view(), Job.PRE_OPEN)

    assert run not in held
    assert run in due
    assert RunOutcome.SUCCEEDED is taken.outcome
    assert (RunOutcome.FAILED, "dead:1 began it and recorded nothing") == (
        lost.outcome,
        lost.detail,
    )


async def test_who_was_taken_over_records_nothing(tmp_path, clock, monkeypatch):
    """An owner that slept through its lease stops when it learns of it."""
    monkeypatch.setattr(planned_run, "RENEW_SECONDS", 0.01)
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    run = run_of(day, Job.PRE_MARKET)
    sleeping = asyncio.create_task(day.begin(run))
    await claimed(day)
    other = a_day(tmp_path, clock, owner="host:2").sources.claims
    taken = await other.claim(run, clock() + 5 * MINUTE, 1)
    async with asyncio.timeout(5):
        await sleeping

    assert taken is not None
    assert [] == runs_in(tmp_path, "pre_market_readiness")


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_who_is_stopped_anywhere_on_the_way_keeps_no_claim(tmp_path, clock, steps):
    """However far it had come with claiming, the next process need not wait for the lease."""
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    run = run_of(day, Job.PRE_MARKET)
    task = asyncio.create_task(day.begin(run))
    for _ in range(steps):
        await asyncio.sleep(0.0005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert run in await a_day(tmp_path, clock, owner="host:2").due()


async def test_a_stopped_server_gives_its_run_back(tmp_path, clock):
    """The next process need not wait for the lease to catch up."""
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    run = run_of(day, Job.PRE_MARKET)
    task = asyncio.create_task(day.begin(run))
    await claimed(day)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    restarted = a_day(tmp_path, clock, owner="host:2")

    assert [run] == [r for r in await restarted.due() if r.job is Job.PRE_MARKET]
    await restarted.begin(run)
    assert 1 == len(runs_in(tmp_path, "pre_market_readiness"))


async def test_what_cannot_be_recorded_is_failed_and_loud(tmp_path, clock, caplog):
    """A store that breaks under a run fails it; it is remembered here, and not begun again."""
    day = a_day(tmp_path, clock)
    run = run_of(day, Job.PRE_MARKET)

    async def broken():
        (tmp_path / "audit_artifacts").rename(tmp_path / "gone")
        (tmp_path / "audit_artifacts").write_bytes(b"in the way")

    day.runners = {Job.PRE_MARKET: recording(day.sources, broken)}
    await day.begin(run)
    (tmp_path / "audit_artifacts").unlink()
    (tmp_path / "gone").rename(tmp_path / "audit_artifacts")
    state = state_of(await day.view(), Job.PRE_MARKET)

    assert RunOutcome.FAILED is state.outcome
    assert "it could not be recorded" in state.detail
    assert run not in await day.due()
    assert "was not recorded" in caplog.text


async def test_a_run_that_cannot_be_claimed_stays_due(tmp_path, clock):
    """Once the store is back, it is begun after all."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "audit_artifacts").mkdir()
    (root / FOLDER).write_bytes(b"in the way")
    day = a_day(root, clock)
    run = run_of(day, Job.PRE_MARKET)
    await day.begin(run)
    (root / FOLDER).unlink()
    due = await day.due()
    told = state_of(await day.view(), Job.PRE_MARKET).detail
    await day.begin(run)

    assert run in due
    assert told.startswith("it could not be claimed: ")
    assert 1 == len(runs_in(root, "pre_market_readiness"))


async def test_the_plan_is_recorded_once_and_corrected_when_the_calendar_changes(tmp_path, clock):
    """A restart adds nothing; a published early close makes a new plan that names the old one."""
    day = a_day(tmp_path, clock)
    await day.prepare()
    await day.prepare()
    (plan,) = runs_in(tmp_path, "session_plan")
    early = Closure(ON, ClosureKind.EARLY_CLOSE, time(12), "NYSE", ON, "me")
    changed = a_day(tmp_path, clock, owner="host:2", calendar=MarketCalendar([early]))
    armed = await changed.prepare()
    corrected = runs_in(tmp_path, "session_plan")[-1]

    assert plan.relative_to(tmp_path).as_posix() == account(corrected)["corrects"]
    assert 2 == len(runs_in(tmp_path, "session_plan"))
    assert datetime(2026, 11, 20, 17, 30, tzinfo=UTC) == next(
        r.planned_at for r in armed if r.job is Job.POST_MARKET
    )


async def test_servers_that_offer_different_jobs_keep_one_plan_of_a_day(tmp_path, clock):
    """One without a durable copy takes back nothing of what another plans, however often."""
    fewer = {job: nothing for job in Job if job is not Job.DURABLE_COPY}
    days = a_day(tmp_path, clock, fewer, owner="host:2"), a_day(tmp_path, clock)
    for day in (*days, *days):
        await day.prepare()
    clock.now = datetime(2026, 11, 24, 5, 5, tzinfo=UTC)
    await days[0].prepare()
    plans, ends = (
        [p for p in runs_in(tmp_path, name) if account(p)["session_date"] == str(ON)]
        for name in ("session_plan", "session_reconciliation")
    )
    told = orjson.loads((ends[0] / "session_reconciliation.json").read_bytes())

    assert (2, 1) == (len(plans), len(ends))
    assert "durable_copy" in {r["job"] for r in told["runs"]}


@pytest.mark.parametrize("offers_all_is_first", [True, False])
async def test_servers_that_plan_at_the_same_moment_join_their_plans(
    tmp_path, clock, monkeypatch, offers_all_is_first
):
    """Both saw no plan yet: who comes second keeps what the first recorded, and adds its own."""
    fewer = {job: nothing for job in Job if job is not Job.DURABLE_COPY}
    day, other = a_day(tmp_path, clock, fewer), a_day(tmp_path, clock, owner="host:2")
    if not offers_all_is_first:
        day, other = other, day
    real = RunWriter.record

    async def overtaken(writer, *arguments, **more):
        monkeypatch.undo()
        await other.prepare()
        return await real(writer, *arguments, **more)

    monkeypatch.setattr(RunWriter, "record", overtaken)
    await day.prepare()
    plans = runs_in(tmp_path, "session_plan")

    assert (1 if offers_all_is_first else 2) == len(plans)
    assert "durable_copy" in (plans[-1] / "session_plan.json").read_text()
    assert Job.DURABLE_COPY in {s.run.job for s in (await day.view()).states}


async def test_of_two_that_wait_for_the_same_run_one_goes_on(monkeypatch):
    """However many wait for a job to be free, no two runs of it stand side by side."""
    monkeypatch.setattr("mission_control.schedule.day.STOP_SECONDS", 0.05)
    jobs = RunningJobs()
    before = await jobs.reserve(Job.INTRADAY_SAMPLE)
    waiting = asyncio.gather(*(jobs.reserve(Job.INTRADAY_SAMPLE) for _ in range(2)))
    await asyncio.sleep(0)
    assert before is not None
    before.set_result(None)

    assert 1 == sum(reserved is not None for reserved in await waiting)
    assert await jobs.reserve(Job.PRE_MARKET) is not None


async def test_a_renewal_under_way_does_not_undo_the_release(tmp_path, clock, monkeypatch):
    """A slow disk holds a renewal up while its run is stopped: it is due at once all the same."""
    monkeypatch.setattr(planned_run, "RENEW_SECONDS", 0.01)
    real, renewing, renewed = Folder.replace, threading.Event(), threading.Event()

    def slowly(folder, name, content, **how):
        is_first = not renewing.is_set()
        renewing.set()
        time_module.sleep(0.3 * is_first)
        real(folder, name, content, **how)
        if is_first:
            renewed.set()

    monkeypatch.setattr(Folder, "replace", slowly)
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    run = run_of(day, Job.PRE_MARKET)
    task = asyncio.create_task(day.begin(run))
    await asyncio.to_thread(renewing.wait, 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(renewed.wait, 30)

    assert run in await a_day(tmp_path, clock, owner="host:2").due()


async def test_a_renewal_that_hangs_ends_the_run(tmp_path, clock, monkeypatch):
    """Once its lease would be over another may have it, so it is no longer ours."""
    monkeypatch.setattr(planned_run, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(planned_run, "LEASE_SECONDS", 0.1)
    let = threading.Event()
    monkeypatch.setattr(Folder, "replace", lambda *_, **_how: let.wait(30))
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: hanging})
    run = run_of(day, Job.PRE_MARKET)
    task = asyncio.create_task(day.begin(run))
    await claimed(day)
    claim = (await day.sources.claims.held(ON))[run.key]
    with pytest.raises(TakenOverError):
        await planned_run.keep_lease(run, claim, day.sources)
    let.set()
    await task

    assert [] == runs_in(tmp_path, "pre_market_readiness")


async def test_every_run_of_a_day_ends_and_is_reconciled_with_the_ledger(tmp_path, clock):
    """The day after, how each planned run ended is recorded, once and for all (R8.2)."""
    works = dict.fromkeys((Job.PRE_MARKET, Job.PRE_OPEN, Job.POST_MARKET), nothing)
    day = a_day(tmp_path, clock, {**works, Job.OPEN_VERIFICATION: raising})
    for run in await day.prepare():
        clock.now = run.planned_at
        if run.job is not Job.PRE_OPEN:
            await day.begin(run)
    clock.now = datetime(2026, 11, 21, 5, 5, tzinfo=UTC)
    await day.prepare()
    await day.prepare()
    (folder,) = runs_in(tmp_path, "session_reconciliation")
    told = orjson.loads((folder / "session_reconciliation.json").read_bytes())

    assert {"FAILED": 1, "MISSED": 1, "SUCCEEDED": 2} == told["counts"]
    assert "MISSED" == next(r["outcome"] for r in told["runs"] if r["job"] == "pre_open_readiness")
    assert told["plan"] == runs_in(tmp_path, "session_plan")[0].relative_to(tmp_path).as_posix()
    assert "2026-11-20" == account(folder)["session_date"]
    assert verify(tmp_path).intact


async def test_a_day_without_us_is_planned_late_and_missed(tmp_path, clock):
    """Down for a whole Monday, we say on Tuesday what was missed; the weekend is planned too."""
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: nothing})
    await day.prepare()
    clock.now = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
    await day.prepare()
    missed = [
        orjson.loads((p / "session_reconciliation.json").read_bytes())
        for p in runs_in(tmp_path, "session_reconciliation")
    ]

    assert 5 == len(runs_in(tmp_path, "session_plan"))
    assert {"2026-11-20": {"MISSED": 1}, "2026-11-23": {"MISSED": 1}} == {
        m["on"]: m["counts"] for m in missed if m["counts"]
    }


async def test_a_holidays_runs_are_skipped_and_never_begun(tmp_path, clock):
    """On Thanksgiving nothing is due, and the plan says why."""
    clock.now = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
    day = a_day(tmp_path, clock)
    armed = await day.prepare()
    state = state_of(await day.view(), Job.PRE_MARKET)
    await day.begin(state.run)

    assert RunOutcome.SKIPPED_HOLIDAY is state.outcome
    assert "holiday: Thanksgiving Day (NYSE Rule 7.2)" == state.detail
    assert {Job.RETENTION, Job.DURABLE_COPY} == {r.job for r in armed}
    assert [] == runs_in(tmp_path, "pre_market_readiness")


async def test_a_run_of_yesterday_is_carried_until_its_deadline(tmp_path, clock):
    """Friday's attestation is due until Monday, and is still Friday's when it is run then."""
    day = a_day(tmp_path, clock, {Job.ATTESTATION: nothing})
    await day.prepare()
    clock.now = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    (carried,) = (await day.view()).carried
    (due,) = await day.due()
    await day.begin(due)

    assert (carried.run, ON) == (due, due.session_date)
    assert "2026-11-20" == account(runs_in(tmp_path, "attestation")[0])["session_date"]
    assert () == (await day.view()).carried


async def test_an_altered_account_is_a_failed_run(tmp_path, clock):
    """A record that is not as it was written proves nothing of its run."""
    day = a_day(tmp_path, clock)
    await day.begin(run_of(day, Job.PRE_MARKET))
    path = runs_in(tmp_path, "pre_market_readiness")[0] / "run.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"exit_code":0', b'"exit_code":3'))
    state = state_of(await a_day(tmp_path, clock).view(), Job.PRE_MARKET)

    assert (RunOutcome.FAILED, "its record cannot be read as it was written") == (
        state.outcome,
        state.detail,
    )


async def test_what_was_not_planned_counts_for_no_plan(tmp_path, clock):
    """A run by hand of the same job, without the claim, is no planned run."""
    day = a_day(tmp_path, clock)
    sources = day.sources
    facts = sources.origin.begun(PLANNED).facts(
        "pre_market_readiness", sources.ground(PLANNED), PLANNED
    )
    with ArtifactStore(tmp_path).writing(Collection.OPS_RUNS) as run:
        run.write("x.txt", b"")
        run.record(replace(facts, session_date=ON), "20261120T133000Z_by_hand")

    assert RunStage.DUE is state_of(await day.view(), Job.PRE_MARKET).stage


async def test_a_plan_stands_though_it_cannot_be_recorded(tmp_path, clock, caplog):
    """A store that fails takes no run from the day."""
    root = tmp_path / "root"
    root.write_bytes(b"")
    runs = await a_day(root, clock).prepare()

    assert Job.PRE_MARKET in {r.job for r in runs}
    assert "the session plan was not recorded" in caplog.text


def test_two_processes_on_one_root_run_no_job_twice(tmp_path):
    """Each of a session's runs is recorded exactly once, and the ledger is whole (R8.4)."""
    root, start = tmp_path / "root", tmp_path / "start"
    command = [sys.executable, str(RACER), str(root), str(start)]
    racers = [
        subprocess.Popen([*command, f"racer:{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert "ready" == racer.stdout.readline().strip()
    start.touch()
    for racer in racers:
        racer.communicate(timeout=90)
    keys = [account(p)["planned"]["key"] for p in runs_in(root, "Z_")]
    planned = {r.key for r in a_day(root, PaperClock()).plan(ON).runs}

    assert {0} == {racer.returncode for racer in racers}
    assert sorted(planned) == sorted(keys)
    assert verify(root).intact


CLOSED_TODAY = Closure(ON, ClosureKind.CLOSED, None, "notice", ON, "ops")
EARLY_TODAY = Closure(ON, ClosureKind.EARLY_CLOSE, time(13), "notice", ON, "ops")


async def test_a_run_of_a_plan_that_is_over_does_not_begin(tmp_path, clock):
    """What was armed before a closure was announced is not run, and is told as skipped."""
    calendar = CalendarInForce(MarketCalendar())
    day = a_day(tmp_path, clock, {Job.PRE_MARKET: nothing}, calendar=calendar)
    (armed,) = await day.prepare()
    calendar.calendar = MarketCalendar([CLOSED_TODAY])
    await day.begin(armed)
    due = await day.due()
    noticed = day.unsettled
    await day.prepare()

    assert [] == list(due)
    assert (True, False) == (noticed, day.unsettled)
    assert [] == runs_in(tmp_path, "pre_market_readiness")
    assert RunOutcome.SKIPPED_HOLIDAY is state_of(await day.view(), Job.PRE_MARKET).outcome
    assert 2 == len(runs_in(tmp_path, "session_plan"))


async def test_an_early_close_moves_the_evening_and_what_it_was(tmp_path, clock):
    """The capture runs at its new time, once, and at the old time nothing runs any more."""
    calendar = CalendarInForce(MarketCalendar())
    day = a_day(tmp_path, clock, {Job.POST_MARKET: nothing}, calendar=calendar)
    (armed,) = await day.prepare()
    calendar.calendar = MarketCalendar([EARLY_TODAY])
    (moved,) = await day.prepare()
    clock.now = moved.planned_at
    await day.begin(moved)
    clock.now = armed.planned_at
    await day.begin(armed)

    assert (13, 30) == in_new_york(moved.planned_at).timetuple()[3:5]
    assert 1 == len(runs_in(tmp_path, "post_market_capture"))
    assert RunOutcome.SUCCEEDED is state_of(await day.view(), Job.POST_MARKET).outcome


async def test_a_demo_missed_nothing_of_what_was_before_it(tmp_path, clock):
    """R15.24: runs whose deadline was over at its start are left out, the others are told."""
    clock.now = DEADLINE + MINUTE
    day, demo = a_day(tmp_path, clock), a_day(tmp_path, clock)
    demo.since = clock.now

    missed = [s.run.job for s in (await day.view()).states if s.outcome is RunOutcome.MISSED]
    left = [s.run.job for s in (await demo.view()).states]

    assert [Job.PRE_MARKET] == missed
    assert (False, True) == (Job.PRE_MARKET in left, Job.PRE_OPEN in left)
