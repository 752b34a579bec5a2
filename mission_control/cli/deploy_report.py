"""Command line: `deploy-report`, what is deployed and what changed."""

import asyncio
from pathlib import Path

import click

from mission_control.bootstrap.jobs import ready_to_run
from mission_control.bootstrap.record import run_origin
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.cli.output import emit
from mission_control.cli.recording import not_recorded, recording_with
from mission_control.configuration.settings import Settings
from mission_control.deploy_report.run import MARKDOWN_NAME, MadeReport, make_report, run
from mission_control.errors import StorageError
from mission_control.floor.observe import Looking
from mission_control.processes import own_process as process


@click.command("deploy-report")
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root")
@click.option("--skip-health", is_flag=True, help="Do not ask any service.")
@click.option("--output-dir", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write both files there, and record nothing.")  # fmt: skip
@click.option("--label-selector", metavar="SELECTOR",
              help="Accepted and ignored: whole namespaces are read.")  # fmt: skip
@json_flag
@click.pass_context
def deploy_report(
    ctx: click.Context,
    *,
    skip_health: bool,
    output_dir: Path | None,
    label_selector: str | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Report what is deployed, how it fares, and what changed since the session before.

    The report is recorded below the root, and audit_artifacts/deploy_report.md and .json show the
    latest. Without access to a cluster both are written all the same, and say so first. Exits
    with 0 whenever a report was made, and with 1 where it could not be recorded.
    """
    context = ctx.ensure_object(CliContext)
    settings = (
        recording_with(context, flags) if output_dir is None else settings_with(context, flags)
    )
    if label_selector is not None:
        context.say("Note: --label-selector is accepted and ignored: whole namespaces are read.")
    with context.busy("Reading the cluster"):
        work = _report(context, settings, output_dir, sample_health=not skip_health)
        made, where, problem = process.run(work)
    if as_json:
        emit(made.document, made.label)
    else:
        click.echo(made.files[MARKDOWN_NAME].decode(), nl=False)
    if problem is not None:
        not_recorded(ctx, problem)
    context.say(f"Written to {where}." if output_dir else f"Recorded as {where}.")


async def _report(
    context: CliContext, settings: Settings, output_dir: Path | None, *, sample_health: bool
) -> tuple[MadeReport, str, StorageError | None]:
    looking = Looking(rounds=1, ask_services=sample_health)
    origin = run_origin(settings, "command", context.clock())
    shown = list[MadeReport]()
    async with ready_to_run(settings, context.clock, looking) as parts:
        if output_dir is not None:
            snapshot, _ = await parts.look()
            made = await make_report(snapshot, parts.reading_once(), sample_health=sample_health)
            await asyncio.to_thread(_write, output_dir, made)
            return made, str(output_dir), None
        try:
            made, entry = await run(parts, origin, sample_health=sample_health, show=shown.append)
        except StorageError as error:
            if not shown:
                raise
            return shown[0], "", error  # the report is still shown
        return made, entry.path, None


def _write(folder: Path, made: MadeReport) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in made.files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise StorageError(f"it cannot be written: {error.strerror}", path=str(folder)) from None
