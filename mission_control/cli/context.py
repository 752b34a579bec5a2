"""The context of every command: settings, clock, output; and the flags that commands share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mission_control.cli.failures import JSON_ASKED
from mission_control.cli.output import printable
from mission_control.configuration.declared_settings import SETTINGS_BY_NAME
from mission_control.configuration.settings import load_settings
from mission_control.market_calendar.days import read_instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console

    from mission_control.configuration.settings import Settings


@dataclass(frozen=True, slots=True)
class CliContext:
    """
    What a command works with; reached by `@click.pass_obj`.

    `clock` says what time it is (UTC, aware). `console`
    writes messages to stderr; data goes to stdout by `click.echo`. A command with flags
    for settings of its own loads them from `environ` and `config_file`. `wait` sleeps for seconds.
    """

    clock: Callable[[], datetime]
    json: bool
    quiet: bool
    console: Console
    no_color: bool = False
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    config_file: Path | None = None
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Show on a terminal what takes a while; nothing elsewhere, or when quiet."""
        watched = self.console.is_terminal and not self.quiet
        return self.console.status(doing) if watched else nullcontext()

    def say(self, message: str) -> None:
        """Write a message on stderr, exactly as given; nothing when quiet."""
        if not self.quiet:
            self.console.print(message, markup=False, highlight=False, soft_wrap=True)


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
