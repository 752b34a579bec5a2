"""Command line: `readiness`, the gate that can say NO."""

from dataclasses import dataclass

import click

from mission_control.bootstrap.jobs import claim_planned, ready_to_run
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import HALTED
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit
from mission_control.cli.recording import recording_with
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.floor.observe import APART_SECONDS, ROUNDS, Looking
from mission_control.processes import own_process as process
from mission_control.readiness.decide.readiness import refuse_unrecorded
from mission_control.readiness.model import ReadinessReport
from mission_control.readiness.present import readiness_document, readiness_markdown
from mission_control.readiness.run import JOB, run
from mission_control.schedule.model import Job


@click.command()
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@click.option("--skip-preflight", is_flag=True, envvar="SKIP_PREFLIGHT", help="Do not run the "
              "repository's preflight.sh.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1, 10), default=ROUNDS, show_default=True,
              metavar="N", help="How often every service is asked.")  # fmt: skip
@click.option("--apart", type=click.FloatRange(0, 60), default=APART_SECONDS, show_default=True,
              metavar="SECONDS", help="How long to wait between the rounds.")  # fmt: skip
@click.option("--with-deploy-report", is_flag=True, help="Make a deploy report in the same run, "
              "as the verification after the open does.")  # fmt: skip
@json_flag
@click.pass_context
def readiness(
    ctx: click.Context,
    *,
    skip_preflight: bool,
    rounds: int,
    apart: float,
    with_deploy_report: bool,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Judge whether this session may run: GO or NO-GO, with every check.

    Every service is asked three times, ten seconds apart, and the cluster is read; nothing is
    created there. The report is recorded below the root, and audit_artifacts/readiness_report.md
    and .json show the latest. A verdict that cannot be recorded is NO-GO. Started while the planned
    readiness before the open is due, it is that run; with a deploy report, that of the verification
    after the open. Exits with 0 for READY and with 3 for NOT READY.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    looking = Looking(rounds, apart, wait=context.wait)
    with context.busy(f"Asking every service {rounds} times"):
        asked = _Asked(looking, skip_preflight, with_deploy_report)
        work = _judge(context, settings, asked)
        report, path, problem = process.run(work)
    if as_json:
        emit(readiness_document(report), report.label)
    else:
        click.echo(readiness_markdown(report), nl=False)
    context.say(f"Recorded as {path}." if path else f"NOT RECORDED, and so NO-GO: {problem}")
    if not (report.ready and path):
        ctx.exit(HALTED)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the flags ask for: how to look, what to leave out, what else to make."""

    looking: Looking
    skip_preflight: bool
    with_deploy_report: bool

    @property
    def jobs(self) -> frozenset[Job]:
        """
        Name the planned runs that this may be: none where the floor is not looked at enough.
        """
        if self.looking.rounds < ROUNDS or self.looking.apart_seconds < APART_SECONDS:
            return frozenset()
        return frozenset({Job.OPEN_VERIFICATION if self.with_deploy_report else Job.PRE_OPEN})


async def _judge(
    context: CliContext, settings: Settings, asked: _Asked
) -> tuple[ReadinessReport, str, str]:
    """Return the verdict with the path of its record; without one, why it was not recorded."""
    made = list[ReadinessReport]()
    clock, say = context.clock, context.say
    try:
        async with (
            ready_to_run(settings, clock, asked.looking) as parts,
            claim_planned(settings, parts.calendar, clock, say, asked.jobs, JOB) as origin,
        ):
            report, entry = await run(
                parts,
                origin,
                with_deploy_report=asked.with_deploy_report,
                skip_preflight=asked.skip_preflight,
                show=made.append,
            )
    except StorageError as error:
        if not made:
            raise
        return refuse_unrecorded(made[0], str(error)), "", str(error)
    return report, entry.path, ""
