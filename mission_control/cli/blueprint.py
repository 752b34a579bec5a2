"""Command line: `blueprint`, the fleet as it is seen."""

import click

from mission_control.blueprint.run import MARKDOWN_NAME, MadeBlueprint, run
from mission_control.bootstrap.jobs import ready_to_run, repository_surveyor
from mission_control.bootstrap.record import run_origin
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings
from mission_control.floor.observe import Looking


@click.command()
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@json_flag
@click.pass_context
def blueprint(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Draw the fleet as it is seen: components, dependencies, safety controls, and every gap.

    It is recorded below the root. What is not seen is unknown, also where there is no cluster or
    no repository. Exits with 0 whenever a blueprint was recorded.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    with context.busy("Looking at the fleet"):
        made, path = run_recording(ctx, _draw(context, settings))
    if as_json:
        emit(made.document, made.label)
    else:
        click.echo(made.files[MARKDOWN_NAME].decode(), nl=False)
    if settings.fleet.access is None:
        context.say("No cluster is configured: what runs the services is unknown.")
    context.say(f"{len(made.document['gaps'])} gaps. Recorded as {path}.")


async def _draw(context: CliContext, settings: Settings) -> tuple[MadeBlueprint, str]:
    origin = run_origin(settings, "command", context.clock())
    async with ready_to_run(settings, context.clock, Looking(rounds=1)) as parts:
        made, entry = await run(parts, origin, repository_surveyor(settings, context.clock))
    return made, entry.path
