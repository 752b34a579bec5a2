"""Bootstrap: the planned run that a command from cron was started for."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, time, timedelta

from mission_control.bootstrap.day import is_offered, run_sources_of
from mission_control.bootstrap.origin import run_origin
from mission_control.configuration.settings import Settings
from mission_control.decide.session_plan import plan_session
from mission_control.jobs.claimed_command import CommandSources, claiming
from mission_control.jobs.ports import CalendarReader, Clock
from mission_control.jobs.recorded_runs import days_between
from mission_control.jobs.run_origin import RunOrigin
from mission_control.market_calendar.new_york import in_new_york, instant_of
from mission_control.model.schedule import Job, PlannedRun
from mission_control.record.artifact_reader import ArtifactReader

DAYS_BACK = timedelta(days=5)
"""A run of an earlier session may still be due: the attestation, over a long weekend."""


def claim_planned(
    settings: Settings,
    calendar: CalendarReader,
    clock: Clock,
    say: Callable[[str], None],
    jobs: Collection[Job],
) -> AbstractAsyncContextManager[RunOrigin]:
    """Claim the planned run of one of these jobs that is due, for the time of a block."""
    origin = beside_the_plan(settings, clock)
    offered = frozenset(job for job in Job if is_offered(settings, job))
    sources = CommandSources(
        lambda: runs_near(calendar, clock(), offered),
        ArtifactReader(settings.root, clock),
        run_sources_of(settings, calendar, clock, origin),
        say,
    )
    return claiming(jobs, sources)


def beside_the_plan(settings: Settings, clock: Clock) -> RunOrigin:
    """Give the origin of a command that claims no planned run; it is recorded whatever else is."""
    return replace(run_origin(settings, "command", clock()), beside=True)


def runs_near(
    calendar: CalendarReader, now: datetime, offered: Collection[Job]
) -> Sequence[PlannedRun]:
    """List every offered run that may be due at an instant, those of the days before included."""
    today = in_new_york(now).date()
    plans = (
        plan_session(on, calendar.session_at(instant_of(on, time(12))), offered)
        for on in days_between(today - DAYS_BACK, today)
    )
    return [run for plan in plans for run in plan.runs]
