"""Command line: `post-market`, everything of the hour after the close in one run."""

import click

from mission_control.cli.bundles import make_bundle
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags
from mission_control.jobs.ops_bundle import BundleKind


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

    It is recorded as audit_artifacts/ops_runs/<UTC>_post_market; what could not be had is listed
    in its run.json and never replaced by an older copy. Started while the planned run is due, it
    is that run. Exits with 0 once it is recorded, whatever readiness says in it.
    """
    make_bundle(
        ctx.ensure_object(CliContext),
        flags,
        BundleKind.POST_MARKET,
        skip_preflight=skip_preflight,
        skip_health=skip_health,
        as_json=as_json,
    )
