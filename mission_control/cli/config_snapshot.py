"""Command line: `config-snapshot`, the configuration in force as a record."""

import click

from mission_control.bootstrap.jobs import in_force, ready_to_run, repository_copier
from mission_control.bootstrap.record import run_origin
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit, printable
from mission_control.cli.recording import recording_with, run_recording
from mission_control.config_snapshot.run import MadeConfigSnapshot, run
from mission_control.configuration.settings import Settings
from mission_control.floor.observe import Looking


@click.command("config-snapshot")
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@json_flag
@click.pass_context
def config_snapshot(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Record the configuration in force: cluster, repository files, inventory and settings.

    Everything is redacted, and Secrets are never read. What could not be read is a named gap in
    the record; without a cluster or a repository the rest is recorded all the same. Exits with 0
    whenever a snapshot was recorded.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    with context.busy("Reading the configuration in force"):
        made, path = run_recording(ctx, _snapshot(context, settings))
    if as_json:
        emit({"path": path, **made.document}, made.label)
    else:
        click.echo(path)
        for source in made.coverage:
            for what, why in sorted(source.gaps):
                context.say(printable(f"Gap: {source.source}: {what}: {why}"))


async def _snapshot(context: CliContext, settings: Settings) -> tuple[MadeConfigSnapshot, str]:
    origin = run_origin(settings, "command", context.clock())
    looking = Looking(rounds=1, ask_services=False)
    async with ready_to_run(settings, context.clock, looking) as parts:
        copier = repository_copier(settings, context.clock)
        made, entry = await run(parts, origin, copier, await in_force(settings))
    return made, entry.path
