"""Jobs: which jobs run in this process now, so that no two runs of one job stand side by side."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mission_control.jobs.planned_run import STOP_SECONDS
from mission_control.model.schedule import Job


@dataclass(slots=True)
class RunningJobs:
    """The runs that go on here: one for each job, or none; a run that was cut may still go on."""

    _going_on: dict[Job, "asyncio.Future[None]"] = field(
        default_factory=dict[Job, "asyncio.Future[None]"]
    )
    _stuck: dict[Job, "asyncio.Future[Any]"] = field(
        default_factory=dict[Job, "asyncio.Future[Any]"]
    )

    async def is_busy(self, job: Job) -> bool:
        """
        Tell whether a run of a job goes on, after the time that one takes to stop.

        The deadline of one may be the beginning of the next: that is no overlap yet.
        """
        known = (self._going_on.get(job), self._stuck.get(job))
        open_ = {f for f in known if f is not None and not f.done()}
        if open_:
            _, open_ = await asyncio.wait(open_, timeout=2 * STOP_SECONDS)
        return bool(open_)

    @contextmanager
    def running(self, job: Job) -> Generator[None]:
        """Tell that a run of a job goes on for the time of the block."""
        ended = asyncio.get_running_loop().create_future()
        self._going_on[job] = ended
        try:
            yield
        finally:
            ended.set_result(None)

    def stays(self, job: Job, stuck: "asyncio.Future[Any]") -> None:
        """Tell that a run did not stop when it was cut."""
        self._stuck[job] = stuck
