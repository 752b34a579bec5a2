"""Command line: `what-if`, the floor decided with something changed."""

from datetime import datetime

import click

from mission_control.bootstrap.trying import try_now, try_then
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import HALTED, NOTHING_TO_DO, OK
from mission_control.cli.flags import json_flag, read_at, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.configuration.settings import Settings
from mission_control.floor.model import Verdict
from mission_control.history.past_floor import NotWatched
from mission_control.processes import own_process as process
from mission_control.what_if.model import LABEL, ChangesAsked, ImpossibleChange, WhatIf
from mission_control.what_if.present import what_if_document, what_if_lines

LONGEST_LINE = 1000


@click.command("what-if")
@click.option("--at", callback=read_at, metavar="ISO", help="The floor as it was then; else now.")
@click.option("--silence", multiple=True, metavar="AGENT", help="It does not answer.")
@click.option(
    "--say",
    multiple=True,
    metavar="AGENT.FIELD=VALUE",
    help="It says this; VALUE is JSON or text, `now-180` is 180 s ago.",
)
@click.option("--switch", metavar="VALUE", help="Every configured source of the switch reads so.")
@setting_flags("fleet_file", "root", "namespace", "context", "kubeconfig")
@json_flag
@click.pass_context
def what_if(
    ctx: click.Context,
    *,
    at: datetime | None,
    silence: tuple[str, ...],
    say: tuple[str, ...],
    switch: str | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Decide the floor with something changed, and show which reasons come and go.

    The fleet is asked once, as by `status`; with --at the recorded past is decided again. The
    change is decided as what follows: an alarm stays latched until its source denies it, so that
    silence clears nothing. Nothing is recorded. Exits as `status` does, by the verdict after the
    change; with 5 where nothing of that time is recorded.
    """
    context = ctx.ensure_object(CliContext)
    asked = ChangesAsked(silence, say, switch)
    if asked == ChangesAsked():
        raise click.UsageError("say what is changed: --silence, --say or --switch")
    if at is not None and at > context.clock():
        raise click.UsageError("--at lies in the future")
    settings = settings_with(context, flags)
    try:
        found = _decide(context, settings, at, asked)
    except ImpossibleChange as error:
        raise click.UsageError(printable(str(error), LONGEST_LINE)) from None
    if isinstance(found, NotWatched):
        context.say(f"{LABEL}: {found.detail}.")
        ctx.exit(NOTHING_TO_DO)
    if as_json:
        emit(what_if_document(found))
    else:
        click.echo("\n".join(printable(line, LONGEST_LINE) for line in what_if_lines(found)))
    ctx.exit(HALTED if found.after.posture.verdict is Verdict.HALTED else OK)


def _decide(
    context: CliContext, settings: Settings, at: datetime | None, asked: ChangesAsked
) -> WhatIf | NotWatched:
    if at is None:
        with context.busy("Asking every service once"):
            return process.run(try_now(settings, context.clock, asked))
    with context.busy("Reading history"):
        return process.run(try_then(settings, context.clock, at, asked))
