"""Running a job that records; a record that fails is reported as such, not as a bug."""

from collections.abc import Coroutine, Mapping
from typing import Never, TypeVar

import click

from mission_control.bootstrap.record import tell_of_root
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import INTERNAL
from mission_control.cli.flags import settings_with
from mission_control.cli.output import printable
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.processes import own_process as process
from mission_control.records.marker import refuse_newer_record

T = TypeVar("T")


def recording_with(context: CliContext, flags: Mapping[str, object]) -> Settings:
    """
    Load the settings of a command that records, and say what is unusual about its root.

    A root without a record gets a new one, which must not happen silently after a typo; and files
    that root records in another user's root cannot be used by that user.
    """
    settings = settings_with(context, flags)
    refuse_newer_record(settings.root)
    for oddity in tell_of_root(settings):
        context.say(f"Note: {oddity}.")
    return settings


def run_recording(ctx: click.Context, work: Coroutine[object, object, T]) -> T:
    """Run a job to its end; where its record fails, say why and exit with 1."""
    try:
        return process.run(work)
    except StorageError as error:
        not_recorded(ctx, error)


def not_recorded(ctx: click.Context, error: StorageError) -> Never:
    """Say why nothing was recorded, with the remedy, and exit with 1."""
    click.echo(f"NOT RECORDED: {printable(str(error))}", err=True)
    ctx.exit(INTERNAL)
