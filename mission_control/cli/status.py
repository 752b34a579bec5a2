"""Command line: `status`, whether the floor may run."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click
import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import HALTED, INTERNAL, OK
from mission_control.cli.flags import json_flag, setting_flags, settings_with, url_flag
from mission_control.cli.floor_answers import (
    AgentAnswer,
    FloorAnswers,
    PostureAnswer,
    ReasonAnswer,
    ask_for_floor,
    observe_floor,
)
from mission_control.cli.output import printable
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import Verdict
from mission_control.model.finding import Severity
from mission_control.model.fleet import Criticality

GLYPHS = {
    "OK": "●",
    "MARKET_CLOSED": "◐",
    "HALTED": "■",
    "DEGRADED": "▲",
    "OFFLINE": "○",
    "UNKNOWN": "?",
}
"""Each colour has a shape, and each shape its word."""

WORST_FIRST = (
    ServiceState.HALTED,
    ServiceState.UNKNOWN,
    ServiceState.OFFLINE,
    ServiceState.DEGRADED,
    ServiceState.MARKET_CLOSED,
    ServiceState.OK,
)


def show_floor(floor: FloorAnswers) -> Group:
    """Lay out the verdict, why it is so, and the services worst first."""
    posture = floor.posture
    parts: list[Text | Table] = [_verdict(posture), _circumstances(posture)]
    if posture.reasons:
        parts += [Text(), _reasons(posture.reasons)]
    return Group(*parts, Text(), _services(floor.agents))


def _verdict(posture: PostureAnswer) -> Text:
    style = {Verdict.HALTED: "bold red", Verdict.OK: "bold green"}.get(posture.posture, "bold blue")
    age = posture.evidence_age_seconds
    parts = [
        "as expected" if posture.expected else "unexpected",
        "" if posture.confirmed else "not confirmed yet",
        posture.severity or "",
        posture.reasons[0].code if posture.reasons else "",
        f"since {posture.since_et}",
        "evidence incomplete" if age is None else f"evidence {age:.0f} s old",
        posture.label,
    ]
    head = f"{GLYPHS[posture.posture]} {printable(posture.reads or posture.posture)}"
    rest = " · ".join(printable(part) for part in parts if part)
    return Text.assemble((head, style), f" · {rest}")


def _circumstances(posture: PostureAnswer) -> Text:
    session, switch = posture.session, posture.kill_switch
    until = f" until {session.next_boundary_et}" if session.next_boundary_et else ""
    note = f" ({session.note})" if session.note else ""
    confirmed = "confirmed" if switch.confirmed else "not confirmed"
    conflicting = ", sources contradict each other" if switch.conflicting else ""
    parts = [
        f"session {session.phase}{until}{note}",
        f"kill switch {switch.state}, {confirmed}{conflicting}",
        f"{posture.coverage.obtained} of {posture.coverage.asked} readings",
        f"cluster {posture.cluster}",
        f"at {posture.at_et}",
    ]
    return Text(" · ".join(printable(part) for part in parts))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns[:-1]:
        table.add_column(column, no_wrap=True)
    table.add_column(columns[-1], overflow="fold")
    return table


def _reasons(reasons: list[ReasonAnswer]) -> Table:
    table = _table("WHY", "CODE", "ABOUT", "DETAIL")
    for reason in reasons:
        severity = f"{reason.severity} halts" if reason.halts else reason.severity
        detail = reason.detail if reason.confirmed else f"not confirmed yet: {reason.detail}"
        texts = (severity, reason.code, reason.subject, detail)
        table.add_row(*(Text(printable(text)) for text in texts))
    return table


def _services(agents: tuple[AgentAnswer, ...]) -> Table:
    table = _table("STATE", "EXPECTED", "SERVICE", "KIND", "CRITICALITY", "EVIDENCE", "REASON")
    for agent in sorted(agents, key=_worst_first):
        age = agent.evidence_age_seconds
        first = agent.reasons[0] if agent.reasons else None
        style = "" if agent.expected else "red" if agent.criticality != "optional" else "yellow"
        texts = (
            "yes" if agent.expected else "NO",
            agent.agent_name,
            agent.kind,
            agent.criticality,
            "never" if age is None else f"{age:.0f} s",
            f"{first.code}: {first.detail}" if first else "",
        )
        state = Text(f"{GLYPHS[agent.state]} {agent.state}", style=style)
        table.add_row(state, *(Text(printable(text)) for text in texts))
    return table


def _worst_first(agent: AgentAnswer) -> tuple[bool, int, int, int, str]:
    severity = agent.reasons[0].severity if agent.reasons else Severity.INFO
    return (
        agent.expected,
        severity.rank,
        list(Criticality).index(agent.criticality),
        WORST_FIRST.index(agent.state),
        agent.agent_name,
    )


PIPED_WIDTH = 1000
"""Columns of a pipe, in which nothing is wrapped: one service, one line."""

Ask = Callable[[], FloorAnswers]


@click.command()
@click.option("--watch", is_flag=True, help="Ask again and again, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(1, 3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --watch waits between two looks.",
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
    recorded; an alarm latched in an earlier round is then not known: only a server keeps it. The
    verdict comes first, then its reasons, then the services, worst first. Exits with 0 for OK and
    MARKET_CLOSED and with 3 for HALTED.
    """
    context = ctx.ensure_object(CliContext)
    ask = _asking(context, url, flags)
    write = _write_json if as_json else _writer(context)
    if watch:
        with _screen(context, write, as_json=as_json) as show:
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
        # A terminal without these shapes shows "?" beside the word.
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
    """Yield what shows the floor or an error: in place on a terminal, else one after the other."""
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
