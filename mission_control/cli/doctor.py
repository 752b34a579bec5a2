"""Command line: `doctor`, what works from here."""

import asyncio
from collections import Counter

import click
import orjson

from mission_control import process
from mission_control.bootstrap import once
from mission_control.cli.context import CliContext
from mission_control.cli.doctor_floor import look_at_floor
from mission_control.cli.doctor_here import look_here
from mission_control.cli.doctor_report import Check, Outcome
from mission_control.cli.exit_codes import VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, setting_flags, settings_with


@click.command()
@setting_flags("fleet_file", "root", "port", "ui_port")
@json_flag
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Say what works from here, and what does not.

    Looks at the fleet file, zone data, the calendar, the root, the ports, the limit of open files
    and the witnesses of the kill switch, and asks every service once. Each line is PASS, WARN or
    FAIL, with what to do about it. Exits with 4 when a line says FAIL.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags, tell=False)
    now = context.clock()
    process.raise_open_files_limit()
    with context.busy("Asking every service once"):
        snapshot = asyncio.run(once.observe_once(settings, context.clock))
    checks = [*look_here(settings, now), *look_at_floor(snapshot)]
    if as_json or context.json:
        values = {"checks": [check.as_dict() for check in checks]}
        click.echo(orjson.dumps(values, option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(_lines(checks)))
    if any(check.outcome is Outcome.FAIL for check in checks):
        ctx.exit(VERIFICATION_FAILED)


def _lines(checks: list[Check]) -> list[str]:
    width = max(len(check.subject) for check in checks)
    counts = Counter(check.outcome for check in checks)
    total = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    return [*(line for check in checks for line in check.as_lines(width)), "", total]
