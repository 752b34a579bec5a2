"""Command line: `schedule`, the next sessions and the holidays between."""

import os
import re
import shlex
import sys
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import tzlocal

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import NOTHING_TO_DO, OK
from mission_control.cli.flags import json_flag, read_at, setting_flags, settings_with
from mission_control.cli.output import emit
from mission_control.configuration.declared_settings import SETTINGS, SHIPPED, Setting, Settings
from mission_control.configuration.settings import CONFIG_VARIABLE, load_closures_in_force
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.session import Phase
from mission_control.schedule.decide import plan_session
from mission_control.schedule.model import Job, SessionPlan
from mission_control.schedule.present.crontab import PROGRAM, ZONE, crontab_text
from mission_control.schedule.present.plan import plan_document, plan_lines
from mission_control.schedule.present.sessions import schedule_as_dict, schedule_lines

MACHINE = "machine"
"""What `--local` means without a zone's name."""
_ALWAYS = frozenset({"root", "fleet_file"})
"""Written even where they are defaults: a relative path begins elsewhere under cron."""
_OF_THE_CLUSTER = ("KUBECONFIG", "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that finding the API server and its credentials may need; cron has its own PATH."""


def write_crontab(context: CliContext, settings: Settings, zone: str | None, now: datetime) -> str:
    """
    Write the crontab of these settings; `zone` None means New York's time by CRON_TZ.

    Says on stderr what does not fit into a crontab, or is not read by every cron.
    """
    variables, withheld = carried(settings, context.environ)
    for name in withheld:
        context.say(
            f"Note: {name} holds a secret and is left out; without it cron's runs judge by"
            f" another history. Say it in a file that only its user may read: {CONFIG_VARIABLE}."
        )
    local = None
    if zone is None:
        context.say(
            "Note: Debian's and Ubuntu's cron ignores CRON_TZ; use --local there, or every run"
            " comes at another hour."
        )
    else:
        name, found = _zone(zone)
        local = (name, found, now.date())
    return crontab_text(settings.namespace, find_script, variables, withheld=withheld, local=local)


def carried(
    settings: Settings, environ: Mapping[str, str]
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """
    Return the variables for the settings in force, and the names of those that are secret.

    Settings of the configuration file are left to it: the file itself is named.
    """
    shown, variables, withheld = settings.shown(), dict[str, str](), list[str]()
    if settings.config_file is not None:
        variables[CONFIG_VARIABLE] = str(settings.config_file.absolute())
    for setting in SETTINGS:
        if not _is_said(setting, settings):
            continue
        value = shown[setting.name]
        if setting.name == "database_url" and value != settings.database_url:
            withheld.append(setting.variable)
        elif value and "\n" not in value:
            variables[setting.variable] = value
    if settings.fleet.access is not None:
        variables |= {name: environ[name] for name in _OF_THE_CLUSTER if environ.get(name)}
    return variables, tuple(withheld)


def _is_said(setting: Setting, settings: Settings) -> bool:
    source = settings.sources.get(setting.name, "default")
    in_file = source.startswith("file ")
    return not in_file and (setting.name in _ALWAYS or source != "default")


def _zone(name: str) -> tuple[str, tzinfo]:
    """Return a zone by its name, or the machine's own with its name."""
    try:
        zone = tzlocal.get_localzone() if name == MACHINE else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        named = "the machine's own zone" if name == MACHINE else repr(name[:80])
        raise click.UsageError(
            f"{named} is no time zone that is known here; name one, such as --local={ZONE}"
        ) from error
    return getattr(zone, "key", name), zone


def find_script(name: str) -> str:
    """Return the quoted path of a script, or of our own program; its bare name where none is."""
    ours = name == PROGRAM
    path = Path(sys.executable).parent / name if ours else (SHIPPED / "scripts" / name).resolve()
    return shlex.quote(os.fspath(path)) if path.is_file() else name


MOST_SESSIONS = 260
LATE_AT_MOST = timedelta(minutes=15)


def _read_clock(_: click.Context, __: click.Parameter, value: str | None) -> time | None:
    if value is None:
        return None
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value)
    if found is None:
        raise click.BadParameter(f"{value[:20]!r} is no time such as 08:30")
    return time(int(found[1]), int(found[2]))


def is_clock(now: datetime, wanted: time) -> bool:
    """
    Return whether New York's clock shows this time, or a quarter of an hour more at most.

    A busy machine starts late; the other of the two crontab lines for it is at least half an hour
    off.
    """
    there = in_new_york(now)
    due = instant_of(there.date(), wanted)
    return timedelta() <= now - due < LATE_AT_MOST


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
    callback=read_at,
    help="List from this time, such as 2026-11-27T13:00, not from now. A time without a zone is "
    "New York's.",
)
@click.option("--crontab", is_flag=True, help="Print the scheduled day as a crontab.")
@click.option(
    "--local",
    is_flag=False,
    flag_value=MACHINE,
    metavar="[ZONE]",
    help="With --crontab: lines in this zone's time, the machine's own where none is named.",
)
@click.option(
    "--if-new-york",
    "if_new_york",
    metavar="HH:MM",
    callback=_read_clock,
    help="Only say by the exit code whether it is this time in New York: 0, else 5.",
)
@setting_flags("fleet_file", "root", "namespace", "context", "kubeconfig", "repository")
@json_flag
@click.pass_context
def schedule(
    ctx: click.Context,
    count: int,
    at: datetime | None,
    *,
    crontab: bool,
    local: str | None,
    if_new_york: time | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    List the market's next sessions and the holidays between.

    Each session is listed with all its phase boundaries, in New York's time and in UTC; early
    closes and changes of the clocks are marked. A session that has not closed yet is the first,
    and what is planned for it follows. A server shows what became of each run. The crontab judges
    the floor of the settings in force here, which it carries.
    """
    context = ctx.ensure_object(CliContext)
    now = at or context.clock()
    if if_new_york is not None:
        raise click.exceptions.Exit(OK if is_clock(now, if_new_york) else NOTHING_TO_DO)
    if local is not None and not crontab:
        raise click.UsageError("--local goes with --crontab")
    if crontab:
        settings = settings_with(context, flags)
        click.echo(write_crontab(context, settings, local, now), nl=False)
        return
    calendar = MarketCalendar(
        load_closures_in_force(context.environ, config_file=context.config_file)
    )
    session = calendar.session_at(now)
    if session.phase is Phase.UNKNOWN:
        raise (click.UsageError if at else click.ClickException)(session.note)
    _list_sessions(context, calendar, now, count, as_json=as_json)


def _list_sessions(
    context: CliContext, calendar: MarketCalendar, now: datetime, count: int, *, as_json: bool
) -> None:
    sessions = calendar.sessions_from(now, count)
    if len(sessions) < count:
        context.say(f"The calendar ends on {calendar.valid_through}: {len(sessions)} of {count}.")
    last = sessions[-1].close if sessions else now
    holidays = calendar.holidays_between(now, last)
    if as_json:
        values = schedule_as_dict(sessions, holidays, now)
        plans = [plan_document(_plan(calendar, s.session_date)) for s in sessions]
        shown = {**values, "plans": plans}
        emit(shown)
    else:
        lines = [*schedule_lines(sessions, holidays, now)]
        if sessions:
            lines += ["", *plan_lines(_plan(calendar, sessions[0].session_date))]
        click.echo("\n".join(lines))


def _plan(calendar: MarketCalendar, on: date) -> SessionPlan:
    return plan_session(on, calendar.session_at(instant_of(on, time(12))), frozenset(Job))
