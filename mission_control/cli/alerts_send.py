"""Command line: `alerts send-test`, a test page to every configured channel."""

from dataclasses import replace

import click

from mission_control.alerts.deliver.model import PACE
from mission_control.alerts.deliver.run import trial_alert, try_channels
from mission_control.bootstrap.delivering import alert_origin, alert_senders, heartbeat
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import INTERNAL, NOTHING_TO_DO, OK
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.documents.document import document
from mission_control.model.finding import Severity
from mission_control.processes import own_process as process

TEST_SECONDS = 120.0
"""So long a test page fires at Alertmanager, which ends it by itself."""

NOT_PINGED = "not tried: only the server that decides may say that it lives"


@click.command("send-test")
@click.option(
    "--severity",
    type=click.Choice([s.value for s in Severity], case_sensitive=False),
    default=Severity.INFO.value,
    show_default=True,
    help="Try the way that pages of this severity take.",
)
@setting_flags("fleet_file", "namespace")
@json_flag
@click.pass_context
def send_test(ctx: click.Context, severity: str, *, as_json: bool, **flags: str | None) -> None:
    """
    Send a test page to every configured channel, and show what each answers.

    It is labelled TEST, and is no alert of any rule. Exits 0 where every channel took it, 1 where
    one did not, and 5 where none is configured. A dead-man's switch is not told anything.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    pace = replace(PACE, valid_seconds=TEST_SECONDS)
    senders = alert_senders(settings, context.clock, pace=pace)
    if not senders:
        context.say("No channel is configured: see docs/delivery.md.")
        raise click.exceptions.Exit(NOTHING_TO_DO)
    origin, told = alert_origin(settings), Severity(severity.upper())
    alert = trial_alert(origin.floor, origin.replica, told, context.clock())
    with context.busy("Sending a test page"):
        answers = process.run(try_channels(senders, alert))
    pulse = heartbeat(settings)
    if as_json:
        shown = [
            {**document(channel, "method"), **document(answer, "refused", "wait_seconds")}
            for channel, answer in answers
        ]
        emit({"fingerprint": alert.fingerprint, "severity": told.value, "channels": shown})
    else:
        width = max(len(channel.name) for channel, _ in answers)
        for channel, answer in answers:
            mark = "delivered" if answer.delivered else "FAILED   "
            said = f"{channel.address}: {answer.text}"
            click.echo(f"{mark}  {channel.name:<{width}}  {printable(said)}")
    if pulse is not None:
        context.say(f"{pulse.channel.name} {pulse.channel.address}: {NOT_PINGED}")
    delivered = all(answer.delivered for _, answer in answers)
    raise click.exceptions.Exit(OK if delivered else INTERNAL)
