"""Command line: `artifacts copy` and `artifacts retention`, what is kept, and where else."""

import click

from mission_control.bootstrap.jobs import claim_planned
from mission_control.bootstrap.keeping import copy_destination, keeping_parts
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings
from mission_control.durable_copy.copying import CopyDestination
from mission_control.durable_copy.present import copy_markdown
from mission_control.durable_copy.run import CopiedRun, copy_durably
from mission_control.errors import ConfigurationError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.retention.present import retention_markdown
from mission_control.retention.run import ReportedRetention, report_retention
from mission_control.schedule.model import Job


@click.command()
@setting_flags("root", "fleet_file")
@click.option("--verify", "everything", is_flag=True,
              help="Also read back everything that was copied before.")  # fmt: skip
@json_flag
@click.pass_context
def copy(ctx: click.Context, *, everything: bool, as_json: bool, **flags: str | None) -> None:
    """
    Copy what was recorded to the configured place, and verify the copy.

    Nothing there is ever overwritten. Each file is read back and compared by its SHA-256, and so
    is a thirtieth of what was copied before; --verify reads back all, however long that takes.
    Otherwise a run ends after half an hour. What was done is recorded.
    Exits with 4 where bytes here or there are not those recorded, with 1 where not everything
    could be copied; the next run goes on from there.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    destination = copy_destination(settings, context.clock)
    if destination is None:
        raise ConfigurationError(
            "no durable copy is configured",
            where="MISSION_CONTROL_DURABLE_COPY",
            remedy="name a folder of a mount, or s3://bucket/prefix",
        )
    with context.busy(f"Copying to {destination.name}"):
        copied = run_recording(ctx, _copy(context, settings, destination, everything=everything))
    if as_json:
        emit(copied.document)
    else:
        click.echo(copy_markdown(copied.document), nl=False)
    context.say(f"Recorded as {copied.entry.path}.")
    ctx.exit(copied.exit_code)


@click.command()
@setting_flags("root", "fleet_file")
@json_flag
@click.pass_context
def retention(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Report how much is kept, and whether that is less than it should be.

    Nothing is deleted, ever: what lies beyond 30 trading days, or beyond the newest 30 captures,
    is named. The report is recorded. Exits with 0 whenever a report was made.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    with context.busy("Reading everything that was recorded"):
        reported = run_recording(ctx, _report(context, settings))
    if as_json:
        emit(reported.document)
    else:
        click.echo(retention_markdown(reported.document), nl=False)
    context.say(f"Recorded as {reported.entry.path}.")


async def _copy(
    context: CliContext, settings: Settings, destination: CopyDestination, *, everything: bool
) -> CopiedRun:
    parts = keeping_parts(settings, context.clock)
    jobs = {Job.DURABLE_COPY}
    calendar = MarketCalendar(settings.closures)
    async with claim_planned(settings, calendar, context.clock, context.say, jobs) as origin:
        return await copy_durably(parts, destination, origin, everything=everything)


async def _report(context: CliContext, settings: Settings) -> ReportedRetention:
    parts = keeping_parts(settings, context.clock)
    jobs = {Job.RETENTION}
    calendar = MarketCalendar(settings.closures)
    async with claim_planned(settings, calendar, context.clock, context.say, jobs) as origin:
        return await report_retention(parts, origin)
