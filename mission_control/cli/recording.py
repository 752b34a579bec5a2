"""Command line: a job that records; a record that fails is told as such, and not as our fault."""

from collections.abc import Coroutine
from typing import TypeVar

import click

from mission_control import process
from mission_control.cli.exit_codes import INTERNAL
from mission_control.cli.printable import printable
from mission_control.errors import StorageError

T = TypeVar("T")


def run_recording(ctx: click.Context, work: Coroutine[object, object, T]) -> T:
    """Run a job to its end; where its record fails, say why and exit with 1."""
    try:
        return process.run(work)
    except StorageError as error:
        click.echo(f"The record failed: {printable(str(error))}", err=True)
        ctx.exit(INTERNAL)
