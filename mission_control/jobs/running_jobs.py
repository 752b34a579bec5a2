"""Jobs: which jobs run in this process now, so that no two runs of one job stand side by side."""

import asyncio
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

    async def reserve(self, job: Job) -> "asyncio.Future[None] | None":
        """
        Have a job to oneself until what is given is set; None where another's run goes on.

        It has the time that a run takes to stop: the deadline of one may be the beginning of the
        next, and that is no overlap yet. Of several that wait for the same run one has it.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + 2 * STOP_SECONDS
        while open_ := self._open(job):
            if loop.time() >= until:
                return None
            await asyncio.wait(open_, timeout=until - loop.time())
        ended = self._going_on[job] = loop.create_future()
        return ended

    def _open(self, job: Job) -> "set[asyncio.Future[Any]]":
        known = (self._going_on.get(job), self._stuck.get(job))
        return {f for f in known if f is not None and not f.done()}

    def stays(self, job: Job, stuck: "asyncio.Future[Any]") -> None:
        """Tell that a run did not stop when it was cut."""
        self._stuck[job] = stuck
