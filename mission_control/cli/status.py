"""Command line: `status`, whether the floor may run."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click
import orjson
from rich.console import Console
from rich.live import Live
from rich.text import Text

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import HALTED, INTERNAL, OK
from mission_control.cli.flags import json_flag, setting_flags, settings_with, url_flag
from mission_control.cli.floor_answers import FloorAnswers, ask_for_floor, observe_floor
from mission_control.cli.status_view import show_floor
from mission_control.model.standing import Verdict

PIPED_WIDTH = 1000
"""Into a pipe nothing is wrapped: one service, one line."""

Ask = Callable[[], FloorAnswers]


@click.command()
@click.option("--watch", is_flag=True, help="Ask again and again, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(1, 3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --watch waits between.",
)
@url_flag
@setting_flags("fleet_file", "namespace", "context", "kubeconfig")
@json_flag
@click.pass_context
def status(
    ctx: click.Context,
    *,
    watch: bool,
    every: float,
    url: str | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Say whether the floor may run, and why not.

    Without --url, every service of the fleet is asked once, in this process, and nothing is
    recorded; an accusation from an earlier round is then not known, and only a server remembers
    it. The verdict stands first, then its reasons, then the services worst first. Exits with 0
    for OK and MARKET_CLOSED and with 3 for HALTED.
    """
    context = ctx.ensure_object(CliContext)
    ask = _asking(context, url, flags)
    write = _write_json if as_json or context.json else _writer(context)
    if watch:
        with _screen(context, write, as_json=as_json or context.json) as show:
            code = _watch(ask, show, every)
        ctx.exit(code)
    with context.busy("Asking every service once"):
        floor = ask()
    write(floor)
    ctx.exit(_code(floor))


def _asking(context: CliContext, url: str | None, flags: dict[str, str | None]) -> Ask:
    if url is not None:
        return lambda: ask_for_floor(url)
    settings = settings_with(context, flags)
    return lambda: observe_floor(settings, context.clock)


def _code(floor: FloorAnswers) -> int:
    return HALTED if floor.posture.posture is Verdict.HALTED else OK


def _write_json(floor: FloorAnswers) -> None:
    click.echo(orjson.dumps(floor.documents))


def _console(context: CliContext) -> Console:
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(no_color=context.no_color or None, width=width, highlight=False)


def _writer(context: CliContext) -> Callable[[FloorAnswers], None]:
    console = _console(context)

    def write(floor: FloorAnswers) -> None:
        with console.capture() as capture:
            console.print(show_floor(floor))
        lines = [line.rstrip() for line in capture.get().splitlines()]
        encoding = sys.stdout.encoding or "utf-8"
        # A terminal that has no such shapes shows "?" beside the word.
        click.echo("\n".join(lines).encode(encoding, "replace").decode(encoding))

    return write


def _watch(ask: Ask, show: Callable[[FloorAnswers | str], None], every: float) -> int:
    """Show the floor until Ctrl-C; the exit code is that of what was shown last."""
    code = INTERNAL
    try:
        while True:
            try:
                floor = ask()
            except click.ClickException as error:
                code = INTERNAL
                show(f"NOT LIVE: {error.format_message()}")
            else:
                code = _code(floor)
                show(floor)
            time.sleep(every)
    except KeyboardInterrupt:
        return code


@contextmanager
def _screen(
    context: CliContext, write: Callable[[FloorAnswers], None], *, as_json: bool
) -> Generator[Callable[[FloorAnswers | str], None]]:
    """Give what shows the floor or why it is not seen: in place on a terminal, else in turn."""
    console = _console(context)
    if console.is_terminal and not as_json:
        with Live(console=console, auto_refresh=False) as live:

            def draw(seen: FloorAnswers | str) -> None:
                shown = Text(seen, "bold red") if isinstance(seen, str) else show_floor(seen)
                live.update(shown, refresh=True)

            yield draw
        return

    def print_one(seen: FloorAnswers | str) -> None:
        if isinstance(seen, str):
            click.echo(seen, err=True)
        else:
            write(seen)
            sys.stdout.flush()

    yield print_one
