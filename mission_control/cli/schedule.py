"""Command line: `schedule`, the sessions to come and the holidays between."""

from datetime import datetime

import click
import orjson

from mission_control.cli.context import CliContext
from mission_control.configuration.settings import load_closures_in_force
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.session import Phase
from mission_control.present.schedule import schedule_as_dict, schedule_lines

MOST_SESSIONS = 260


def _read_instant(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is no ISO 8601 instant such as 2026-11-27T13:00Z"
        ) from error
    if instant.utcoffset() is None:
        raise click.BadParameter(f"{value!r} has no offset from UTC: end it with Z, or -05:00")
    return instant


@click.command()
@click.option(
    "--next",
    "count",
    type=click.IntRange(1, MOST_SESSIONS),
    default=10,
    show_default=True,
    help="How many sessions to list.",
)
@click.option(
    "--at",
    metavar="ISO",
    callback=_read_instant,
    help="List from this instant, such as 2026-11-27T13:00-05:00, not from now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@click.pass_obj
def schedule(context: CliContext, count: int, at: datetime | None, *, as_json: bool) -> None:
    """
    List the market's next sessions and the holidays between.

    Each session stands there with all its phase boundaries, in New York's time and in UTC; early
    closes and changes of the clocks are marked. A session that has not closed yet is the first.
    """
    calendar = MarketCalendar(
        load_closures_in_force(context.environ, config_file=context.config_file)
    )
    now = at or context.clock()
    session = calendar.session_at(now)
    if session.phase is Phase.UNKNOWN:
        raise (click.UsageError if at else click.ClickException)(session.note)
    sessions = calendar.sessions_from(now, count)
    if len(sessions) < count:
        context.say(f"The calendar ends on {calendar.valid_through}: {len(sessions)} of {count}.")
    last = sessions[-1].close if sessions else now
    holidays = calendar.holidays_between(now, last)
    if as_json or context.json:
        values = schedule_as_dict(sessions, holidays, now)
        click.echo(orjson.dumps(values, option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(schedule_lines(sessions, holidays, now)))
