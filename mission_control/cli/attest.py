"""Command line: `attest`, whether anything of execution was seen in a session."""

from datetime import date, datetime

import click

from mission_control.attestation.run import (
    MARKDOWN_NAME,
    Attested,
    NoSuchSession,
    choose_session,
    run,
)
from mission_control.bootstrap.jobs import claim_planned, history_to_read
from mission_control.bootstrap.keeping import keeping_parts
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings
from mission_control.schedule.model import Job


@click.command()
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root")
@click.option("--session", "asked", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
              help="The session of this date, not the latest that has closed.")  # fmt: skip
@json_flag
@click.pass_context
def attest(
    ctx: click.Context, *, asked: datetime | None, as_json: bool, **flags: str | None
) -> None:
    """
    Attest whether anything of execution was seen in a session, and for how much of it.

    It is made from recorded history and recorded below the root, under the session's date. Exits
    with 3 where a sign of execution was seen, with 1 where nothing of the session was observed,
    and with 0 otherwise: gaps are named, never filled.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    try:
        with context.busy("Reading history"):
            attested, path = run_recording(
                ctx, _attest(context, settings, asked.date() if asked else None)
            )
    except NoSuchSession as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        emit(attested.document, attested.label)
    else:
        click.echo(attested.files[MARKDOWN_NAME].decode(), nl=False)
    context.say(f"{attested.made.conclusion.value}. Recorded as {path}.")
    if attested.failure:
        click.echo(f"Failed: {attested.failure}.", err=True)
    ctx.exit(attested.exit_code)


async def _attest(
    context: CliContext, settings: Settings, asked: date | None
) -> tuple[Attested, str]:
    clock, parts = context.clock, keeping_parts(settings, context.clock)
    choose_session(parts.calendar, clock(), asked)  # wrong usage claims no run
    jobs = frozenset({Job.ATTESTATION}) if asked is None else frozenset[Job]()
    with history_to_read(settings) as history:
        async with claim_planned(settings, parts.calendar, clock, context.say, jobs) as origin:
            attested, entry = await run(parts, history, origin, asked)
    return attested, entry.path
