"""Command line: `demo`, a trading floor that is simulated and can be hurt."""

from datetime import datetime

import click

from mission_control import asgi
from mission_control.bootstrap.demo import demo_scenarios
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, read_at
from mission_control.cli.output import columns, described, did_you_mean, emit

PORT = click.IntRange(1, 65535)
FLOOR_PORTS = click.IntRange(1, 65000)


def _read_scenario(_: click.Context, __: click.Parameter, value: str) -> str:
    known = [name for name, _ in demo_scenarios()]
    if value in known:
        return value
    hint = did_you_mean(value, known)
    raise click.BadParameter(f"there is no scenario {value!r}; {hint}")


@click.command()
@click.option(
    "--scenario",
    default="calm",
    show_default=True,
    callback=_read_scenario,
    metavar="NAME",
    help="What the floor looks like at first; --list names them all.",
)
@click.option(
    "--at",
    metavar="ISO",
    callback=read_at,
    help="Start the clock there and let it tick at real speed, as 2026-11-27T12:55. A time "
    "without an offset is New York's.",
)
@click.option("--port", type=PORT, default=8080, show_default=True, help="The API's port.")
@click.option("--ui-port", type=PORT, default=8090, show_default=True, help="The pages' port.")
@click.option(
    "--floor-port",
    type=FLOOR_PORTS,
    default=9100,
    show_default=True,
    help="The first port of the simulated services; they take the next ones as well.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 30),
    metavar="SECONDS",
    help="How often each service is asked; every 10 s, as in the field, when not given.",
)
@click.option(
    "--floors",
    type=click.IntRange(0, 200),
    default=0,
    metavar="N",
    help="Have N other floors of 100 services as well, each with a Mission Control: /floors.",
)
@click.option("--no-ui", is_flag=True, help="Serve the API alone, without the pages.")
@click.option(
    "--no-past", is_flag=True, help="Begin with nothing recorded, without the sessions before."
)
@click.option("--list", "list_only", is_flag=True, help="List the scenarios, and stop.")
@json_flag
@click.pass_context
def demo(  # noqa: PLR0913  (one argument per flag, by name)
    ctx: click.Context,
    *,
    scenario: str,
    at: datetime | None,
    port: int,
    ui_port: int,
    floor_port: int,
    interval: float | None,
    floors: int,
    no_ui: bool,
    no_past: bool,
    list_only: bool,
    as_json: bool,
) -> None:
    """
    Serve a simulated trading floor, and watch it.

    The services answer on loopback ports of their own, as curl will show. The scenario can be
    switched while it runs. It begins with the sessions before that Mission Control itself has
    recorded, where the clock starts in their week. Everything is labelled DEMO, and no setting of
    yours is read.
    """
    context = ctx.ensure_object(CliContext)
    if list_only:
        _list_scenarios(as_json=as_json)
        return
    options = asgi.DemoOptions(
        scenario,
        at,
        port,
        ui_port,
        floor_port,
        interval_seconds=interval,
        with_ui=not no_ui,
        with_past=not no_past,
        floors=floors,
    )
    code = asgi.run_demo(options, context.say)
    ctx.exit(code)


def _list_scenarios(*, as_json: bool) -> None:
    scenarios = demo_scenarios()
    if as_json:
        values = [{"name": name, "description": text} for name, text in scenarios]
        emit(values)
        return
    click.echo("\n".join(described(scenarios, columns())))
