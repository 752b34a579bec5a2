"""Command line: `readiness`, the gate that can say NO."""

import asyncio
import logging

import click
import orjson

from mission_control.bootstrap.planned import claim_planned
from mission_control.bootstrap.runs import ready_to_run
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import HALTED
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.configuration.settings import Settings
from mission_control.decide.readiness import refuse_unrecorded
from mission_control.errors import StorageError
from mission_control.jobs.check_readiness import (
    check_readiness,
    read_repository,
    record_readiness,
    report_internal_error,
)
from mission_control.jobs.observe_floor import APART_SECONDS, ROUNDS, Looking
from mission_control.jobs.run_origin import Ground
from mission_control.model.readiness import ReadinessReport
from mission_control.model.schedule import READINESS_JOBS
from mission_control.present.readiness_document import readiness_document, readiness_markdown

log = logging.getLogger(__name__)


@click.command()
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@click.option("--skip-preflight", is_flag=True, envvar="SKIP_PREFLIGHT", help="Do not run the "
              "repository's preflight.sh.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1, 10), default=ROUNDS, show_default=True,
              metavar="N", help="How often every service is asked.")  # fmt: skip
@click.option("--apart", type=click.FloatRange(0, 60), default=APART_SECONDS, show_default=True,
              metavar="SECONDS", help="How long to wait between the rounds.")  # fmt: skip
@json_flag
@click.pass_context
def readiness(
    ctx: click.Context,
    *,
    skip_preflight: bool,
    rounds: int,
    apart: float,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Judge whether this session may run: GO or NO-GO, with every check.

    Every service is asked three times, ten seconds apart, and the cluster is read; nothing is
    created there. The report is recorded below the root, and audit_artifacts/readiness_report.md
    and .json show the latest. A verdict that cannot be recorded is NO-GO. Exits with 0 for READY
    and with 3 for NOT READY.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    looking = Looking(rounds, apart, wait=context.wait)
    with context.busy(f"Asking every service {rounds} times"):
        work = _judge(context, settings, looking, skip_preflight=skip_preflight)
        report, path, problem = asyncio.run(work)
    if as_json or context.json:
        click.echo(orjson.dumps(readiness_document(report), option=orjson.OPT_INDENT_2))
    else:
        click.echo(readiness_markdown(report), nl=False)
    context.say(f"Recorded as {path}." if path else f"NOT RECORDED, and so NO-GO: {problem}")
    if not (report.ready and path):
        ctx.exit(HALTED)


async def _judge(
    context: CliContext, settings: Settings, looking: Looking, *, skip_preflight: bool
) -> tuple[ReadinessReport, str, str]:
    async with (
        ready_to_run(settings, context.clock) as run,
        claim_planned(settings, run.edges, context.clock, context.say, READINESS_JOBS) as origin,
    ):
        began = context.clock()
        ground = Ground.unseen(run.edges.sources.calendar.session_at(began), settings.fleet)
        try:
            repository = await read_repository(run.sources, skip_preflight=skip_preflight)
            snapshot, coverage = await run.look(settings, looking)
            ground = Ground.of(snapshot)
            report = await check_readiness(
                snapshot, coverage, run.sources, repository, skip_preflight=skip_preflight
            )
        except Exception as error:
            what = f"{type(error).__name__}: {error}"[:200]
            broken = report_internal_error(ground, context.clock(), what)
            try:
                await record_readiness(broken, ground, run.writer, context.clock, origin)
            except StorageError:
                log.exception("the NO-GO of a run that broke was not recorded")
            raise
        try:
            entry = await record_readiness(report, ground, run.writer, context.clock, origin)
        except StorageError as error:
            return refuse_unrecorded(report, str(error)), "", str(error)
        return report, entry.path, ""
