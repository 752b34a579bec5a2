"""Command line: `lkg`, the last known good: captured, listed, compared and verified."""

from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import TypeVar

import click

from mission_control.bootstrap.jobs import (
    beside_the_plan,
    claim_planned,
    find_build,
    ready_to_run,
)
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import HALTED, INTERNAL, USAGE, VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, root_with, setting_flags, settings_with
from mission_control.cli.output import columns, emit, fitting, printable
from mission_control.cli.recording import recording_with, run_recording
from mission_control.configuration.settings import Settings
from mission_control.errors import ConfigurationError, StorageError
from mission_control.floor.observe import Looking
from mission_control.last_known_good.model import LkgCapture
from mission_control.last_known_good.present import (
    capture_lines,
    list_lines,
    listed_capture,
    lkg_diff_document,
    metadata_document,
)
from mission_control.last_known_good.recorded import (
    MOST_LISTED,
    compare_captures,
    list_captures,
    verify_recorded,
)
from mission_control.last_known_good.run import CaptureRefused, run
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.processes import own_process as process
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.recorded_reports import LATEST, PREVIOUS, NoSuchReport
from mission_control.records.run_origin import RunOrigin
from mission_control.schedule.model import Job

T = TypeVar("T")


@click.group()
def lkg() -> None:
    """
    Capture, compare and verify the last known good.

    Nothing here restores anything: the runbook page lkg_restore says how a person does it.
    """


@lkg.command()
@setting_flags("namespace", "context", "kubeconfig", "fleet_file", "root", "repository")
@json_flag
@click.pass_context
def capture(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Capture the namespace as it runs: a manifest pinned to digests, and what it is worth.

    The capture is recorded below ops/lkg/. It stays CANDIDATE, with its reasons, unless the
    session that it closes was clean; only a GOOD one replaces ops/lkg/lkg_manifest.yaml and
    lkg_metadata.json, and only where no flag names another floor than the configured. Exits
    with 0 when it was recorded, and with 3 when it was refused: then nothing was touched.
    """
    context = ctx.ensure_object(CliContext)
    settings = recording_with(context, flags)
    try:
        with context.busy("Reading the namespace"):
            made, path = run_recording(ctx, _capture(context, settings))
    except CaptureRefused as refused:
        for reason in refused.reasons:
            click.echo(printable(f"REFUSED: {reason}"), err=True)
        click.echo("Nothing was captured, and nothing was touched.", err=True)
        ctx.exit(HALTED)
    if as_json:
        emit({"path": path, **metadata_document(made)}, made.label)
    else:
        click.echo("\n".join(map(printable, capture_lines(metadata_document(made)))))
    context.say(f"Recorded as {path}.")


async def _capture(context: CliContext, settings: Settings) -> tuple[LkgCapture, str]:
    ours = _is_of_the_floor(context, settings)
    async with (
        ready_to_run(settings, context.clock, Looking(rounds=1)) as parts,
        _claiming(context, settings, parts.calendar, ours=ours) as origin,
    ):
        build = partial(find_build, settings, context.environ, context.clock)
        made, entry = await run(parts, origin, find_build=build, of_the_floor=ours)
    return made, entry.path


def _is_of_the_floor(context: CliContext, settings: Settings) -> bool:
    """Return whether the flags name the configured floor."""
    try:
        configured = settings_with(context, {}, tell=False).fleet
    except ConfigurationError:
        return False
    asked = settings.fleet
    return (asked.access, asked.digest) == (configured.access, configured.digest)


def _claiming(
    context: CliContext, settings: Settings, calendar: CalendarReader, *, ours: bool
) -> AbstractAsyncContextManager[RunOrigin]:
    """Claim the planned capture, which is of the configured floor only."""
    if ours:
        return claim_planned(settings, calendar, context.clock, context.say, {Job.LKG_CAPTURE})
    context.say(
        "This is not the configured namespace, context or inventory: the capture is recorded "
        "beside the plan, and replaces no latest view."
    )
    return nullcontext(beside_the_plan(settings, context.clock))


@lkg.command("list")
@setting_flags("root")
@click.option("--limit", type=click.IntRange(1, 500), default=MOST_LISTED, show_default=True)
@json_flag
@click.pass_context
def list_(ctx: click.Context, *, limit: int, as_json: bool, **flags: str | None) -> None:
    """List captures, newest first: the status of each, and for how long it is unchanged."""
    context = ctx.ensure_object(CliContext)
    held = _await(ctx, list_captures(_artifacts(context, flags), limit))
    if as_json:
        document = {"captures": [listed_capture(c) for c in held]}
        emit(document)
        return
    click.echo("\n".join(fitting(list_lines([listed_capture(c) for c in held]), columns())))


@lkg.command()
@click.argument("before", default=PREVIOUS)
@click.argument("after", default=LATEST)
@setting_flags("root")
@json_flag
@click.pass_context
def diff(
    ctx: click.Context, before: str, after: str, *, as_json: bool, **flags: str | None
) -> None:
    """
    Say what differs from the capture BEFORE to AFTER: objects, images, replicas, names, fields.

    Each is `latest`, `previous`, `good` (the newest that is GOOD), or a run's path or name as
    `lkg list` prints it. Exits with 0 whether or not anything differs.
    """
    context = ctx.ensure_object(CliContext)
    compared = _await(ctx, compare_captures(_artifacts(context, flags), before, after))
    if as_json:
        document = lkg_diff_document(compared)
        emit(document)
        return
    if compared.clusters:
        click.echo(printable(f"ATTENTION: {compared.clusters}"))
    click.echo(f"{compared.before.entry.path} -> {compared.after.entry.path}")
    for gap in compared.gaps:
        click.echo(printable(f"Doubtful: {gap}"))
    for c in compared.changes:
        click.echo(printable(f"{c.subject}  {c.what}: {c.before} -> {c.after}"))
    if not compared.changes:
        click.echo("Nothing differs.")


@lkg.command()
@click.argument("reference", default=LATEST, metavar="[REF]")
@setting_flags("root")
@json_flag
@click.pass_context
def verify(ctx: click.Context, reference: str, *, as_json: bool, **flags: str | None) -> None:
    """
    Check that a capture can be put back: digests, pins, kill switch, nothing bound to a cluster.

    REF is `latest`, `previous`, `good`, or a run's path or name. Names everything that is wrong,
    and then exits with 4. Nothing is changed.
    """
    context = ctx.ensure_object(CliContext)
    found, problems = _await(ctx, verify_recorded(_artifacts(context, flags), reference))
    if as_json:
        document = {**listed_capture(found), "verified": not problems, "problems": list(problems)}
        emit(document)
    else:
        for problem in problems:
            click.echo(printable(f"WRONG: {problem}"))
        verdict = f"NOT verified: {len(problems)} problems" if problems else "verified"
        click.echo(f"{found.entry.path} {found.content_digest[:16]}: {verdict}")
        click.echo(f"It is {listed_capture(found)['status']}.")
    if problems:
        ctx.exit(VERIFICATION_FAILED)


def _artifacts(context: CliContext, flags: Mapping[str, str | None]) -> ArtifactReader:
    root = root_with(context, flags)
    return ArtifactReader(root, context.clock)


def _await(ctx: click.Context, work: Coroutine[object, object, T]) -> T:
    """Run a job; a reference to nothing is wrong usage, a failing record exits with 1."""
    try:
        return process.run(work)
    except NoSuchReport as error:
        click.echo(f"Error: {printable(str(error))}", err=True)
        ctx.exit(USAGE)
    except StorageError as error:
        click.echo(f"The record failed: {printable(str(error))}", err=True)
        ctx.exit(INTERNAL)
