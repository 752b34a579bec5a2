"""Command line: `pre-market` and `post-market`, the bundles of the day."""

import click

from mission_control.bootstrap.jobs import claim_planned, ready_to_run
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.cli.output import emit
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings
from mission_control.floor.observe import APART_SECONDS, ROUNDS, Looking
from mission_control.ops_bundle.run import BundleKind, run
from mission_control.readiness.model import ReadinessReport
from mission_control.records.model import LedgerEntry
from mission_control.schedule.model import Job

JOBS = {BundleKind.PRE_MARKET: Job.PRE_MARKET, BundleKind.POST_MARKET: Job.POST_MARKET}


def make_bundle(
    context: CliContext,
    flags: dict[str, str | None],
    kind: BundleKind,
    *,
    skip_preflight: bool,
    skip_health: bool,
    as_json: bool,
) -> None:
    """Make a bundle, record it, and say where it is and what readiness it holds."""
    settings = recording_with(context, flags)
    with context.busy(f"Asking every service {ROUNDS} times, and reading the cluster"):
        work = _bundle(context, settings, kind, (skip_preflight, skip_health))
        report, entry = run_recording(click.get_current_context(), work)
    verdict = f"{report.verdict.value} {report.code}".strip()
    if as_json:
        document = {
            "path": entry.path,
            "session_date": entry.session_date,
            "readiness": report.verdict.value,
            "code": report.code,
            "files": [f.path.removeprefix(f"{entry.path}/") for f in entry.files],
        }
        emit(document)
    else:
        click.echo(f"{entry.path}: {len(entry.files)} files; readiness {verdict}")
    context.say(f"Recorded as {entry.path}; run.json lists what could not be read.")


async def _bundle(
    context: CliContext, settings: Settings, kind: BundleKind, skipped: tuple[bool, bool]
) -> tuple[ReadinessReport, LedgerEntry]:
    looking = Looking(ROUNDS, APART_SECONDS, wait=context.wait)
    clock, say = context.clock, context.say
    skip_preflight, skip_health = skipped
    async with (
        ready_to_run(settings, clock, looking) as parts,
        claim_planned(settings, parts.calendar, clock, say, {JOBS[kind]}) as origin,
    ):
        return await run(
            kind, parts, origin, skip_preflight=skip_preflight, sample_health=not skip_health
        )


@click.command("pre-market")
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@click.option("--skip-preflight", is_flag=True, envvar="SKIP_PREFLIGHT", help="Do not run the "
              "repository's preflight.sh.")  # fmt: skip
@click.option("--skip-health", is_flag=True, help="No health samples in the deploy report.")
@json_flag
@click.pass_context
def pre_market(
    ctx: click.Context,
    *,
    skip_preflight: bool,
    skip_health: bool,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Record everything of the hour before the open: reports, heartbeats, cluster, logs.

    It is recorded as audit_artifacts/ops_runs/<UTC>_pre_market; what could not be read is
    listed in its run.json and never replaced by an older copy. Started while the planned run is
    due, it is that run. Exits with 0 once it is recorded, whatever readiness says in it.
    """
    make_bundle(
        ctx.ensure_object(CliContext),
        flags,
        BundleKind.PRE_MARKET,
        skip_preflight=skip_preflight,
        skip_health=skip_health,
        as_json=as_json,
    )


@click.command("post-market")
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@click.option("--skip-preflight", is_flag=True, envvar="SKIP_PREFLIGHT", help="Do not run the "
              "repository's preflight.sh.")  # fmt: skip
@click.option("--skip-health", is_flag=True, help="No health samples in the deploy report.")
@json_flag
@click.pass_context
def post_market(
    ctx: click.Context,
    *,
    skip_preflight: bool,
    skip_health: bool,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Record everything of the hour after the close: reports, heartbeats, cluster, logs.

    It is recorded as audit_artifacts/ops_runs/<UTC>_post_market; what could not be read is
    listed in its run.json and never replaced by an older copy. Started while the planned run is
    due, it is that run. Exits with 0 once it is recorded, whatever readiness says in it.
    """
    make_bundle(
        ctx.ensure_object(CliContext),
        flags,
        BundleKind.POST_MARKET,
        skip_preflight=skip_preflight,
        skip_health=skip_health,
        as_json=as_json,
    )
