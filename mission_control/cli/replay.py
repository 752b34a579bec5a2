"""Command line: `replay`, what happened as the logs tell it."""

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from mission_control.bootstrap.jobs import history_to_read
from mission_control.bootstrap.keeping import keeping_parts
from mission_control.bootstrap.record import run_origin
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, read_at, setting_flags
from mission_control.cli.output import printable
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.processes import own_process as process
from mission_control.replay.model import Narrowing, Replay
from mission_control.replay.present.document import replay_json
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.present.page import replay_html
from mission_control.replay.record import find_backdrop, in_pieces, record_replay
from mission_control.replay.run import replay_logs
from mission_control.replay.sources import STDIN, Input, TooManyFilesError, find_input

FORMATS = ("md", "json", "html")
LONGEST_ANSWER = 4_096


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to write, where: `form` is md, json or html."""

    output: str
    form: str
    verbose: bool
    recorded: bool = False


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option("--output", "-o", metavar="OUT", default=STDIN, show_default=True,
              help="Write there; an existing file is never overwritten. - is stdout.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS),
              help="Markdown, JSON or a page; else as OUT ends, or Markdown.")  # fmt: skip
@click.option("--from", "since", metavar="TIME", callback=read_at, help="Show events from then on.")
@click.option("--to", "until", metavar="TIME", callback=read_at, help="Show events before then.")
@click.option("--trace", "trace_id", metavar="ID", default="", help="Show this trace alone.")
@click.option("--agent", metavar="NAME", default="", help="Show this agent's events alone.")
@click.option("--verbose", is_flag=True, help="Show each event as it was told, too (Markdown).")
@click.option("--record", "recorded", is_flag=True, help="Record it below the root as well.")
@click.option("--include-protocol-intents", is_flag=True, expose_value=False, hidden=True)
@setting_flags("root", "fleet_file")
@json_flag
@click.pass_context
def replay(ctx: click.Context, *, recorded: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401  (as click gives them)
    """
    Replay what happened from logs, and say first whether anything was executed.

    FILES are logs, plain, .gz or .zst, folders of them, or - for stdin. Of our own bundles the log
    tails are read. The answer comes first: evidence of execution, or that none was found in so
    many events. It covers all that was read, whatever is shown. A time that names no zone is New
    York's.

    Exits with 3 where anything tells of execution, with 1 where not everything could be read, so
    that nothing can be said; with 0 where no execution was found.
    """
    context = ctx.ensure_object(CliContext)
    began = context.clock()
    narrowing = Narrowing(given["since"], given["until"], given["trace_id"], given["agent"])
    if narrowing.since and narrowing.until and narrowing.since >= narrowing.until:
        raise click.UsageError("--from has to be before --to")
    output, flags = given["output"], {name: given[name] for name in ("root", "fleet_file")}
    form = given["form"] or ("json" if as_json else _format_of(output))
    settings = recording_with(context, flags) if recorded else None
    wish = _Wish(output, form, given["verbose"], recorded=recorded)
    made = _make(context, _find(given["files"]), narrowing, wish)
    _tell(context, made, output)
    if settings is not None:
        context.say(f"Recorded as {run_recording(ctx, _record(context, settings, made, began))}.")
    ctx.exit(made.answer.exit_code)


def _make(context: CliContext, given: Input, narrowing: Narrowing, wish: _Wish) -> Replay:
    """Read what was given, and write what was wished for; its place is claimed before that."""
    with _opened(wish.output) as sink:
        with _progress(context, given) as advance:
            made = replay_logs(given, narrowing, advance, digests=wish.recorded)
        for piece in in_pieces(_shown(made, wish)):
            sink.write(piece)
    return made


def _tell(context: CliContext, made: Replay, output: str) -> None:
    """Say the answer, on stdout where that is not taken by the replay itself."""
    told = [made.answer.headline, *(f"  {reason}" for reason in made.answer.reasons)]
    for line in told if output != STDIN else told[:1]:
        shown = printable(line, LONGEST_ANSWER)
        if output == STDIN:
            context.say(shown)
        else:
            click.echo(shown)


def _find(files: tuple[str, ...]) -> Input:
    if not files and sys.stdin.isatty():
        raise click.UsageError("name the files to replay, or - for stdin")
    try:
        return find_input(files or (STDIN,))
    except TooManyFilesError as error:
        raise click.UsageError(str(error)) from error


def _format_of(output: str) -> str:
    suffix = Path(output).suffix.removeprefix(".").casefold()
    return {"json": "json", "html": "html", "htm": "html"}.get(suffix, "md")


@contextmanager
def _opened(output: str) -> Generator[BinaryIO]:
    """Open what is written to; a file that did not come to its end is taken away again."""
    if output == STDIN:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    try:
        sink = path.open("xb")
    except FileExistsError:
        problem = f"{output} exists already, and is not overwritten: name another file"
        raise click.UsageError(problem) from None
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from error
    try:
        with sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _progress(context: CliContext, given: Input) -> Generator[Callable[[int], object]]:
    """Show on a terminal how far the reading is; nothing elsewhere, or when quiet."""
    if context.quiet or not sys.stderr.isatty():
        yield lambda _taken: None
        return
    # Imported here: it takes as long as Python itself, and most of what runs has no terminal.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    known = all(file.path is not None for file in given.files)
    console = Console(stderr=True, no_color=context.no_color or None)
    columns = ("Reading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=sum(f.size for f in given.files) if known else None)
        yield lambda taken: bar.advance(task, taken)


def _shown(made: Replay, wish: _Wish) -> Iterator[str]:
    if wish.form == "md":
        return replay_markdown(made, raw=wish.verbose)
    behind = process.run(find_backdrop(made, MarketCalendar(), None))
    return replay_json(made, "", behind) if wish.form == "json" else replay_html(made, "", behind)


async def _record(context: CliContext, settings: Settings, made: Replay, began: datetime) -> str:
    origin = run_origin(settings, "command", began)
    parts = keeping_parts(settings, context.clock)
    with history_to_read(settings) as history:
        return (await record_replay(made, parts, history, origin)).path
