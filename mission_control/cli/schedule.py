"""Command line: `schedule`, the sessions to come and the holidays between."""

import re
import shlex
import sys
from datetime import date, datetime, time
from pathlib import Path

import click
import orjson

from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag
from mission_control.configuration.settings import load_closures_in_force
from mission_control.decide.session_plan import plan_session
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.new_york import instant_of
from mission_control.model.schedule import Job, SessionPlan
from mission_control.model.session import Phase
from mission_control.present.crontab import CARRIED, PROGRAM, crontab_text
from mission_control.present.plan_document import plan_document, plan_lines
from mission_control.present.schedule import schedule_as_dict, schedule_lines

MOST_SESSIONS = 260
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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


def _read_namespace(_: click.Context, __: click.Parameter, value: str) -> str:
    if NAMESPACE.fullmatch(value) is None:
        raise click.BadParameter(f"{value[:80]!r} is no namespace: letters, digits and dashes")
    return value


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
@click.option("--crontab", is_flag=True, help="Print the playbook's day as a crontab.")
@click.option(
    "--namespace",
    metavar="NS",
    envvar="MISSION_CONTROL_NAMESPACE",
    default="trading-floor",
    show_default=True,
    callback=_read_namespace,
    help="The namespace in the crontab's commands.",
)
@json_flag
@click.pass_obj
def schedule(
    context: CliContext,
    count: int,
    at: datetime | None,
    namespace: str,
    *,
    crontab: bool,
    as_json: bool,
) -> None:
    """
    List the market's next sessions and the holidays between.

    Each session stands there with all its phase boundaries, in New York's time and in UTC; early
    closes and changes of the clocks are marked. A session that has not closed yet is the first,
    and what is planned for it follows. A server shows what became of each run.
    """
    if crontab:
        environ = context.environ
        carried = {n: v for n in CARRIED if "\n" not in (v := environ.get(n, "")) and v}
        click.echo(crontab_text(namespace, _find_script, carried), nl=False)
        return
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
        plans = [plan_document(_plan(calendar, s.session_date)) for s in sessions]
        shown = {**values, "plans": plans}
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
    else:
        lines = [*schedule_lines(sessions, holidays, now)]
        if sessions:
            lines += ["", *plan_lines(_plan(calendar, sessions[0].session_date))]
        click.echo("\n".join(lines))


def _plan(calendar: MarketCalendar, on: date) -> SessionPlan:
    return plan_session(on, calendar.session_at(instant_of(on, time(12))), frozenset(Job))


def _find_script(name: str) -> str:
    """Give where a script is; its bare name where we were installed without our scripts."""
    project = Path(__file__).resolve().parents[2]
    path = Path(sys.executable).parent / name if name == PROGRAM else project / "scripts" / name
    return shlex.quote(str(path)) if path.is_file() else name
