"""Command line: `rehearse`, an odd day of the market played at speed."""

import textwrap
from datetime import datetime

import click

from mission_control.bootstrap import rehearsal
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import OK, VERIFICATION_FAILED
from mission_control.cli.flags import json_flag
from mission_control.cli.output import columns, described, did_you_mean, emit, printable
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.market_calendar.days import in_new_york

INDENT = " " * 10


@click.command()
@click.argument("day", required=False)
@click.option(
    "--speed",
    type=click.FloatRange(1),
    metavar="TIMES",
    help="How many times faster than real at most; as fast as it can be judged, when not given.",
)
@click.option("--list", "list_only", is_flag=True, help="List the days, and stop.")
@json_flag
@click.pass_context
def rehearse(
    ctx: click.Context, *, day: str | None, speed: float | None, list_only: bool, as_json: bool
) -> None:
    """
    Play DAY on a simulated floor, and say what Mission Control says on it, and when.

    The jobs, the calendar, the alerts and the record are the real ones; the clock is turned by
    hand, so that a session takes a minute or two. No setting of yours is read, and nothing is
    kept. Exits with 0 where all was said that such a day needs, and 4 where something was not.
    """
    context = ctx.ensure_object(CliContext)
    if list_only:
        _list_days(as_json=as_json)
        return
    if day is None:
        raise click.UsageError("which day? `mission-control rehearse --list` names them")
    played = next((d for d in rehearsal.rehearsal_days() if d.name == day), None)
    if played is None:
        hint = did_you_mean(day, [d.name for d in rehearsal.rehearsal_days()])
        raise click.BadParameter(f"there is no day {day!r}; {hint}", param_hint="DAY")
    told = _tell_nothing if as_json or context.quiet else _tell
    if not as_json:
        click.echo(f"{played.on:%A %Y-%m-%d}: {played.description}\n")
    with context.busy(f"playing {played.name}"):
        made = rehearsal.rehearse(played, told, speed)
    if as_json:
        emit(_document(made), "DEMO")
    else:
        click.echo("\n".join(_summary(made)))
    ctx.exit(OK if made.as_it_should else VERIFICATION_FAILED)


def _tell(at: datetime, text: str) -> None:
    line = f"{in_new_york(at):%H:%M:%S}  {printable(text)}"
    click.echo(textwrap.fill(line, columns() or 10_000, subsequent_indent=INDENT))


def _tell_nothing(_at: datetime, _text: str) -> None:
    """Leave it to the end."""


def _list_days(*, as_json: bool) -> None:
    days = rehearsal.rehearsal_days()
    if as_json:
        emit([{"name": d.name, "date": str(d.on), "description": d.description} for d in days])
        return
    rows = [(d.name, f"{d.on}  {d.description}") for d in days]
    click.echo("\n".join(described(rows, columns())))


def _document(made: rehearsal.Rehearsed) -> dict[str, object]:
    return {
        "day": made.day.name,
        "session_date": str(made.day.on),
        "as_it_should": made.as_it_should,
        "missing": list(made.missing),
        "record_intact": made.intact,
        "runs": made.runs,
        "said": [
            {"at": utc_text(s.at), "at_et": new_york_text(s.at), "text": s.text} for s in made.said
        ],
    }


def _summary(made: rehearsal.Rehearsed) -> list[str]:
    """Say in a few lines how the day went."""
    lines = ["", "Planned runs:"]
    for job, outcomes in made.runs.items():
        lines.append(f"  {job:<26}" + ", ".join(f"{n} {o}" for o, n in outcomes.items()))
    if not made.runs:
        lines.append("  none was due")
    lines.append(f"Record: {'intact' if made.intact else 'NOT INTACT'}")
    if made.missing:
        lines.append("This should have been said, in this order, and was not:")
        lines += [f"  {piece}" for piece in made.missing]
    else:
        lines.append("All was said that such a day needs:")
        lines += [f"  {piece}" for piece in made.day.says]
    return lines
