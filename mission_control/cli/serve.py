"""Command line: `serve`, the server."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from mission_control import asgi
from mission_control.cli.context import CliContext
from mission_control.cli.flags import setting_flags, settings_with
from mission_control.configuration.settings import Settings


@click.command()
@setting_flags(
    "host",
    "port",
    "ui_port",
    "fleet_file",
    "root",
    "record_id",
    "namespace",
    "context",
    "kubeconfig",
)
@click.option("--with-ui", is_flag=True, help="Serve the operator's pages as well.")
@click.option(
    "--history-is-new",
    metavar="HEAD",
    default="",
    help="Take a lost or foreign history for new, at this head of the ledger alone; recorded.",
)
@click.pass_context
def serve(ctx: click.Context, *, with_ui: bool, history_is_new: str, **flags: str | None) -> None:
    """
    Serve the API, and watch the floor.

    Every service of the fleet is asked on its own cadence until SIGINT or SIGTERM. Off loopback it
    is listened on only where readers have to say who they are. The log goes to stderr, as JSON
    lines; on a terminal it is for people, and begins with where the API and the pages are.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    announce = asgi.nothing
    if sys.stderr.isatty():
        settings = for_people(settings)

        def announce() -> None:
            for line in where_it_is(settings, with_ui=with_ui):
                context.say(line)

    ctx.exit(
        asgi.run_server(settings, with_ui=with_ui, history_is_new=history_is_new, announce=announce)
    )


def for_people(settings: Settings) -> Settings:
    """Return the settings with a log for people, unless its shape was said."""
    if settings.sources.get("log_format", "default") != "default":
        return settings
    return replace(settings, log_format="console")


def where_it_is(settings: Settings, *, with_ui: bool) -> Iterator[str]:
    """Say where everything is served, and how it ends."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.tls_certificate is None else "https"
    api = f"{scheme}://{host}:{settings.port}"
    shown = f"{asgi.pages_scheme()}://{host}:{settings.ui_port}/"
    pages = shown if with_ui else "not served; add --with-ui"
    yield f"  Pages   {pages}"
    yield f"  API     {api}/api/v1/posture"
    yield f"  Record  {settings.root}"
    yield f"  Fleet   {settings.fleet.source} ({len(settings.fleet.agents)} services)"
    yield "Ctrl-C ends it."
