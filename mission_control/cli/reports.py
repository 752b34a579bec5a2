"""Command line: `reports`, recorded reports and what changed between two."""

import click

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import USAGE
from mission_control.cli.flags import json_flag, root_with, setting_flags
from mission_control.cli.output import emit, printable
from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.deploy_report.present import comparison_document
from mission_control.processes import own_process as process
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.recorded_reports import (
    DEPLOY_JSON,
    LATEST,
    PREVIOUS,
    NoSuchReport,
    RecordedReport,
    find_report,
)


@click.group()
def reports() -> None:
    """Compare recorded reports."""


@reports.command()
@click.argument("before", default=PREVIOUS)
@click.argument("after", default=LATEST)
@setting_flags("root")
@json_flag
@click.pass_context
def diff(
    ctx: click.Context, before: str, after: str, *, as_json: bool, **flags: str | None
) -> None:
    """
    Say what changed from the deploy report BEFORE to AFTER: digests, replicas, names, maps.

    Each is `latest`, `previous`, or a run's path as `artifacts list` prints it. Exits with 0
    whether or not anything changed.
    """
    context = ctx.ensure_object(CliContext)
    root = root_with(context, flags)
    artifacts = ArtifactReader(root, context.clock)
    try:
        old, new = process.run(_both(artifacts, before, after))
    except NoSuchReport as error:
        click.echo(f"Error: {error}", err=True)
        ctx.exit(USAGE)
    compared = compare_reports(old.document, new.document)
    if as_json:
        emit({"from": old.entry.path, "to": new.entry.path, **comparison_document(compared)})
        return
    if compared.clusters:
        click.echo(printable(f"ATTENTION: {compared.clusters}"))
    click.echo(f"{old.entry.path} -> {new.entry.path}")
    for gap in compared.gaps:
        click.echo(printable(f"Not the whole picture: {gap}"))
    for c in compared.changes:
        click.echo(printable(f"{c.subject}  {c.what}: {c.before} -> {c.after}"))
    if not compared.changes:
        click.echo("Nothing that was seen changed." if compared.gaps else "Nothing changed.")
    if compared.folded:
        left_out = ", ".join(f"{what} ({count})" for what, count in compared.folded)
        click.echo(f"Left out, because it differs in any two reports: {left_out}.")


async def _both(
    artifacts: ArtifactReader, before: str, after: str
) -> tuple[RecordedReport, RecordedReport]:
    old = await find_report(artifacts, before, DEPLOY_JSON)
    return old, await find_report(artifacts, after, DEPLOY_JSON)
