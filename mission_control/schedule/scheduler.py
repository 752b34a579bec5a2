"""Which run begins when. It only fires; what is planned is decided elsewhere."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import (  # pyright: ignore[reportMissingTypeStubs]
    AsyncIOScheduler,
)
from apscheduler.triggers.date import DateTrigger  # pyright: ignore[reportMissingTypeStubs]

from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.clock import Clock
from mission_control.schedule.day import ScheduledDay
from mission_control.schedule.model import PlannedRun

BEAT_SECONDS = 5
MISSED_BEATS = 3
"""This many missed beats in a row are a stall, as `/healthz` tells it."""
TEND_SECONDS = 20
"""Runs that are due and were not begun, as after a restart, are begun this late at most."""
PREPARE_AT = time(0, 5)
"""When each day is planned, in New York (docs/semantics.md#8)."""
PREPARED_BY = time(0, 6)
"""A day that is not planned by then is planned at the next look."""
JUMP = timedelta(seconds=1)
PREPARE = "prepare"
STOP_SECONDS = 15.0
"""Longer than a run is given to stop, so that its claim is released before we end."""
TEND_PATIENCE_SECONDS = 60.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)


class DayScheduler:
    """
    Fires each planned run at its time, through APScheduler.

    Every trigger is a date: no cron's weekday can be off by one, and a date does not move when the
    clocks change. Each run's misfire grace ends at its own evidence deadline. `clock` may be one
    that is set to another time than the real one; `monotonic` never steps back, and it is what
    the beat keeps: a clock that is set, forward or back, is noticed at the next beat.
    """

    def __init__(
        self, day: ScheduledDay, clock: Clock, real: Clock, monotonic: Callable[[], float]
    ) -> None:
        """Fire the runs of this day; nothing happens before `run`."""
        self._day = day
        self._clock = clock
        self._real = real
        self._monotonic = monotonic
        self._scheduler: Any = AsyncIOScheduler(timezone=UTC)  # it has no types
        self._last_beat = monotonic()
        self._anchor = timedelta()
        self._ahead = timedelta()
        self._prepared: date | None = None
        self._tasks = set[asyncio.Task[None]]()

    async def run(self) -> None:
        """Fire what is planned until cancelled; then stop what runs, and release its claims."""
        self._last_beat = self._monotonic()
        self._scheduler.start()
        try:
            await self.tend()
            while True:
                for _ in range(TEND_SECONDS // BEAT_SECONDS):
                    await asyncio.sleep(BEAT_SECONDS)
                    await self.beat()
                await self.tend()
        finally:
            self._scheduler.shutdown(wait=False)
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=STOP_SECONDS)

    def stalled(self) -> str:
        """Say since when the scheduler has not beaten; empty while it does."""
        waited = self._monotonic() - self._last_beat
        if waited <= BEAT_SECONDS * MISSED_BEATS:
            return ""
        rhythm = f"it beats every {BEAT_SECONDS} s"
        return f"the scheduler has not beaten for {waited:.1f} s ({rhythm})"

    async def beat(self) -> None:
        """Note that the scheduler lives, and arm the day again where a clock was set since."""
        if abs(self._offset() - self._anchor) > JUMP:
            log.info("the clock was set, or the day could not be armed: it is armed again")
            await self._prepare_again()
            self._scheduler.wakeup()  # it sleeps until an instant of the clock that was
        self._last_beat = self._monotonic()

    async def tend(self) -> None:
        """
        Plan what is not planned, and begin what is due and was not begun.

        That is so after a restart, when an owner died, when the store was gone for a while. Each
        has its time: an edge that hangs costs beats, and nothing else. Whatever breaks is tried
        again.
        """
        try:
            async with asyncio.timeout(TEND_PATIENCE_SECONDS):
                now = self._clock()
                today = in_new_york(now).date()
                late = self._prepared != today and now >= instant_of(today, PREPARED_BY)
                if self._prepared is None or late or self._day.unsettled:
                    await self._prepare()
                for run in await self._day.due():
                    self._arm(run, now)
        except TimeoutError:
            log.error("looking for what is due took too long")  # noqa: TRY400  (there is no more to tell)
            return
        except Exception:  # whatever it is, the next tending may go well
            log.exception("looking for what is due failed")
        self._last_beat = self._monotonic()

    def _offset(self) -> timedelta:
        """Return by how much the clock is ahead of the seconds that have passed."""
        return self._clock() - EPOCH - timedelta(seconds=self._monotonic())

    async def _prepare(self) -> None:
        """Have the day planned, and arm every run that may still begin, and the next day."""
        self._ahead, anchor = self._clock() - self._real(), self._offset()
        now = self._clock()
        today = in_new_york(now).date()
        following = instant_of(today, PREPARE_AT)
        if following <= now:
            following = instant_of(today + timedelta(days=1), PREPARE_AT)
        self._at(following, self._prepare_again, PREPARE, grace=None)
        before, self._prepared = self._prepared, today  # first: a look meanwhile sees it
        try:
            runs = await self._day.prepare()
            self._disarm_all_but({PREPARE, *(run.key for run in runs)})
            for run in runs:
                self._arm(run, max(run.planned_at, now))
        except BaseException:
            self._prepared = before
            raise
        self._anchor = anchor  # last: a day that could not be armed is tried again

    async def _prepare_again(self) -> None:
        try:
            async with asyncio.timeout(TEND_PATIENCE_SECONDS):
                await self._prepare()
        except Exception:  # tending tries it again
            log.exception("planning the day failed")

    def _disarm_all_but(self, names: Collection[str]) -> None:
        """Forget runs that are planned no more, as when a closure was announced."""
        for armed in self._scheduler.get_jobs():
            if armed.id not in names:
                armed.remove()

    def _arm(self, run: PlannedRun, at: datetime) -> None:
        grace = max(1, int((run.deadline - at).total_seconds()))
        self._at(at, self._fire, run.key, run, grace=grace)

    async def _fire(self, run: PlannedRun) -> None:
        """Begin a run in a task of its own, so that one that hangs holds nothing up."""
        task = asyncio.create_task(self._day.begin(run))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a planned run broke the scheduled day", exc_info=task.exception())

    def _at(
        self,
        at: datetime,
        call: Callable[..., Coroutine[Any, Any, None]],
        name: str,
        *arguments: object,
        grace: int | None,
    ) -> None:
        self._scheduler.add_job(
            call,
            DateTrigger(at - self._ahead, timezone=UTC),
            args=arguments,
            id=name,
            name=name,
            replace_existing=True,
            misfire_grace_time=grace,
            coalesce=True,
            max_instances=1,
        )
