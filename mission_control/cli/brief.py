"""Command line: `brief`, one page for who comes on duty."""

from collections.abc import Mapping

import click
import orjson

from mission_control.bootstrap.jobs import ready_to_run
from mission_control.brief.model import Brief
from mission_control.brief.present import brief_document, brief_lines
from mission_control.brief.run import make_brief
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, setting_flags, settings_with, url_flag
from mission_control.cli.floor_answers import ask_server
from mission_control.cli.output import emit, printable
from mission_control.configuration.settings import Settings
from mission_control.documents.raw import mapping
from mission_control.floor.observe import Looking
from mission_control.processes import own_process as process

PATH = "/api/v1/brief"
_OK = 200


@click.command()
@url_flag
@setting_flags("fleet_file", "namespace", "context", "kubeconfig", "root")
@json_flag
@click.pass_context
def brief(ctx: click.Context, *, url: str | None, as_json: bool, **flags: str | None) -> None:
    """
    Say on one page what who comes on duty has to know, each line with its evidence.

    At most 45 lines: what is now and what to do first, what happened since the close before, what
    changed, what stands, what paged, today's runs, the calendar, and what expires. Without --url,
    every service is asked once and the record below the root is read; what readiness is worth now
    and how long the floor was watched only a server knows. A line that could not be read says so.
    Exits with 0 for a brief, whatever it says.
    """
    context = ctx.ensure_object(CliContext)
    if url is not None:
        _from_server(ctx, url, as_json=as_json)
        return
    settings = settings_with(context, flags)
    with context.busy("Asking every service once, and reading the record"):
        made = process.run(_make(context, settings))
    _show({**brief_document(made), "label": made.label}, as_json=as_json)


def _from_server(ctx: click.Context, url: str, *, as_json: bool) -> None:
    answer = ask_server(url, PATH, "application/json")
    document = mapping(_decoded(answer.body) if answer.status == _OK else None)
    if not document:
        context = ctx.ensure_object(CliContext)
        context.say(f"The server gave no brief; the answer's status is {answer.status}.")
        ctx.exit(VERIFICATION_FAILED)
    _show(document, as_json=as_json)


def _decoded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _show(document: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        emit(document)
        return
    for line in brief_lines(document):
        click.echo(printable(line, 1_000))


async def _make(context: CliContext, settings: Settings) -> Brief:
    async with ready_to_run(settings, context.clock, Looking(rounds=1)) as parts:
        snapshot, _ = await parts.look()
        if parts.brief is None:
            raise click.ClickException("no brief is made here")
        return await make_brief(parts.brief, snapshot, context.clock())
