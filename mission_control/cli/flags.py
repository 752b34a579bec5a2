"""Flags that several commands share; apart from the context, for they load the settings."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from mission_control.cli.context import CliContext
from mission_control.cli.failures import JSON_ASKED
from mission_control.cli.output import printable
from mission_control.configuration.declared_settings import SETTINGS_BY_NAME
from mission_control.configuration.settings import Settings, load_root_in_force, load_settings
from mission_control.market_calendar.days import read_instant
from mission_control.records.marker import refuse_newer_record

Command = TypeVar("Command", bound=Callable[..., Any])


def setting_flags(*names: str) -> Callable[[Command], Command]:
    """Add the flags of these settings to a command; each arrives as text, None when not given."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            setting = SETTINGS_BY_NAME[name]
            flag = click.option(setting.flag, name, metavar=setting.metavar, help=setting.help)
            command = flag(command)
        return command

    return decorate


def settings_with(
    context: CliContext, flags: Mapping[str, object], *, tell: bool = True
) -> Settings:
    """Load the settings with this command's flags, and say what may surprise."""
    settings = load_settings(context.environ, config_file=context.config_file, flags=flags)
    for note in settings.notes if tell else ():
        context.say(f"Note: {note}.")
    return settings


def root_with(context: CliContext, flags: Mapping[str, object]) -> Path:
    """Settle only the root, of a command that reads what is recorded there; no fleet is needed."""
    root = load_root_in_force(context.environ, config_file=context.config_file, flags=flags)
    refuse_newer_record(root)
    return root


def read_at(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read a time as the API and the pages do: one that names no zone is New York's."""
    if value is None:
        return None
    try:
        return read_instant(value)
    except ValueError as error:
        detail = f"{printable(value, 80)!r} is no time such as 2026-11-27T12:55 (New York) or "
        raise click.BadParameter(f"{detail}2026-11-27T17:55Z, of the years 1970 to 2999") from error


def _ask_json(ctx: click.Context, _: click.Parameter, asked: bool) -> bool:  # noqa: FBT001  (click's signature)
    """Return whether JSON is wanted, by this flag or by the one before the command's name."""
    if asked:
        ctx.meta[JSON_ASKED] = True
    context = ctx.find_object(CliContext)
    return asked or (context is not None and context.json)


json_flag = click.option(
    "--json", "as_json", is_flag=True, callback=_ask_json, help="Print JSON on stdout."
)
"""A command's own --json; `as_json` is true for the one before the command's name as well."""

url_flag = click.option(
    "--url", metavar="URL", help="Ask the Mission Control that serves there, not the fleet."
)
