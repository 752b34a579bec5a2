"""Command line: `serve`, the server."""

import click

from mission_control import asgi
from mission_control.cli.context import CliContext
from mission_control.cli.flags import setting_flags, settings_with


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

    Every service of the fleet is asked on its own cadence until SIGINT or SIGTERM. Only loopback
    is listened on, because there is no authentication yet. The log goes to stderr.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    ctx.exit(asgi.run_server(settings, with_ui=with_ui, history_is_new=history_is_new))
