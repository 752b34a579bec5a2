"""Command line: `artifacts`, what was recorded and whether it is unaltered."""

from collections.abc import Coroutine
from datetime import datetime
from importlib import import_module
from typing import TypeVar, cast

import click

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import INTERNAL, VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, root_with, setting_flags
from mission_control.cli.output import columns, emit, printable, table
from mission_control.documents.document import document
from mission_control.errors import StorageError
from mission_control.processes import own_process as process
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactPage, ArtifactQuery
from mission_control.records.present import run_entry_document, verification_document

T = TypeVar("T")

MOST_RUNS = 1_000
KEEPING = ("copy", "retention")
"""These record, and load what recording needs; to look at the record is done without it."""


class _ArtifactsGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*super().list_commands(ctx), *KEEPING))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in KEEPING:
            return super().get_command(ctx, cmd_name)
        module = import_module("mission_control.cli.keeping")
        return cast("click.Command", getattr(module, cmd_name))


@click.group(cls=_ArtifactsGroup)
def artifacts() -> None:
    """Look at what was recorded, and verify that it is unaltered."""


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
    root = root_with(context, flags)
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
    root = root_with(context, flags)
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
    lines = table(rows, columns())
    if page.next_before is not None:
        lines.append(f"and {page.total - len(rows)} more; --limit shows them")
    return lines
