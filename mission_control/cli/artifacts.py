"""Command line: `artifacts`, what was recorded and whether it is unaltered."""

from collections.abc import Coroutine
from datetime import datetime
from typing import TypeVar

import click

from mission_control.bootstrap.jobs import claim_planned
from mission_control.bootstrap.keeping import copy_destination, keeping_parts
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import INTERNAL, VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit, printable
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings, load_root_in_force
from mission_control.documents.document import document
from mission_control.durable_copy.copying import CopyDestination
from mission_control.durable_copy.present import copy_markdown
from mission_control.durable_copy.run import CopiedRun, copy_durably
from mission_control.errors import ConfigurationError, StorageError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.processes import own_process as process
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactPage, ArtifactQuery
from mission_control.records.present import run_entry_document, verification_document
from mission_control.retention.present import retention_markdown
from mission_control.retention.run import ReportedRetention, report_retention
from mission_control.schedule.model import Job

T = TypeVar("T")


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


MOST_RUNS = 1_000


@click.group()
def artifacts() -> None:
    """Look at what was recorded, and verify that it is unaltered."""


artifacts.add_command(copy)
artifacts.add_command(retention)


@artifacts.command("list")
@setting_flags("root")
@click.option("--job", metavar="JOB", help="Only runs of this job, such as intraday_sample.")
@click.option(
    "--session-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only runs of this session.",
)
@click.option("--limit", type=click.IntRange(1, MOST_RUNS), default=50, show_default=True)
@json_flag
@click.pass_context
def list_runs(
    ctx: click.Context,
    *,
    job: str | None,
    session_date: datetime | None,
    limit: int,
    as_json: bool,
    **flags: str | None,
) -> None:
    """List what was recorded, newest first: when, which job, for which session, and where."""
    context = ctx.ensure_object(CliContext)
    root = load_root_in_force(context.environ, config_file=context.config_file, flags=flags)
    session = session_date.date() if session_date else None
    query = ArtifactQuery(limit, job=job, session_date=session)
    page = _await(ctx, ArtifactReader(root, context.clock).page(query))
    if as_json:
        runs = [run_entry_document(entry) for entry in page.entries]
        emit({"total": page.total, "head": document(page.head), "runs": runs})
        return
    click.echo("\n".join(_lines(page)))


@artifacts.command()
@setting_flags("root")
@json_flag
@click.pass_context
def verify(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Check every recorded file and the ledger's chain.

    Names each thing that was altered, is missing, is not recorded, was cut off or is out of
    order, and then exits with 4. Nothing is changed.
    """
    context = ctx.ensure_object(CliContext)
    root = load_root_in_force(context.environ, config_file=context.config_file, flags=flags)
    with context.busy("Reading everything that was recorded"):
        checked = _await(ctx, ArtifactReader(root, context.clock).check())
    found = checked.found
    if as_json:
        whole = {"discrepancies": document(found.discrepancies)}
        emit(verification_document(found, checked.at) | whole)
    else:
        for each in found.discrepancies:
            click.echo(printable(f"{each.kind.value:<13} {each.path}: {each.detail}"))
        many = f"{found.runs} runs, {found.files} files, head {found.head.seq}"
        wrong = len(found.discrepancies)
        verdict = "intact" if found.intact else f"NOT intact: {wrong} discrepancies"
        click.echo(f"{many} {found.head.hash[:16]}: {verdict}")
    if not found.intact:
        ctx.exit(VERIFICATION_FAILED)


def _await(ctx: click.Context, reading: Coroutine[object, object, T]) -> T:
    """Run a read of the record; a storage error is shown with its remedy, and ends the command."""
    try:
        return process.run(reading)
    except StorageError as error:
        click.echo(f"The record cannot be read: {printable(str(error))}", err=True)
        ctx.exit(INTERNAL)


def _lines(page: ArtifactPage) -> list[str]:
    if not page.entries:
        return ["Nothing was recorded."]
    rows = [
        (f"{e.seq}", e.at, e.job, e.session_date or "-", f"{len(e.files)} files", e.path)
        for e in page.entries
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [
        "  ".join((*(f"{c:<{w}}" for c, w in zip(r, widths, strict=False)), r[5])) for r in rows
    ]
    if page.next_before is not None:
        lines.append(f"and {page.total - len(rows)} more; --limit shows them")
    return [printable(line) for line in lines]
