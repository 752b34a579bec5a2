"""Command line: `get`, an answer of the API without a server."""

import sys

import click
import httpx

from mission_control.bootstrap.answer import answer_once
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import VERIFICATION_FAILED
from mission_control.cli.flags import setting_flags, settings_with, url_flag
from mission_control.cli.floor_answers import RemoteAnswer, ask_server
from mission_control.documents.visible_text import visible
from mission_control.processes import own_process as process

ENDLESS = "/api/v1/stream"


def _read_path(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.startswith("/") or value.startswith("//") or not value.isprintable():
        raise click.BadParameter("write a path as /api/v1/posture")
    if value.partition("?")[0].rstrip("/") == ENDLESS:
        raise click.BadParameter("a stream never ends: ask a server, with curl -N")
    return value


@click.command()
@click.argument("path", callback=_read_path)
@url_flag
@click.option("--accept", default="*/*", metavar="TYPE", help="The Accept header to send.")
@setting_flags("fleet_file", "namespace", "context", "kubeconfig")
@click.pass_context
def get(
    ctx: click.Context, *, path: str, url: str | None, accept: str, **flags: str | None
) -> None:
    """
    Answer a path as the API would.

    Without --url, the fleet is asked once and the answer is made in this process: no server is
    needed and nothing is recorded. The body goes to stdout unchanged; on a terminal, control
    characters are escaped. Exits with 0 for an answer of 2xx, and with 4 for any other, which is
    named on stderr.
    """
    context = ctx.ensure_object(CliContext)
    answer = (
        ask_server(url, path, accept)
        if url is not None
        else _answer_here(context, flags, path, accept)
    )
    if sys.stdout.isatty():
        shown = visible(answer.body.decode("utf-8", "replace"))
        click.echo(shown, nl=not shown.endswith("\n"))
    else:
        click.echo(answer.body, nl=False)
    if not httpx.codes.is_success(answer.status):
        context.say(f"The answer's status is {answer.status}.")
        ctx.exit(VERIFICATION_FAILED)


def _answer_here(
    context: CliContext, flags: dict[str, str | None], path: str, accept: str
) -> RemoteAnswer:
    settings = settings_with(context, flags)
    with context.busy("Asking every service once"):
        response = process.run(answer_once(settings, context.clock, path, accept))
    return RemoteAnswer(response.status_code, response.content)
