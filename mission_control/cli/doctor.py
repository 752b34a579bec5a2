"""Command line: `doctor`, what works from here."""

import asyncio
from collections import Counter

import click

from mission_control.bootstrap import once
from mission_control.bootstrap.keeping import try_destination
from mission_control.cli.context import CliContext, json_flag, setting_flags, settings_with
from mission_control.cli.doctor_looks import (
    look_at_cluster,
    look_at_copy,
    look_at_floor,
    look_at_records,
    look_here,
)
from mission_control.cli.doctor_report import Check, Outcome
from mission_control.cli.exit_codes import VERIFICATION_FAILED
from mission_control.cli.output import emit
from mission_control.cluster.read.examination import Examination
from mission_control.configuration.settings import Settings
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.ports import Clock
from mission_control.model.reading import Seen, Unseen
from mission_control.processes import own_process as process


@click.command()
@setting_flags("fleet_file", "root", "port", "ui_port", "namespace", "context", "kubeconfig")
@json_flag
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Say what works from here, and what does not.

    Looks at the fleet file, zone data, the calendar, the root, the ports, the limit of open files,
    the store, its durable copy, history and the sources of the kill switch, tries every list of
    the cluster, and asks every service once. Each line is PASS, WARN or FAIL, with what to do about
    it. Exits with 4 when a line says FAIL.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags, tell=False)
    now = context.clock()
    process.raise_open_files_limit()
    with context.busy("Asking every service and the cluster once"):
        snapshot, examined, records = process.run(_look(settings, context.clock))
        tried = process.run(try_destination(settings))
    checks = [
        *look_here(settings, now),
        *look_at_records(*records),
        *look_at_copy(settings.durable_copy, tried),
        *look_at_cluster(settings, examined),
        *look_at_floor(snapshot),
    ]
    if as_json or context.json:
        values = {"checks": [check.as_dict() for check in checks]}
        emit(values)
    else:
        click.echo("\n".join(_lines(checks)))
    if any(check.outcome is Outcome.FAIL for check in checks):
        ctx.exit(VERIFICATION_FAILED)


async def _look(
    settings: Settings, clock: Clock
) -> tuple[FloorSnapshot, Examination | None, tuple[Seen[None] | Unseen, Seen[str] | Unseen]]:
    (snapshot, examined), records = await asyncio.gather(
        once.observe_and_examine(settings, clock), once.try_records(settings, clock)
    )
    return snapshot, examined, records


def _lines(checks: list[Check]) -> list[str]:
    width = max(len(check.subject) for check in checks)
    counts = Counter(check.outcome for check in checks)
    total = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    return [*(line for check in checks for line in check.as_lines(width)), "", total]
