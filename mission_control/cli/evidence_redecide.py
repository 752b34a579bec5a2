"""Command line: `evidence redecide`, the postures of a bundle decided again."""

from pathlib import Path

import click

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import INTERNAL, VERIFICATION_FAILED
from mission_control.cli.flags import json_flag
from mission_control.cli.output import emit, printable
from mission_control.errors import StorageError
from mission_control.evidence.check import Beside, check_bundle
from mission_control.evidence.read_bundle import open_bundle
from mission_control.evidence.redecide import (
    Redecision,
    redecide,
    redecision_document,
    redecision_lines,
)
from mission_control.floor.decision_version import decision_version
from mission_control.market_calendar.calendar import MarketCalendar

LONGEST_LINE = 1000
UNVERIFIED = "The bundle is not as it was exported, and nothing in it is decided again:"
MOST_NAMED = 20


@click.command("redecide")
@click.argument("bundle", type=click.Path(path_type=Path, dir_okay=False))
@json_flag
@click.pass_context
def redecide_bundle(ctx: click.Context, *, bundle: Path, as_json: bool) -> None:
    """
    Decide every posture of a bundle again, from the inputs recorded in it.

    Each is compared with what was decided then. Exits with 4 where one differs although the same
    rules decided it, or where the bundle is not as it was exported, which is verified first. Where
    other rules decided, what today's would say is shown, and it exits with 0.
    """
    context = ctx.ensure_object(CliContext)
    try:
        with context.busy("Verifying the bundle"):
            wrong = check_bundle(bundle, Beside()).found
        if wrong:
            named = [f"  {d.kind} {d.path}: {d.detail}" for d in wrong[:MOST_NAMED]]
            rest = [f"  and {len(wrong) - MOST_NAMED} more"] if len(wrong) > MOST_NAMED else []
            for line in (UNVERIFIED, *named, *rest):
                click.echo(printable(line), err=True)
            ctx.exit(VERIFICATION_FAILED)
        with context.busy("Deciding every posture again"):
            found = _redecided(bundle)
    except StorageError as error:
        click.echo(f"It cannot be read: {printable(str(error))}", err=True)
        ctx.exit(INTERNAL)
    if as_json:
        emit(redecision_document(found))
    else:
        for line in redecision_lines(found):
            click.echo(printable(line, LONGEST_LINE))
    if found.unexplained:
        ctx.exit(VERIFICATION_FAILED)


def _redecided(path: Path) -> Redecision:
    """Decide again, by the calendar whose closures the bundle holds; raises StorageError."""
    with open_bundle(path) as bundle:
        calendar = MarketCalendar(bundle.closures)
        try:
            return redecide(bundle.changes(), calendar.session_at, decision_version())
        except (ValueError, LookupError, TypeError) as error:
            problem = f"a posture in it is none of ours: {type(error).__name__}: {error}"[:300]
            raise StorageError(problem, path=str(path)) from error
